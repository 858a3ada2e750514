"""The owner's own footage as a provider: free, and there as soon as it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path

from tasks.domain.errors import InvalidRecord
from tasks.providers.base import ClipWanted, Making, Submission, Submitted

MODEL = "footage"


class OwnFootage:
    """Clips that were taken in: a prediction is the footage's object in storage, by its content key.

    Parameters
    ----------
    is_stored : callable
        Tells whether there is an object of a key.
    fetch : callable
        Gives a local file of the object of a key, put into a folder if it must be.
    """

    def __init__(self, is_stored: Callable[[str], bool], fetch: Callable[[str, Path], Path]) -> None:
        self._is_stored = is_stored
        self._fetch = fetch

    def estimate(self, wanted: ClipWanted) -> Decimal:
        """Nothing: the clip is the owner's already."""
        _expect_footage(wanted)
        return Decimal(0)

    def submit(self, wanted: ClipWanted, nonce: str) -> Submitted:  # noqa: ARG002 - free, so asking twice does no harm
        """Find the clip ``wanted.settings["content_key"]``; it is refused if it is gone."""
        _expect_footage(wanted)
        key = str(wanted.settings["content_key"])
        if not self._is_stored(key):
            return Submitted(submission=Submission.REJECTED, reason=f"The footage {key} is gone; give it again.")
        return Submitted(submission=Submission.ACCEPTED, prediction_id=key)

    def poll(self, prediction_ids: Collection[str]) -> Mapping[str, Making]:
        """Tell which clips are there; that is all of them, unless somebody deleted their objects."""
        return {key: Making.SUCCEEDED for key in prediction_ids if self._is_stored(key)}

    def fetch(self, prediction_id: str, folder: Path) -> Path:
        """Give a local file of the clip."""
        return self._fetch(prediction_id, folder)

    def cancel(self, prediction_id: str) -> None:
        """Do nothing: nobody works on footage."""


def _expect_footage(wanted: ClipWanted) -> None:
    if wanted.model != MODEL or "content_key" not in wanted.settings:
        raise InvalidRecord(f"own footage is asked for by its content key, not by the model {wanted.model!r}")
