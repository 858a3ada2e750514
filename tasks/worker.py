"""What runs in a Ray worker. Light when it is imported: the environment is settled before the rest is loaded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from cluster.settings import load_settings
from cluster.telemetry import configure_logs
from tasks.kernels import use_kernel_cache

_UNDER_WAY = 16


@lru_cache(maxsize=1)
def prepare() -> None:
    """Settle this process once: one BLAS thread, the kernels' cache, the log."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    settings = load_settings()
    use_kernel_cache(settings)
    configure_logs(settings.log_level, settings.log_file)


def run_step_on_worker(step_id: str, delivery_id: str, key: str | None, data: NDArray[np.uint8] | None) -> str:
    """Run the step in a Ray worker, its fan-out on the cluster.

    Parameters
    ----------
    key, data : optional
        A stored object that many steps read, and its bytes, which the node's workers share without copying.
    """
    prepare()
    from tasks.wakeup import run_step  # noqa: PLC0415 - numba, which steps load, reads the environment

    shared = {} if key is None or data is None else {key: data.data}
    alone = ray.cluster_resources().get("CPU", 1) <= 1  # type: ignore[no-untyped-call]
    return run_step(step_id, delivery_id, mapper=map if alone else ray_map, shared=shared)


def warm_up() -> None:
    """Load what steps need and open the database, so that the first step finds a warm worker."""
    prepare()
    from tasks.wakeup import own_services  # noqa: PLC0415 - as above
    from tasks.workflow import load_steps  # noqa: PLC0415

    load_steps()
    own_services()


def ray_map(function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
    """Apply ``function`` to each of ``items`` as Ray tasks that ask for one CPU; results come in their order.

    Items are taken as they come and few are under way at once, so that neither they nor the results fill the memory.
    """
    apply: Any = _apply.options(name=f"map {getattr(function, '__name__', 'function')}")
    under_way: deque[Any] = deque()
    for item in items:
        if len(under_way) == _UNDER_WAY:
            yield ray.get(under_way.popleft())
        under_way.append(apply.remote(function, item))
    while under_way:
        yield ray.get(under_way.popleft())


@ray.remote(num_cpus=1)
def _apply(function: Callable[[Any], Any], item: Any) -> Any:
    prepare()
    return function(item)
