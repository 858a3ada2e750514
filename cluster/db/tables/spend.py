"""What is paid for: every try of a paid prediction, and the budgets that bound them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from cluster.db.money import Usd
from cluster.db.time import UtcDateTime

_OPEN = "state IN ('intent','submitted')"


class Attempt(SQLModel, table=True):
    """One try of a paid prediction, written down before the provider is asked; a second try is a second row."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("subject_id", "number", name="uq_attempts_number"),
        Index(  # never two open tries of one thing, whoever asks
            "uq_attempts_open", "subject_id", unique=True, postgresql_where=text(_OPEN), sqlite_where=text(_OPEN)
        ),
        Index("ix_attempts_step", "step_id"),  # the tries of one step
        CheckConstraint(
            "state IN ('intent','submitted','succeeded','failed','rejected','abandoned')", name="ck_attempts_state"
        ),
        CheckConstraint("reserved_usd >= 0 AND cost_usd >= 0", name="ck_attempts_money"),
    )

    id: str = Field(primary_key=True)
    owner_id: str
    step_id: str = Field(foreign_key="steps.id")
    subject_id: str  # the clip, image or transcript that is tried
    number: int
    state: str
    provider: str
    model: str
    nonce: str
    input_hash: str
    input: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    prediction_id: str | None = Field(default=None, unique=True)
    reserved_usd: Decimal = Field(sa_column=Column(Usd, nullable=False))
    cost_usd: Decimal = Field(sa_column=Column(Usd, nullable=False, server_default="0"))
    error: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    intent_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    submitted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Budget(SQLModel, table=True):
    """What may be spent in one scope, such as ``song:…``, ``user:…:2026-11-24`` or ``all:2026-11-24``."""

    __tablename__ = "budgets"
    __table_args__ = (
        CheckConstraint("reserved_usd >= 0 AND spent_usd >= 0", name="ck_budgets_positive"),
        CheckConstraint("reserved_usd + spent_usd <= limit_usd", name="ck_budgets_limit"),
    )

    scope: str = Field(primary_key=True)
    owner_id: str
    limit_usd: Decimal = Field(sa_column=Column(Usd, nullable=False))
    reserved_usd: Decimal = Field(sa_column=Column(Usd, nullable=False, server_default="0"))
    spent_usd: Decimal = Field(sa_column=Column(Usd, nullable=False, server_default="0"))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
