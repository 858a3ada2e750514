"""A worker that drains stub steps through the product's own functions, for ``benchmarks.queue``.

It asks for a batch, then claims each step, keeps its lease alive, and ends it with its effect under its fence, as
``tasks.wakeup`` does around real work.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.start_line import await_start, report
from cluster.db.engine import writing
from cluster.jobs import lease
from cluster.jobs.announce import announce, backlog
from cluster.services import Services, open_services
from cluster.settings import load_settings
from tests.support import stubs

_ASK_AGAIN_S = 0.02


def main() -> int:
    """Get ready, drain until nothing waits any more, and report the seconds of each claim."""
    services = open_services(load_settings())
    services.keeper.start()
    backlog(services.engine)
    await_start()
    busy_s = time.process_time()
    claims_s = _drain(services, batch=int(sys.argv[1]), at_once=int(sys.argv[2]))
    report({"claims_s": claims_s, "cpu_s": time.process_time() - busy_s})
    services.close()
    return 0


def _drain(services: Services, batch: int, at_once: int) -> list[float]:
    pause = threading.Event()
    claims_s: list[float] = []
    with ThreadPoolExecutor(at_once) as threads:
        while True:
            wanted = announce(services.engine, limit=batch, again_after_s=services.settings.reannounce_s)
            claims_s += threads.map(partial(_run, services), [step.id for step in wanted])
            if not wanted:  # everything is announced, or others were quicker this time
                if backlog(services.engine) == 0:
                    return claims_s
                pause.wait(_ASK_AGAIN_S)


def _run(services: Services, step_id: str) -> float:
    """Run the step if it is free, and give the seconds that its claim took."""
    since = services.clock.monotonic()
    before = time.perf_counter()
    claimed = lease.claim(services.engine, step_id, f"worker {os.getpid()}", services.settings.lease_s, step_id)
    took_s = time.perf_counter() - before
    if claimed is not None:
        with services.keeper.holding(claimed, since) as kept:
            kept.check()
            with writing(services.engine) as session:
                stubs.finish(session, claimed)
    return took_s


if __name__ == "__main__":
    sys.exit(main())
