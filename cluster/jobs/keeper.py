"""Signs of life, in a thread of every process that runs steps, dispatches them or answers requests.

One statement a beat renews all leases of the process. Between beats the thread looks whether the steps are still
wanted, and frees steps whose lease has ended, of any process, since one of them may be the last that is left.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import structlog
from sqlalchemy import Engine, select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from cluster.clock import Clock
from cluster.db.engine import reading, writing
from cluster.db.tables import Step
from cluster.db.time import database_time
from cluster.errors import LeaseLost
from cluster.jobs import retry
from cluster.jobs.lease import Claim
from cluster.jobs.states import State
from cluster.settings import Settings

_log = structlog.get_logger(__name__)

_REAPED_AT_ONCE = 200


class Hold:
    """A claim that is kept alive, and what its step asks before it goes on."""

    def __init__(self, claimed: Claim, clock: Clock, lease_s: float, since: float) -> None:
        self.claim = claimed
        self._clock = clock
        self._lease_s = lease_s
        self._good_at = since
        self._lost = threading.Event()

    def check(self) -> None:
        """Raise `LeaseLost` if the step is no longer ours, or was not heard of for as long as a lease lasts."""
        if self._lost.is_set() or self._clock.monotonic() - self._good_at > self._lease_s:
            raise LeaseLost(f"the lease on {self.claim.name} ({self.claim.step_id}) is lost")

    def renew(self, since: float) -> None:
        """Note that the database renewed the lease after ``since`` by the monotonic clock."""
        self._good_at = since

    def lose(self) -> None:
        """Note that the step is no longer ours."""
        self._lost.set()


class Keeper:
    """Keeps this process's leases, and frees those that others lost."""

    def __init__(self, engine: Engine, settings: Settings, clock: Clock) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._holds: dict[tuple[str, int], Hold] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._of_process = 0
        self._stopped = threading.Event()

    def start(self) -> None:
        """See to it that the thread runs in this process; a fork leaves the parent's behind."""
        with self._lock:
            if self._thread is not None and self._of_process == os.getpid():
                return
            self._of_process = os.getpid()
            self._stopped = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(self._stopped,), name="keeper", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopped.set()
        if thread is not None and self._of_process == os.getpid():
            thread.join()

    @contextlib.contextmanager
    def holding(self, claimed: Claim, since: float) -> Iterator[Hold]:
        """Keep the claim alive while the block runs, by the beats of the thread that `start` starts.

        Parameters
        ----------
        since : float
            The monotonic time just before the claim was made.
        """
        kept = Hold(claimed, self._clock, self._settings.lease_s, since)
        key = (claimed.step_id, claimed.fence)
        self._holds[key] = kept
        try:
            yield kept
        finally:
            del self._holds[key]

    def beat(self) -> None:
        """Renew all leases of this process."""
        holds = dict(self._holds)
        if not holds:
            return
        since = self._clock.monotonic()
        ours = select(col(Step.id)).where(
            tuple_(col(Step.id), col(Step.fence)).in_(list(holds)), col(Step.state) == State.RUNNING
        )
        with writing(self._engine) as session:
            renewed = session.execute(
                update(Step)
                .where(col(Step.id).in_(ours.with_for_update(skip_locked=True)))
                .values(lease_until=database_time(self._settings.lease_s))
                .returning(col(Step.id), col(Step.fence))
            ).all()
        for step_id, fence in renewed:
            holds[step_id, fence].renew(since)

    def look(self) -> None:
        """Ask whether the steps of this process are still its own, and tell those that are not."""
        holds = dict(self._holds)
        if not holds:
            return
        question = select(col(Step.id), col(Step.fence)).where(
            tuple_(col(Step.id), col(Step.fence)).in_(list(holds)), col(Step.state) == State.RUNNING
        )
        with reading(self._engine) as session:
            ours = {(step_id, fence) for step_id, fence in session.execute(question)}
        for key, kept in holds.items():
            if key not in ours:
                kept.lose()

    def reap(self) -> int:
        """Free steps whose lease has ended and give their number."""
        ended = select(col(Step.id)).where(col(Step.state) == State.RUNNING, col(Step.lease_until) < database_time())
        with reading(self._engine) as session:
            lost = list(session.scalars(ended.limit(_REAPED_AT_ONCE)))
        freed = [retry.run_again(self._engine, step_id, self._settings, "the lease ended") for step_id in lost]
        return sum(state is not None for state in freed)

    def _run(self, stopped: threading.Event) -> None:
        every = {
            self.look: self._settings.look_s,
            self.beat: self._settings.heartbeat_s,
            self.reap: self._settings.reap_every_s,
        }
        due = dict.fromkeys(every, 0.0)
        while not stopped.is_set():
            now = self._clock.monotonic()
            for act, period_s in every.items():
                if due[act] <= now:
                    due[act] = now + period_s
                    self._try(act)
            stopped.wait(max(0.01, min(due.values()) - self._clock.monotonic()))

    def _try(self, act: object) -> None:
        try:
            act()  # type: ignore[operator]
        except SQLAlchemyError as error:
            _log.warning("the database did not answer", act=getattr(act, "__name__", ""), error=str(error))
