"""The same work in procrastinate, a durable queue on Postgres, for ``benchmarks.queue``.

Its worker runs as its manual says: jobs are fetched one by one, finished jobs stay, notifications are listened to. A
job's work is one INSERT, which is a transaction of its own, as it is in a task that a user writes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import procrastinate

from benchmarks.start_line import await_start, report

_SCHEMA = "CREATE TABLE effects (id bigserial PRIMARY KEY, subject text NOT NULL, at timestamptz NOT NULL)"
_EFFECT = "INSERT INTO effects (subject, at) VALUES (%(subject)s, clock_timestamp())"
_CONNECTIONS_BESIDE = 4


def make_app(url: str, concurrency: int = 1) -> procrastinate.App:
    """Make the application with its one task; a connection for every job at once, and for what goes on beside."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=url, max_size=concurrency + _CONNECTIONS_BESIDE)
    )

    @app.task(name="stub")
    async def stub(subject: str) -> None:
        await app.connector.execute_query_async(_EFFECT, subject=subject)

    return app


def fill(url: str, jobs: int, steps: int) -> None:
    """Defer ``jobs`` times ``steps`` jobs, a batch for each of our jobs."""

    async def go() -> None:
        app = make_app(url)
        async with app.open_async():
            for job in range(jobs):
                batch: list[dict[str, Any]] = [{"subject": f"{job}/{position}"} for position in range(steps)]
                await app.configure_task("stub").batch_defer_async(*batch)

    asyncio.run(go())


def prepare(url: str) -> None:
    """Make the tables."""

    async def go() -> None:
        app = make_app(url)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            await app.connector.execute_query_async(_SCHEMA)

    asyncio.run(go())


def counted(url: str) -> dict[str, int]:
    """Count the jobs that are done, the effects that were had, and of how many jobs they are."""

    async def go() -> dict[str, int]:
        app = make_app(url)
        async with app.open_async():
            ask = app.connector.execute_query_one_async
            done = await ask("SELECT count(*) AS n FROM procrastinate_jobs WHERE status = 'succeeded'")
            had = await ask("SELECT count(*) AS n, count(DISTINCT subject) AS subjects FROM effects")
        return {"done": done["n"], "effects": had["n"], "subjects": had["subjects"]}

    return asyncio.run(go())


async def _work(url: str, concurrency: int) -> None:
    app = make_app(url, concurrency)
    async with app.open_async():
        await app.connector.execute_query_async("SELECT 1")
        await_start()
        busy_s = time.process_time()
        await app.run_worker_async(wait=False, concurrency=concurrency, install_signal_handlers=False)
        report({"cpu_s": time.process_time() - busy_s})


def main() -> int:
    """Get ready, and drain until no job is left."""
    asyncio.run(_work(os.environ["DATABASE_URL"], int(sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
