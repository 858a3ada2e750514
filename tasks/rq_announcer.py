"""Tells RQ of steps that can run: a message is two strings to `tasks.wakeup.run_step`, and may be lost or doubled.

Only as many messages lie in a queue as its workers will take soon, since a message that waits says nothing that the
database does not know. Steps that generate clips go to a queue of their own while somebody listens there only.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.command import PUBSUB_CHANNEL_TEMPLATE
from rq.worker import BaseWorker

from cluster.faultpoint import faultpoint
from cluster.jobs import announce
from cluster.jobs.announce import Announced
from cluster.services import Services
from tasks.rq_worker import RUN_STEP

_log = structlog.get_logger(__name__)

CLIPS = "clip-generation"
_PER_WORKER = 2
_RESULT_TTL_S = 500
_FAILURE_TTL_S = 7 * 86_400
_CLIP_KINDS = frozenset({"generate"})


def open_redis(url: str) -> Redis:
    """Open the Redis at ``url``; it connects when it is first used, and gives up after seconds when it is away."""
    return Redis.from_url(url, socket_connect_timeout=5, socket_timeout=10)


class RqAnnouncer:
    """Fills the queues of plain RQ workers from the database."""

    def __init__(self, services: Services, redis: Redis) -> None:
        self._services = services
        self._redis = redis
        self._name = services.settings.rq_worker_queue

    def turn(self) -> int:
        """Announce as many steps as there is room for, and give their number; none while Redis is away."""
        try:
            workers = Worker.all(connection=self._redis)
            room = self._room(workers)
            clips_apart = any(worker.queue_names() == [self._clips] for worker in workers)
        except RedisError as error:
            _log.warning("redis does not answer", error=str(error))
            return 0
        steps = announce.announce(self._services.engine, limit=room, again_after_s=self._services.settings.reannounce_s)
        if steps:
            faultpoint("announced")
        with self._taking_back(steps) as left:
            while left:
                self._send(left[0], self._clips if clips_apart and left[0].kind in _CLIP_KINDS else self._name)
                del left[0]
        return len(steps)

    @property
    def _clips(self) -> str:
        return f"{self._name}:{CLIPS}"

    def _room(self, workers: list[BaseWorker]) -> int:
        listening = [worker for worker in workers if {self._name, self._clips} & set(worker.queue_names())]
        unknown = self._connected() - {worker.name for worker in workers}
        waiting = sum(Queue(name, connection=self._redis).count for name in (self._name, self._clips))
        return max(0, _PER_WORKER * (len(listening) + len(unknown)) - waiting)

    def _connected(self) -> set[str]:
        """Name the workers that are connected; a Redis that was wiped knows no others, since they tell it once."""
        channels = self._redis.pubsub_channels(PUBSUB_CHANNEL_TEMPLATE % "*")
        names = (channel.decode() if isinstance(channel, bytes) else channel for channel in channels)
        return {name.removeprefix(PUBSUB_CHANNEL_TEMPLATE % "") for name in names}

    def _send(self, step: Announced, queue: str) -> None:
        delivery_id = uuid.uuid4().hex
        Queue(queue, connection=self._redis).enqueue(
            RUN_STEP,
            step.id,
            delivery_id,
            job_id=f"vc-{step.id}-{delivery_id}",
            job_timeout=self._services.settings.rq_job_timeout_s,
            result_ttl=_RESULT_TTL_S,
            failure_ttl=_FAILURE_TTL_S,
            description=step.name,
        )

    @contextmanager
    def _taking_back(self, steps: list[Announced]) -> Iterator[list[Announced]]:
        """Let steps be announced by others at once that Redis did not take."""
        left = list(steps)
        try:
            yield left
        except RedisError as error:
            _log.warning("redis does not answer", error=str(error))
            announce.withdraw(self._services.engine, [step.id for step in left])
