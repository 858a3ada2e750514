"""The built-in renderer's vocabulary: which looks there are and what decides one shot of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction

from tasks.domain.document import Document


class StyleName(StrEnum):
    """The built-in looks."""

    SILK = "silk"
    INK = "ink"
    SWISS = "swiss"


class PaletteName(StrEnum):
    """The colour ramps."""

    EMBER = "ember"
    NEON = "neon"
    DREAM = "dream"
    SUNSET = "sunset"
    FOREST = "forest"
    ICE = "ice"
    GOLD = "gold"
    ROSE = "rose"


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleShot:
    """All that decides the pictures of one shot, besides the song's analysis and features.

    Attributes
    ----------
    style, palette
        One of each for a whole film.
    seed : int
        The film's seed, 0 <= seed < 2**63.
    shot : int
        Index of the shot; with the seed it decides the shot's composition.
    film_frame : int
        The film's frame at which the shot's own clock is 0.
    song_start_s : Fraction
        The moment of the song that the film's frame 0 shows.
    """

    style: StyleName
    palette: PaletteName
    seed: int
    shot: int
    film_frame: int
    song_start_s: Fraction

    def to_json(self) -> Document:
        """Write the settings."""
        return {**asdict(self), "song_start_s": str(self.song_start_s)}

    @classmethod
    def from_json(cls, document: Document) -> StyleShot:
        """Read what `to_json` wrote."""
        return cls(
            style=StyleName(document["style"]),
            palette=PaletteName(document["palette"]),
            seed=document["seed"],
            shot=document["shot"],
            film_frame=document["film_frame"],
            song_start_s=Fraction(document["song_start_s"]),
        )
