"""What a process that serves HTTP does beside it: the reaper, the queue of plain workers, clearing up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cluster.errors import PlatformError
from cluster.services import Services
from cluster.sweeper import sweep
from tasks.rq_announcer import RqAnnouncer, open_redis

_log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.5
_CARE_EVERY_S = 10.0
_SWEEP_EVERY_S = 3600.0


class Attendant:
    """A thread beside the HTTP application.

    Parameters
    ----------
    care : callable
        Called every ten seconds: sees to it that what else is needed runs.
    """

    def __init__(self, services: Services, care: Callable[[], object] = lambda: None) -> None:
        self._services = services
        self._care = care
        url = services.settings.redis_url
        self._announcer: RqAnnouncer | None = None
        if services.settings.wakes_rq and url is not None:
            self._announcer = RqAnnouncer(services, open_redis(url.get_secret_value()))
        self._due: dict[Callable[[], object], float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attendant", daemon=True)

    def start(self) -> None:
        """Start the thread, and the keeper, which reaps."""
        self._services.keeper.start()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopped.set()
        self._thread.join()
        self._services.keeper.stop()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for act, every_s in ((self._announce, 0.0), (self._care, _CARE_EVERY_S), (self._sweep, _SWEEP_EVERY_S)):
                now = self._services.clock.monotonic()
                if self._due.get(act, now) <= now:
                    self._due[act] = now + every_s
                    self._try(act)
            self._stopped.wait(_LOOK_EVERY_S)

    def _announce(self) -> None:
        if self._announcer is not None:
            self._announcer.turn()

    def _sweep(self) -> None:
        _log.info("swept", **asdict(sweep(self._services)))

    @staticmethod
    def _try(act: Callable[[], object]) -> None:
        try:
            act()
        except (PlatformError, SQLAlchemyError) as error:
            _log.warning("attending failed and is tried again", error=str(error))
