"""How fast stub steps are drained, and whether one is lost or done twice; beside it, procrastinate and plain RQ.

usage: python -m benchmarks.queue [--json] [--steps N] [--workers N] [--rounds N]

A round makes new databases, adds the steps, and drains them with worker processes that start together: ours on
Postgres with one and with two steps at once in each worker, the peer on the same server with one and with ten, ours
on SQLite with one; then plain RQ, whose jobs no disk keeps. The server syncs every commit. Ours claims a step in one
transaction and ends it, with its effect, in another; the peer fetches a job, has its effect and finishes it, each in
one. What is compared are the medians over all rounds, since the machine's load changes between them, of each at its
better setting. The exit code is 1 when anything was lost or done twice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import queue_peer, queue_rq
from benchmarks.start_line import race
from cluster.db import migrations
from cluster.db.engine import open_engine
from tests.support import stubs
from tests.support.history import read_history
from tests.support.postgres import Server, running_server
from tests.support.redis import running_redis

_PEER = "procrastinate"
_RQ = "rq"
_STEPS_OF_A_JOB = 100
_OWNERS = 10
_BATCH = 200
_OURS_AT_ONCE = (1, 2)
_PEERS_AT_ONCE = (1, 10)

Row = dict[str, Any]


def main() -> int:
    """Run the rounds, print their medians, and tell whether every step was done once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--steps", type=int, default=10_000, help="in jobs of a hundred")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    jobs = max(1, arguments.steps // _STEPS_OF_A_JOB)
    rounds = []
    with running_server(durable=True) as server:
        for _ in range(arguments.rounds):
            rounds.append(_round(server, jobs, arguments.workers))
            print(json.dumps(rounds[-1]), file=sys.stderr)
    result = _summary(rounds, jobs, arguments.workers)
    if arguments.json:
        print(json.dumps(result))
    else:
        _print_table(result)
    return 1 if any(row["lost"] or row["doubled"] for one in rounds for row in one) else 0


def _round(server: Server, jobs: int, workers: int) -> list[Row]:
    rows = [
        _drain_ours("postgres", server.new_database(_fresh("ours")), jobs, workers, at_once)
        for at_once in _OURS_AT_ONCE
    ]
    rows += [_drain_peers(server.new_database(_fresh("peer")), jobs, workers, at_once) for at_once in _PEERS_AT_ONCE]
    with tempfile.TemporaryDirectory() as folder:
        rows.append(_drain_ours("sqlite", f"sqlite:///{Path(folder) / 'queue.db'}", jobs, workers, 1))
        with running_redis(Path(folder)) as redis:
            rows.append(_drain_rq(redis.url, jobs, workers))
    return rows


def _drain_ours(name: str, url: str, jobs: int, workers: int, at_once: int) -> Row:
    steps = jobs * _STEPS_OF_A_JOB
    engine = open_engine(url)
    try:
        migrations.upgrade(engine)
        since = time.perf_counter()
        stubs.add_jobs(engine, jobs, _STEPS_OF_A_JOB, _OWNERS)
        added_s = time.perf_counter() - since
        engine.dispose()
        with tempfile.TemporaryDirectory() as folder:
            environment = {"DATABASE_URL": url, "VC_DATA_DIR": folder}
            seconds, reports = race("benchmarks.queue_ours", workers, environment, [str(_BATCH), str(at_once)])
        history = read_history(engine)
    finally:
        engine.dispose()
    claims_ms = sorted(1000 * took_s for one in reports for took_s in one["claims_s"])
    return {
        "name": name,
        "at_once": at_once,
        "added_per_s": round(steps / added_s, 1),
        "steps_per_s": round(steps / seconds, 1),
        "cpu_ms_per_step": _cpu_ms(reports, steps),
        "claim_p50_ms": round(statistics.median(claims_ms), 2),
        "claim_p99_ms": round(statistics.quantiles(claims_ms, n=100)[98], 2),
        "lost": len(history.lost),
        "doubled": len(history.doubled),
        "other_faults": sum(map(len, history.faults.values())) - len(history.lost) - len(history.doubled),
    }


