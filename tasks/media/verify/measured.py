"""What is measured of one cut, of the sound, and of beats; and how each is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from tasks.domain.analysis import Loudness
from tasks.domain.document import Document

_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A planned cut.

    Attributes
    ----------
    transition : str or None
        The kind of the transition that begins with it; None is a plain cut.
    frames : int
        How many blended frames the transition has.
    found_frame : int or None
        Where the pictures change.
    beat_s : float or None
        Its beat, in seconds of the film.
    error_frames : float or None
        How long after its beat the cut is; None without a beat or where it was not found.
    own_beat_s, own_error_frames : float or None
        The same for the nearest beat that is heard in the film's own sound.
    """

    frame: int
    transition: str | None = None
    frames: int = 0
    found_frame: int | None
    beat_s: float | None
    error_frames: float | None
    own_beat_s: float | None = None
    own_error_frames: float | None = None

    def to_json(self, frame_rate: Fraction) -> Document:
        """Write the cut; milliseconds follow from the film's rate."""
        return {
            "frame": self.frame,
            "transition": self.transition,
            "transition_frames": self.frames,
            "found_frame": self.found_frame,
            "beat_s": self.beat_s,
            "error_frames": rounded(self.error_frames),
            "error_ms": _ms(self.error_frames, frame_rate),
            "own_beat_s": rounded(self.own_beat_s),
            "own_error_frames": rounded(self.own_error_frames),
            "own_error_ms": _ms(self.own_error_frames, frame_rate),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """The film's sound, by itself and against the song.

    Attributes
    ----------
    lag_ms : float or None
        How late it is, at the film's start; None without sound or without a song.
    lag_samples : int or None
        The same in samples of the film's sound, to the nearest.
    drift : float or None
        Seconds by which it grows late in each second.
    jump : tuple of float, or None
        Where, in seconds, the lag changes at once, and by how many milliseconds.
    similarity : float or None
        0..1; None without a song.
    stereo_lost : bool
        The film's two channels are equal while the song's differ.
    loudness : Loudness or None
        Of the film's own sound; None where nobody measured it.
    """

    lag_ms: float | None = None
    lag_samples: int | None = None
    drift: float | None = None
    jump: tuple[float, float] | None = None
    similarity: float | None = None
    channels: int = 0
    song_channels: int | None = None
    stereo_lost: bool = False
    loudness: Loudness | None = None

    def to_json(self) -> Document:
        """Write the comparison."""
        loudness = self.loudness
        return {
            "lag_ms": rounded(self.lag_ms),
            "lag_samples": self.lag_samples,
            "drift_percent": None if self.drift is None else rounded(100 * self.drift),
            "jump": None if self.jump is None else {"at_s": rounded(self.jump[0]), "by_ms": rounded(self.jump[1])},
            "similarity": rounded(self.similarity),
            "channels": self.channels,
            "song_channels": self.song_channels,
            "integrated_lufs": None if loudness is None else loudness.integrated_lufs,
            "true_peak_dbtp": None if loudness is None else loudness.true_peak_dbtp,
        }


class BeatSource(StrEnum):
    """Whose beats cuts are measured against: the plan's, those of a file, or those heard in the film's sound."""

    PLAN = "plan"
    FILE = "file"
    SOUND = "sound"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSound:
    """What listening to the film's own sound gave.

    Attributes
    ----------
    beats : tuple of float
        Seconds of the film, rising.
    loudness : Loudness or None
        None where it is silent.
    """

    beats: tuple[float, ...]
    loudness: Loudness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """The beats of the film.

    Attributes
    ----------
    source : BeatSource or None
        What decides; None if there are none.
    times : tuple of float
        The deciding beats in seconds of the film, rising.
    own : tuple of float
        Those heard in its own sound.
    own_lag_ms : float or None
        By how much those heard are later than those that decide, in the middle; None where too few agree.
    """

    source: BeatSource | None
    times: tuple[float, ...]
    own: tuple[float, ...]
    own_lag_ms: float | None

    def to_json(self) -> Document:
        """Write how many there are and how well they agree."""
        return {
            "source": self.source,
            "count": len(self.times),
            "heard": len(self.own),
            "heard_lag_ms": rounded(self.own_lag_ms),
        }


def rounded(value: float | None) -> float | None:
    """Round for JSON."""
    return None if value is None else round(value, _DIGITS) + 0.0


def _ms(frames: float | None, frame_rate: Fraction) -> float | None:
    return None if frames is None else rounded(frames / float(frame_rate) * 1000)
