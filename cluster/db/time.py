"""Time by the database's clock, the only one that leases are measured with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, DateTime, Dialect, Float, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
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


class database_time(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function that it is
    """The database's time, ``plus_s`` seconds from now, which may be a parameter that is bound later."""

    inherit_cache = True
    type = UtcDateTime()

    def __init__(self, plus_s: float | BindParameter[float] = 0.0) -> None:
        # As a parameter and not as text, so that a statement is compiled once and not anew for every time.
        later = plus_s if isinstance(plus_s, BindParameter) else literal(float(plus_s), Float())
        super().__init__(*([] if plus_s == 0.0 else [later]))


@compiles(database_time, "sqlite")
def _sqlite(element: database_time, compiler: SQLCompiler, **options: Any) -> str:
    shift = f", printf('%+.3f seconds', {compiler.process(element.clauses, **options)})" if len(element.clauses) else ""
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now'{shift}) || '000')"


@compiles(database_time)
def _postgres(element: database_time, compiler: SQLCompiler, **options: Any) -> str:
    if not len(element.clauses):
        return "clock_timestamp()"
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"
