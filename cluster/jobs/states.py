"""The states, and the edges between them. Nothing else decides what may follow what.

queued ──► running ──► succeeded
  │  ▲        ├──────► failed
  │  └────────┘ parked, to be tried again, or its process was lost: the fence is raised by every claim
  └──► cancelled ◄── running
"""

from __future__ import annotations

from enum import StrEnum

from cluster.errors import IllegalEdge


class State(StrEnum):
    """The state of a job or of a step."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing may follow."""
        return not STEP_EDGES[self]


LIVE = (State.QUEUED, State.RUNNING)
"""The states of what is not over."""

STEP_EDGES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED}),
    State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.QUEUED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}

JOB_EDGES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}


def expect_edge(edges: dict[State, frozenset[State]], before: State, after: State) -> None:
    """Refuse a step back or sideways.

    Raises
    ------
    IllegalEdge
        If ``after`` may not follow ``before``.
    """
    if after not in edges[before]:
        raise IllegalEdge(f"{after} may not follow {before}")
