"""What is to be done: jobs, their steps, what happened to them, and the files they made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

from cluster.db.time import UtcDateTime


class Job(SQLModel, table=True):
    """What a user asked for; ``subject_id`` is what it makes (a composition), or the song that it hears.

    A job of a higher ``priority`` goes first; ``retries`` counts those of all its steps; ``requeued_from`` is the
    failed job that somebody began anew as this one.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_owner", "owner_id", "id"),  # a user's jobs, newest last
        Index("ix_jobs_subject", "subject_id", "id"),  # the jobs of one video or song
        CheckConstraint("state IN ('queued','running','succeeded','failed','cancelled')", name="ck_jobs_state"),
    )

    id: str = Field(primary_key=True)
    owner_id: str
    kind: str
    subject_id: str
    state: str
    priority: int = 0
    retries: int = 0
    requeued_from: str | None = None
    error: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Step(SQLModel, table=True):
    """One piece of a job; whoever runs it holds the lease and writes under its fence.

    ``owner_id`` and ``priority`` are the job's, here so that the question what runs next reads one table.
    ``tries`` counts runs that asked to be tried again, ``crashes`` runs whose process was lost.
    """

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("job_id", "kind", "position", name="uq_steps_place"),  # planning twice adds nothing
        Index(  # what can run next, of whom; and, by state, what each owner has running
            "ix_steps_runnable", "state", "priority", "owner_id", "job_id", "position"
        ),
        Index("ix_steps_leases", "state", "lease_until"),  # whose lease has ended
        CheckConstraint("state IN ('queued','running','succeeded','failed','cancelled')", name="ck_steps_state"),
    )

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id")
    owner_id: str
    priority: int = 0
    kind: str
    position: int
    name: str
    input: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    state: str
    fence: int = 0
    tries: int = 0
    crashes: int = 0
    delivery_id: str | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    available_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    announced_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    progress: float = 0.0
    output_key: str | None = None
    error: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    finished_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class JobEvent(SQLModel, table=True):
    """What happened, only ever added to; ``id`` orders the events of all jobs."""

    __tablename__ = "job_events"
    __table_args__ = (Index("ix_job_events_job", "job_id", "id"),)  # one job's events in order

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    )
    job_id: str = Field(foreign_key="jobs.id")
    step_id: str | None = None
    kind: str
    before: str | None = None
    after: str | None = None
    fence: int | None = None
    detail: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Artifact(SQLModel, table=True):
    """A file that a step made, by its key in storage."""

    __tablename__ = "artifacts"
    __table_args__ = (Index("ix_artifacts_owner", "owner_id"),)  # what a user's files weigh

    key: str = Field(primary_key=True)
    owner_id: str
    kind: str
    size_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
