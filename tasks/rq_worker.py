"""A hardened RQ worker: the command line stays ``rq worker ai_music_video``, two variables name these classes.

    RQ_WORKER_CLASS=tasks.rq_worker.GuardedWorker RQ_JOB_CLASS=tasks.rq_worker.GuardedJob

Whoever can write to Redis can put anything into a queue. A stock worker unpickles it and calls what it names. These
classes unpickle plain values only and call `tasks.wakeup.run_step` only. A job that is stopped, or a worker that has
to end before its step does, hands the lease back at once.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import threading
from types import FrameType
from typing import Any

from redis import Redis
from rq import Worker
from rq.job import Job

from cluster.environment import expect_own_modules
from cluster.settings import load_settings
from cluster.telemetry import configure_logs
from tasks.domain import interruption
from tasks.kernels import use_kernel_cache

RUN_STEP = "tasks.wakeup.run_step"
ALLOWED = frozenset({RUN_STEP})
_PLAIN = frozenset({("datetime", "datetime"), ("datetime", "timezone"), ("datetime", "timedelta"), ("uuid", "UUID")})
_HAND_BACK_S = 10.0


class RefusedMessage(Exception):
    """A message that asks for something else than running a step."""


class PlainUnpickler(pickle.Unpickler):
    """Reads plain values, times and UUIDs; the name of anything else is refused before it is loaded."""

    def find_class(self, module: str, name: str) -> Any:
        """Load one of the few classes that RQ itself needs."""
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        raise RefusedMessage(f"a message names {module}.{name}")


class PlainSerializer:
    """RQ's default form on the wire, read with care."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """Write a value."""
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)

    @staticmethod
    def loads(data: bytes) -> Any:
        """Read a value.

        Raises
        ------
        RefusedMessage
            If it holds more than plain values.
        """
        return PlainUnpickler(io.BytesIO(data)).load()


class GuardedJob(Job):
    """A job that runs a step, or is refused."""

    def __init__(self, id: str | None = None, connection: Redis | None = None, serializer: Any = None) -> None:  # noqa: A002, ARG002 - RQ's names
        super().__init__(id, connection, PlainSerializer)

    @property
    def func(self) -> Any:
        """Give the function that runs a step.

        Raises
        ------
        RefusedMessage
            If the message names another.
        """
        if self.func_name not in ALLOWED or self.instance is not None:
            raise RefusedMessage(f"a message asks for {self.func_name}")
        return super().func

    def _no_callback(self) -> None:
        return None

    success_callback = failure_callback = stopped_callback = property(_no_callback)

    def send_webhooks(self, status: Any, *, exc_string: str | None = None) -> None:
        """Send nothing: a message must not make a worker call addresses."""


class GuardedWorker(Worker):
    """RQ's worker, which loads what steps need once and forks from there."""

    job_class = GuardedJob

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["job_class"] = GuardedJob
        options["serializer"] = PlainSerializer
        super().__init__(*arguments, **options)
        settings = load_settings()
        configure_logs(settings.log_level)
        expect_own_modules()
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        use_kernel_cache(settings)
        from tasks.workflow import load_steps  # noqa: PLC0415 - numba is loaded after its cache is set; no thread, no Ray

        load_steps()
        self._drain_s = settings.drain_s

    def setup_work_horse_signals(self) -> None:
        """Let SIGTERM interrupt the step, which then hands its lease back."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _interrupt)

    def kill_horse(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """Ask the horse to hand its lease back, and kill it if it does not."""
        horse = self.horse_pid
        super().kill_horse(signal.SIGTERM if sig == signal.SIGKILL else sig)
        threading.Timer(_HAND_BACK_S, lambda: _kill_group(horse)).start()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """End after the step that runs; one that takes longer than the drain setting is interrupted."""
        if self.horse_pid:
            timer = threading.Timer(self._drain_s, self.kill_horse)
            timer.daemon = True
            timer.start()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    interruption.interrupt()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
