"""``make faults``: every row on Postgres and on SQLite, one line each, and a summary.

usage: python -m tests.faults [ROW …]
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.rows import ROWS
from tests.faults.rows.row import run_row

_INVARIANTS = ("lost", "corrupt", "illegal", "fallen", "torn", "unended", "unknown", "orphans")


def main(names: list[str]) -> int:
    """Run the rows and give the exit code: 1 when a promise was broken or a fault did not fire."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the S3 server's, a line a request otherwise
    print(f"{'row':<7}{'database':<10}{'fired':>5}  {'  '.join(_INVARIANTS)}")
    runs = [(name, database) for name in names or ROWS for database in ROWS[name].databases]
    kept = [_run(name, database) for name, database in runs]
    rows = len({name for name, _ in runs})
    print(f"{rows} rows in {len(runs)} runs; {kept.count(False)} broke a promise or did not fire")
    return 0 if all(kept) else 1


def _run(name: str, database: str) -> bool:
    since = time.monotonic()
    row = ROWS[name]
    with tempfile.TemporaryDirectory(prefix="vc-faults-") as folder:
        try:
            fired, wrong = run_row(row, database, Path(folder))
        except Exception as error:  # noqa: BLE001 - the other rows are still to be run
            print(f"{name:<7}{database:<10}{'':>5}  {row.title}: {error!r}", flush=True)
            return False
    counts = "  ".join(f"{len(wrong.get(each, [])):>{len(each)}}" for each in _INVARIANTS)
    print(f"{name:<7}{database:<10}{fired:>5}  {counts}  {row.title} ({time.monotonic() - since:.0f} s)", flush=True)
    return fired >= 1 and not wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
