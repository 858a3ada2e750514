"""Where fighters meet: starts them, continues those that stand still when their time is over, replaces the dead.

Nothing here waits for a time to pass: a fighter that stopped itself is continued when the row of its step says that
the step was taken from it, however long that takes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cluster.db.engine import reading
from cluster.db.tables import Step
from cluster.services import Services
from tests.support.history import Run

ROOT = Path(__file__).parents[2]
_LOOK_EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Line:
    """What a fighter said: that it did something with a run of a step, or its counts."""

    did: str
    run: Run
    counts: dict[str, int]


@dataclass(slots=True)
class Fighter:
    """A process, what it was started with and where its lines go; ``stands_at`` is where it stopped itself."""

    process: subprocess.Popen[bytes]
    arguments: tuple[str, ...]
    log: Path
    stands_at: Run | None = None


@dataclass
class Arena:
    """A fight on the database of ``services``, with the environment of this process.

    Parameters
    ----------
    over : callable
        Takes the row of a step at which a fighter stands still, and the fence of its claim; tells whether the fighter
        is to go on.
    """

    services: Services
    folder: Path
    over: Callable[[Step, int], bool]
    fighters: list[Fighter] = field(default_factory=list)

    def start(self, *arguments: str) -> None:
        """Start a fighter."""
        log = self.folder / f"fighter-{len(self.fighters)}.jsonl"
        with log.open("wb") as lines:
            command = [sys.executable, "-m", "tests.support.fighter", *arguments]
            process = subprocess.Popen(command, stdout=lines, cwd=ROOT)
        self.fighters.append(Fighter(process, arguments, log))

    def until(self, what: Callable[[], bool]) -> None:
        """Look after the fighters until ``what`` is true."""
        pause = threading.Event()
        while not what():
            for fighter in self.alive():
                self._look_after(fighter)
            standing = [fighter.stands_at is not None for fighter in self.alive()]
            if standing and all(standing):
                self.services.keeper.reap()  # nobody else is there to do so
            pause.wait(_LOOK_EVERY_S)

    def alive(self) -> list[Fighter]:
        """Give the fighters that have not ended."""
        return [fighter for fighter in self.fighters if fighter.process.returncode is None]

    def standing(self) -> bool:
        """Tell whether a fighter stands still."""
        return any(fighter.stands_at is not None for fighter in self.alive())

    def lines(self) -> list[Line]:
        """Read what all fighters said."""
        return [line for fighter in self.fighters for line in lines_of(fighter)]

    def _look_after(self, fighter: Fighter) -> None:
        code = fighter.process.poll()
        if code == -signal.SIGKILL:
            self.start(*fighter.arguments)
        elif code is not None:
            assert code == 0, f"a fighter ended with {code}"
        elif fighter.stands_at is None:
            if os.waitid(os.P_PID, fighter.process.pid, os.WSTOPPED | os.WNOHANG) is not None:
                fighter.stands_at = lines_of(fighter)[-1].run
        elif self._is_over(*fighter.stands_at):
            fighter.stands_at = None
            fighter.process.send_signal(signal.SIGCONT)

    def _is_over(self, step_id: str, fence: int) -> bool:
        with reading(self.services.engine) as session:
            return self.over(session.get_one(Step, step_id), fence)


@contextlib.contextmanager
def arena(services: Services, folder: Path, over: Callable[[Step, int], bool]) -> Iterator[Arena]:
    """Open an arena; no fighter is left when the block ends."""
    opened = Arena(services, folder, over)
    try:
        yield opened
    finally:
        for fighter in opened.alive():
            fighter.process.kill()
            fighter.process.wait()


def lines_of(fighter: Fighter) -> list[Line]:
    """Read what a fighter said; what the product logs beside it is left out."""
    said = [json.loads(line) for line in fighter.log.read_text().splitlines() if line.startswith("{")]
    return [Line(one.pop("did"), (one.pop("step", ""), one.pop("fence", 0)), one) for one in said]