def _drain_peers(url: str, jobs: int, workers: int, at_once: int) -> Row:
    steps = jobs * _STEPS_OF_A_JOB
    queue_peer.prepare(url)
    since = time.perf_counter()
    queue_peer.fill(url, jobs, _STEPS_OF_A_JOB)
    added_s = time.perf_counter() - since
    seconds, reports = race("benchmarks.queue_peer", workers, {"DATABASE_URL": url}, [str(at_once)])
    counted = queue_peer.counted(url)
    return {
        "name": _PEER,
        "at_once": at_once,
        "added_per_s": round(steps / added_s, 1),
        "steps_per_s": round(steps / seconds, 1),
        "cpu_ms_per_step": _cpu_ms(reports, steps),
        "lost": steps - min(counted["done"], counted["subjects"]),
        "doubled": counted["effects"] - counted["subjects"],
    }


def _drain_rq(url: str, jobs: int, workers: int) -> Row:
    steps = jobs * _STEPS_OF_A_JOB
    since = time.perf_counter()
    queue_rq.fill(url, jobs, _STEPS_OF_A_JOB)
    added_s = time.perf_counter() - since
    seconds, reports = race("benchmarks.queue_rq", workers, {"REDIS_URL": url})
    counted = queue_rq.counted(url)
    return {
        "name": _RQ,
        "at_once": 1,
        "added_per_s": round(steps / added_s, 1),
        "steps_per_s": round(steps / seconds, 1),
        "cpu_ms_per_step": _cpu_ms(reports, steps),
        "lost": steps - counted["subjects"],
        "doubled": counted["effects"] - counted["subjects"],
    }


def _cpu_ms(reports: list[Any], steps: int) -> float:
    """Give the CPU time of the workers alone, which the load of the machine changes less than their speed."""
    return round(1000 * sum(float(one["cpu_s"]) for one in reports) / steps, 3)


def _summary(rounds: list[list[Row]], jobs: int, workers: int) -> Row:
    best = {row["name"]: row for row in sorted(_medians(rounds), key=lambda row: float(row["steps_per_s"]))}
    peer, plain = best.pop(_PEER), best.pop(_RQ)
    return {
        "schema": 1,
        "steps": jobs * _STEPS_OF_A_JOB,
        "workers": workers,
        "databases": best,
        "peer": {**peer, "version": version(_PEER)},
        "ratio_to_peer": round(best["postgres"]["steps_per_s"] / peer["steps_per_s"], 3),
        "rq": {**plain, "version": version(_RQ)},
        "ratio_to_rq": round(best["postgres"]["steps_per_s"] / plain["steps_per_s"], 3),
        "rounds": rounds,
    }


def _medians(rounds: list[list[Row]]) -> list[Row]:
    """Give one row for each setting; every round has the same ones in the same order."""
    return [_median(list(rows)) for rows in zip(*rounds, strict=True)]


def _median(rows: list[Row]) -> Row:
    """Give the median of each figure; of what was lost or doubled, the sum."""
    sums = ("lost", "doubled", "other_faults")
    return {
        key: value if isinstance(value, str) else (sum if key in sums else statistics.median)(row[key] for row in rows)
        for key, value in rows[0].items()
    }


def _print_table(result: Row) -> None:
    print(f"{result['steps']} steps, {result['workers']} workers, {len(result['rounds'])} rounds; medians")
    claim = f"{'claim p50':>12}{'claim p99':>12}"
    print(f"{'':13}{'at once':>8}{'steps/s':>10}{'added/s':>10}{claim}{'lost':>6}{'doubled':>9}")
    peer, plain = result["peer"], result["rq"]
    for name, row in {**result["databases"], peer["name"]: peer, plain["name"]: plain}.items():
        claims = [f"{row[key]:9.2f} ms" if key in row else " " * 12 for key in ("claim_p50_ms", "claim_p99_ms")]
        print(
            f"{name:13}{row['at_once']:8}{row['steps_per_s']:10.1f}{row['added_per_s']:10.1f}{''.join(claims)}"
            f"{row['lost']:6}{row['doubled']:9}"
        )
    print(
        f"On Postgres {result['ratio_to_peer']:.2f} of the speed of {peer['name']} {peer['version']},"
        f" {result['ratio_to_rq']:.2f} of that of {plain['name']} {plain['version']}, which keeps nothing."
    )


def _fresh(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex}"


if __name__ == "__main__":
    sys.exit(main())
