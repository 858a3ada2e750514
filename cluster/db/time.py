"""Time by the database's clock, the only one that leases are measured with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its zone; SQLite, which has no zones, holds it as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into what the database holds."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give a moment its zone back."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class database_time(ColumnElement[datetime]):  # noqa: N801 - reads as the SQL function that it is
    """The database's time, ``plus_s`` seconds from now."""

    inherit_cache = False

    def __init__(self, plus_s: float = 0.0) -> None:
        self.plus_s = float(plus_s)
        self.type = UtcDateTime()


@compiles(database_time, "sqlite")
def _sqlite(element: database_time, compiler: SQLCompiler, **_: Any) -> str:
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', '{element.plus_s:+.3f} seconds') || '000')"


@compiles(database_time)
def _postgres(element: database_time, compiler: SQLCompiler, **_: Any) -> str:
    return f"(clock_timestamp() + interval '{element.plus_s:.3f} seconds')"
