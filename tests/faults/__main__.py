"""``make faults``: every row on Postgres and on SQLite, one line each, and a summary.

usage: python -m tests.faults [ROW …]
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from cluster.db import migrations
from cluster.db.engine import open_engine
from tests.faults.rows import ROWS, run_row
from tests.support.postgres import running_server
from tests.support.redis import running_redis

_INVARIANTS = ("lost", "corrupt", "illegal", "fallen", "torn", "unended", "unknown", "orphans")


def main(names: list[str]) -> int:
    """Run the rows and give the exit code: 1 when a promise was broken or a fault did not fire."""
    bad = rows = 0
    print(f"{'row':<7}{'database':<10}{'fired':>5}  {'  '.join(_INVARIANTS)}")
    with running_server() as server:
        databases: dict[str, Callable[[Path], str]] = {
            "postgres": lambda _: server.new_database(f"faults_{uuid.uuid4().hex}"),
            "sqlite": lambda folder: f"sqlite:///{folder / 'faults.db'}",
        }
        for name in names or list(ROWS):
            for database, make in databases.items():
                rows += 1
                bad += not _run(name, database, make)
    print(f"{rows} rows on two databases, {bad} of them broke a promise or did not fire")
    return 1 if bad else 0


def _run(name: str, database: str, make: Callable[[Path], str]) -> bool:
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vc-faults-") as text:
        folder = Path(text)
        url = make(folder)
        engine = open_engine(url)
        migrations.upgrade(engine)
        engine.dispose()
        with running_redis(folder) as redis:
            try:
                fired, wrong = run_row(ROWS[name], url, redis, folder)
            except (TimeoutError, AssertionError) as error:
                print(f"{name:<7}{database:<10}{'':>5}  {ROWS[name].title}: {error!r}", flush=True)
                return False
    counts = "  ".join(f"{len(wrong.get(each, [])):>{len(each)}}" for each in _INVARIANTS)
    print(
        f"{name:<7}{database:<10}{fired:>5}  {counts}  {ROWS[name].title} ({time.monotonic() - since:.0f} s)",
        flush=True,
    )
    return fired >= 1 and not wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
