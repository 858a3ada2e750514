"""Live progress of a job: a bar a stage on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from cluster.db.engine import reading
from cluster.db.tables import Step
from cluster.jobs import store
from cluster.jobs.states import State
from cluster.services import Services

_LOOK_EVERY_S = 0.25
_LINE_EVERY = 0.25
_TITLES = {
    "analyze": "listening",
    "plan": "planning",
    "render": "drawing",
    "assemble": "joining",
    "publish": "publishing",
    "verify": "measuring",
}


class View:
    """Shows stages as they go; ``seconds`` holds the time of those that `stage` timed."""

    def __init__(self, console: Console) -> None:
        self.seconds: dict[str, float] = {}
        self._console = console
        self._bars: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}
        self._progress: Progress | None = None
        if console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description:<12}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                console=console,
            )

    def show(self, kind: str, fraction: float, detail: str = "") -> None:
        """Show that the stage ``kind`` has come to ``fraction``, 0..1."""
        title = _TITLES.get(kind, kind)
        if self._progress is not None:
            if kind not in self._bars:
                self._bars[kind] = self._progress.add_task(title, total=1.0)
            self._progress.update(self._bars[kind], completed=fraction, description=f"{title} {detail}".strip())
            return
        last = self._told.get(kind)
        if last is None or fraction - last >= _LINE_EVERY or (fraction >= 1.0 > last):
            self._told[kind] = fraction
            self._console.print(f"{title} {fraction:4.0%} {detail}".rstrip(), highlight=False)

    @contextlib.contextmanager
    def stage(self, kind: str) -> Iterator[None]:
        """Show and time a stage that is no step."""
        begun = time.monotonic()
        self.show(kind, 0.0)
        yield
        self.show(kind, 1.0)
        self.seconds[kind] = round(time.monotonic() - begun, 3)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the bars on the terminal while the block runs."""
        with self._progress or contextlib.nullcontext():
            yield


@contextlib.contextmanager
def watch(services: Services, job_id: str, console: Console) -> Iterator[View]:
    """Show the job's steps until the block ends."""
    view = View(console)
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_S):
            _show_steps(services, job_id, view)

    watcher = threading.Thread(target=look, daemon=True)
    with view.running():
        watcher.start()
        try:
            yield view
        finally:
            over.set()
            watcher.join()


def _show_steps(services: Services, job_id: str, view: View) -> None:
    with reading(services.engine) as session:
        steps = store.steps_of(session, job_id)
    for kind in dict.fromkeys(step.kind for step in steps):
        group = [step for step in steps if step.kind == kind]
        if any(step.state != State.QUEUED for step in group):
            view.show(kind, _fraction(group), _detail(group))


def _fraction(group: list[Step]) -> float:
    return sum(1.0 if step.state == State.SUCCEEDED else step.progress for step in group) / len(group)


def _detail(group: list[Step]) -> str:
    if len(group) == 1:
        return ""
    done = sum(step.state == State.SUCCEEDED for step in group)
    return f"{done}/{len(group)}"
