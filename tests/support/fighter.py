"""A process that fights for stub steps until none is left, and does in the middle what its steps tell it to.

usage: python -m tests.support.fighter [--steady] [--without-fence]

A step's input may hold an ``act``, which its first run obeys: ``stall`` stops the process between claim and end
until somebody continues it, ``kill`` kills it there, ``kill_writing`` kills it in the transaction that ends the step,
and ``probe`` tries every illegal thing after the end. Each line on stdout tells what was done, before it can be lost;
the last one holds the counts. A process that is stopped has no thread in a transaction: it would not lose its lease
but keep everybody out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

from sqlalchemy import select, update
from sqlmodel import Session, col

from cluster.db.engine import reading, writing
from cluster.db.tables import Step
from cluster.errors import IllegalEdge, LeaseLost
from cluster.jobs import events, lease, store
from cluster.jobs.announce import announce
from cluster.jobs.events import Event
from cluster.jobs.lease import Claim
from cluster.jobs.states import LIVE, State
from cluster.services import Services, open_services
from cluster.settings import load_settings
from tests.support import stubs

STALL, KILL, KILL_WRITING, PROBE = "stall", "kill", "kill_writing", "probe"
PROBES = len(State) + 2
"""How many illegal things are tried each time."""

_BATCH = 25
_ASK_AGAIN_S = 0.02


class Fighter:
    """Claims, holds and ends steps.

    Parameters
    ----------
    steady : bool
        Whether it does nothing of what steps tell it to.
    fenced : bool
        Whether it ends steps under their fence, as everybody must.
    """

    def __init__(self, services: Services, *, steady: bool, fenced: bool) -> None:
        self._services = services
        self._steady = steady
        self._fenced = fenced
        self._counts: Counter[str] = Counter()

    def fight(self) -> None:
        """Run steps until none of any job is left, and tell the counts."""
        pause = threading.Event()
        while self._some_left():
            again_after_s = self._services.settings.reannounce_s
            told = announce(self._services.engine, limit=_BATCH, again_after_s=again_after_s)
            for step in told:
                self._run(step.id)
            if not told:
                pause.wait(_ASK_AGAIN_S)
        names = {"claims": "claimed", "ended": "ended", "lease_lost": "lost", "illegal_refused": "refused"}
        _say({"did": "finished", **{name: self._counts[did] for name, did in names.items()}})

    def _some_left(self) -> bool:
        with reading(self._services.engine) as session:
            return session.scalar(select(col(Step.id)).where(col(Step.state).in_(LIVE)).limit(1)) is not None

    def _run(self, step_id: str) -> None:
        since = self._services.clock.monotonic()
        claimed = lease.claim(self._services.engine, step_id, str(os.getpid()), self._services.settings.lease_s)
        if claimed is None:
            return
        self._tell("claimed", claimed)
        act = None if self._steady or claimed.crashes else claimed.input.get("act")
        with self._services.keeper.holding(claimed, since):
            if act == STALL:
                self._stall(claimed)
            elif act == KILL:
                self._kill(claimed)
            try:
                with writing(self._services.engine) as session:
                    self._end(session, claimed)
                    if act == KILL_WRITING:
                        self._kill(claimed)
            except LeaseLost:
                self._tell("lost", claimed)
                self._probe(claimed)
                return
        self._tell("ended", claimed)
        if act == PROBE:
            self._probe(claimed)

    def _end(self, session: Session, claimed: Claim) -> None:
        if self._fenced:
            stubs.finish(session, claimed)
            return
        lease.lock_job(session, claimed.job_id)  # the planted bug: whoever comes, ends the step
        session.execute(update(Step).where(col(Step.id) == claimed.step_id).values(state=State.SUCCEEDED))
        ended = Event("step", step_id=claimed.step_id, before=State.RUNNING, after=State.SUCCEEDED, fence=claimed.fence)
        events.record(session, claimed.job_id, ended)
        stubs.take_effect(session, claimed)

    def _stall(self, claimed: Claim) -> None:
        self._services.keeper.stop()
        self._tell("stalled", claimed)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._services.keeper.start()

    def _kill(self, claimed: Claim) -> None:
        self._tell("killed", claimed)
        os.kill(os.getpid(), signal.SIGKILL)

    def _probe(self, claimed: Claim) -> None:
        """Try what a claim that is over does not allow: every state, giving it back, and writing."""
        attempts: list[Callable[[Session], None]] = [
            lambda session: store.release(session, claimed, after_s=0, detail={}),
            lambda session: lease.write(session, claimed, progress=0.5),
            *(partial(store.end_step, claimed=claimed, state=after) for after in State),
        ]
        for attempt in attempts:
            try:
                with writing(self._services.engine) as session:
                    attempt(session)
            except (LeaseLost, IllegalEdge):
                self._tell("refused", claimed)
            else:
                self._tell("accepted", claimed)

    def _tell(self, did: str, claimed: Claim) -> None:
        self._counts[did] += 1
        _say({"did": did, "step": claimed.step_id, "fence": claimed.fence})


def main() -> int:
    """Fight on the database that the environment names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steady", action="store_true")
    parser.add_argument("--without-fence", action="store_true")
    arguments = parser.parse_args()
    services = open_services(load_settings())
    services.keeper.start()
    Fighter(services, steady=arguments.steady, fenced=not arguments.without_fence).fight()
    services.close()
    return 0


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
