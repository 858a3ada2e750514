"""Named points at which a test may let something go wrong. In a product that is installed they do nothing.

What happens at a point is decided by a module that only the tests have; without it on the path, or without
``VC_FAULTS`` in the environment, a point is one comparison.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from functools import lru_cache

PLAN_MODULE = "vibecraft_faults"
"""The tests' module; it has ``at(name)``."""


def faultpoint(name: str) -> None:
    """Let the test's plan, if there is one, do what it wants at the point ``name``."""
    plan = _plan()
    if plan is not None:
        plan(name)


@lru_cache(maxsize=1)
def _plan() -> Callable[[str], None] | None:
    if "VC_FAULTS" not in os.environ or importlib.util.find_spec(PLAN_MODULE) is None:
        return None
    at: Callable[[str], None] = importlib.import_module(PLAN_MODULE).at
    return at
