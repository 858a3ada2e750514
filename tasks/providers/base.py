"""The port of everything that gives clips: the user's own footage, paid services, models on one's own machines.

Conventions
-----------
A clip is asked for once and collected later: `ClipProvider.submit` never waits, and nothing here tries again by itself.
What became of the asking is a `Submission`; after `Submission.UNKNOWN` the caller looks for the prediction by its nonce
before it asks anew, because a clip may be paid for. Prices are exact, in US dollars.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from tasks.domain.document import Document


class Submission(StrEnum):
    """What came of asking: taken, refused for certain, or nobody knows (the answer was lost on its way)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Making(StrEnum):
    """How far a prediction is; the last three are final."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Nothing more will happen."""
        return self in {Making.SUCCEEDED, Making.FAILED, Making.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipWanted:
    """What is asked of a provider.

    Attributes
    ----------
    model : str
        Which of the provider's models makes it; for footage, ``footage``.
    length_s : Fraction
        How long the clip should at least be.
    settings : dict
        What the model takes, as it is sent.
    """

    model: str
    length_s: Fraction
    settings: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What came of asking; ``prediction_id`` names what was accepted, ``reason`` says why not."""

    submission: Submission
    prediction_id: str | None = None
    reason: str | None = None


class ClipProvider(Protocol):
    """Gives clips."""

    def estimate(self, wanted: ClipWanted) -> Decimal:
        """Give the most that the clip can cost, in US dollars."""
        ...

    def submit(self, wanted: ClipWanted, nonce: str) -> Submitted:
        """Ask for the clip, once; ``nonce`` goes with it so that it can be recognised later."""
        ...

    def poll(self, prediction_ids: Collection[str]) -> Mapping[str, Making]:
        """Tell how far predictions are; those that the provider does not know are left out."""
        ...

    def fetch(self, prediction_id: str, folder: Path) -> Path:
        """Give a local file with the finished clip, which must not be written; a new one goes to ``folder``."""
        ...

    def cancel(self, prediction_id: str) -> None:
        """Ask that no more work is put into the prediction; it may finish all the same."""
        ...
