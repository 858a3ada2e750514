"""What a step is given, and what it may answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlmodel import Session

from cluster.clock import Clock
from cluster.db.engine import reading, writing
from cluster.faultpoint import faultpoint
from cluster.jobs import artifacts, events, lease
from cluster.jobs.events import Event
from cluster.jobs.keeper import Hold
from cluster.services import Services
from tasks.domain import interruption

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done:
    """The step's work is there; ``key`` names its file in storage, or is None where it is rows."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class Park:
    """Nothing to do before ``until``; the step gives up its process meanwhile."""

    until: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It did not work this time and may the next."""

    reason: str
    evidence: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """It will not work; ``code`` and ``reason`` are for the user, ``evidence`` for whoever looks into it."""

    reason: str
    code: str = "failed"
    evidence: dict[str, Any] | None = None


Outcome = Done | Park | Retry | Fail

Buffer = bytes | memoryview
Shared = Mapping[str, Buffer]
"""Bytes of stored objects that the starter of a step has in memory already, by key."""


class Mapper(Protocol):
    """Applies a function to items, in this process or on a cluster; results come in the items' order."""

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterable[Result]:
        """Apply ``function`` to each of ``items``."""
        ...


class StepContext:
    """A step's view of the platform: storage, scratch, progress, the lease, the clock and fan-out."""

    def __init__(
        self,
        services: Services,
        kept: Hold,
        scratch: Path,
        *,
        mapper: Mapper = map,
        shared: Shared | None = None,
        tell: Callable[[float], None] | None = None,
    ) -> None:
        self._services = services
        self._hold = kept
        self._claim = kept.claim
        self._mapper = mapper
        self._shared = shared or {}
        self._tell = tell
        self._told_at = float("-inf")
        self._recorded = 0.0
        self.scratch = scratch
        self.storage = services.storage

    @property
    def clock(self) -> Clock:
        """The process's clock."""
        return self._services.clock

    @property
    def owner_id(self) -> str:
        """Whose job this is."""
        return self._claim.owner_id

    @property
    def services(self) -> Services:
        """The platform's settings and connections."""
        return self._services

    def progress(self, fraction: float) -> None:
        """Tell how far the step is, 0..1; told to the database at most four times a second.

        Every tenth of the way becomes an event as well. To be called often: it is how a step learns that it is no
        longer wanted.

        Raises
        ------
        LeaseLost
            If the step is no longer ours.
        """
        self._expect_wanted()
        now = self.clock.monotonic()
        if now - self._told_at < _TELL_EVERY_S:
            return
        self._told_at = now
        reached = min(1.0, max(0.0, fraction))
        if self._tell is not None:
            self._tell(reached)
        with writing(self._services.engine) as session:
            if reached - self._recorded < _RECORD_EVERY:
                lease.write(session, self._claim, progress=reached)
                return
            lease.lock_job(session, self._claim.job_id)
            lease.write(session, self._claim, progress=reached)
            happened = Event(
                "progress", step_id=self._claim.step_id, fence=self._claim.fence, detail={"progress": round(reached, 3)}
            )
            events.record(session, self._claim.job_id, happened)
        self._recorded = reached

    def _expect_wanted(self) -> None:
        interruption.check()
        self._hold.check()  # threads that a step starts are not asked by the line above

    def check_lease(self) -> None:
        """Raise `LeaseLost` if the step is no longer ours."""
        self._expect_wanted()
        with writing(self._services.engine) as session:
            lease.hold(session, self._claim)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction that commits only while the step is ours.

        Raises
        ------
        LeaseLost
            If it is not; nothing is written then.
        """
        with writing(self._services.engine) as session:
            lease.hold(session, self._claim)
            yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads."""
        with reading(self._services.engine) as session:
            yield session

    def map(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterable[Result]:
        """Apply ``function`` to each of ``items``; results come in their order."""
        return self._mapper(function, items)

    def shared(self, key: str) -> Buffer:
        """Give a stored object's bytes that many steps read; held in memory by whoever runs them side by side."""
        if key not in self._shared:
            return self.fetch(key).read_bytes()
        return self._shared[key]

    def fetch(self, key: str) -> Path:
        """Give a local file with the stored object's bytes as they are now; it must not be written."""
        self._expect_wanted()
        local = self.scratch / key.replace("/", "-")
        local.unlink(missing_ok=True)
        return self.storage.fetch_file(key, local)

    def is_stored(self, key: str, kind: str) -> bool:
        """Tell whether a run before this one, of whatever job, stored the object; if so, note the artifact here too.

        That run may have died between storing and noting.
        """
        if not self.storage.exists(key):
            return False
        self._note(key, kind, self.storage.stat(key).size_bytes)
        return True

    def publish(self, path: Path, key: str, kind: str) -> str:
        """Store ``path`` under ``key``, note the artifact under the fence, and give the key back."""
        self.check_lease()
        faultpoint("before put")
        size_bytes = self.storage.put_file(path, key).size_bytes
        faultpoint("after put")
        self._note(key, kind, size_bytes)
        return key

    def _note(self, key: str, kind: str, size_bytes: int) -> None:
        with self.transaction() as session:
            artifacts.note(session, key=key, owner_id=self.owner_id, kind=kind, size_bytes=size_bytes)


_TELL_EVERY_S = 0.25
_RECORD_EVERY = 0.1
