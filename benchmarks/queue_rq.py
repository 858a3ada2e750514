"""The same work in plain RQ, whose jobs are kept by Redis alone, for ``benchmarks.queue``.

Its workers are `rq.worker.SimpleWorker`, which runs jobs in its own process; a job's work is one element of a list.
"""

from __future__ import annotations

import os
import sys
import time

from redis import Redis
from rq import Queue, SimpleWorker, get_current_job

from benchmarks.start_line import await_start, report

_EFFECTS = "effects"


def stub(subject: str) -> None:
    """Have the effect."""
    job = get_current_job()
    assert job is not None
    job.connection.rpush(_EFFECTS, subject)


def fill(url: str, jobs: int, steps: int) -> None:
    """Enqueue ``jobs`` times ``steps`` jobs, a batch for each of our jobs."""
    queue = Queue(connection=Redis.from_url(url))
    for job in range(jobs):
        queue.enqueue_many([Queue.prepare_data(stub, (f"{job}/{position}",)) for position in range(steps)])


def counted(url: str) -> dict[str, int]:
    """Count the effects that were had, and of how many jobs they are."""
    had = Redis.from_url(url).lrange(_EFFECTS, 0, -1)
    return {"effects": len(had), "subjects": len(set(had))}


def main() -> int:
    """Get ready, and drain until no job is left."""
    worker = SimpleWorker([Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))])
    await_start()
    busy_s = time.process_time()
    worker.work(burst=True, logging_level="ERROR")
    report({"cpu_s": time.process_time() - busy_s})
    return 0


if __name__ == "__main__":
    sys.exit(main())
