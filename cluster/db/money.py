"""Money in rows: exact on both databases."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

_PER_USD = Decimal(1_000_000)


class Usd(TypeDecorator[Decimal]):
    """US dollars as a `Decimal`, held as whole millionths, so that sums and checks in SQL are exact on SQLite too."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Turn dollars into millionths; an amount finer than that is refused with `ValueError`."""
        if value is None:
            return None
        millionths = value * _PER_USD
        if millionths != millionths.to_integral_value():
            raise ValueError(f"{value} USD is finer than a millionth")
        return int(millionths)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Turn millionths into dollars."""
        return None if value is None else Decimal(value) / _PER_USD
