"""What was measured, and the sentences that say what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tasks.domain.document import SCHEMA, Document
from tasks.domain.timebase import rate_text

_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A planned cut.

    Attributes
    ----------
    found_frame : int or None
        Where the pictures change.
    beat_s : float or None
        Its beat, in seconds of the film.
    error_frames : float or None
        How long after its beat the cut is; None without a beat or where it was not found.
    """

    frame: int
    found_frame: int | None
    beat_s: float | None
    error_frames: float | None

    def to_json(self, frame_rate: Fraction) -> Document:
        """Write the cut; milliseconds follow from the film's rate."""
        error_ms = None if self.error_frames is None else self.error_frames / float(frame_rate) * 1000
        return {
            "frame": self.frame,
            "found_frame": self.found_frame,
            "beat_s": self.beat_s,
            "error_frames": _rounded(self.error_frames),
            "error_ms": _rounded(error_ms),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """The film's sound against the song; ``lag_ms`` is positive where it is late, None where there is none.

    ``stereo_lost`` says that the film's two channels are equal while the song's differ.
    """

    lag_ms: float | None
    similarity: float
    channels: int
    song_channels: int
    stereo_lost: bool

    def to_json(self) -> Document:
        """Write the comparison."""
        return {
            "lag_ms": _rounded(self.lag_ms),
            "similarity": _rounded(self.similarity),
            "channels": self.channels,
            "song_channels": self.song_channels,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The measurements of one film.

    Attributes
    ----------
    expected_frames : int
        What the song's length asks for.
    duplicates : int
        Frames that show their predecessor again; with a plan only where it does not explain them.
    missing : int
        Frames that should be there and are not.
    cut_error_max_frames : float or None
        Of the cuts with a beat; 0 if none has one, None without a plan.
    drift_frames : float
        By how many frames the end of the film is late for a steadily wrong speed.
    picture_s, sound_s : Fraction or None
        How long pictures and sound last.
    problems : tuple of str
        Sentences; the film is good if there are none.
    """

    fps: Fraction
    frames: int
    expected_frames: int
    decode_errors: int
    duplicates: int
    missing: int
    irregular_pts: int
    cuts: tuple[Cut, ...]
    cut_error_max_frames: float | None
    drift_frames: float
    picture_s: Fraction
    sound_s: Fraction | None
    sound: Sound
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the film is what it should be."""
        return not self.problems

    @property
    def av_difference_s(self) -> float | None:
        """How much longer or shorter the sound is than the pictures."""
        return None if self.sound_s is None else float(abs(self.picture_s - self.sound_s))

    def to_json(self) -> Document:
        """Write the report."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "fps": rate_text(self.fps),
            "frames": self.frames,
            "expected_frames": self.expected_frames,
            "decode_errors": self.decode_errors,
            "duplicates": self.duplicates,
            "missing": self.missing,
            "irregular_pts": self.irregular_pts,
            "cuts": [cut.to_json(self.fps) for cut in self.cuts],
            "cut_error_max_frames": _rounded(self.cut_error_max_frames),
            "drift_frames": _rounded(self.drift_frames),
            "av_difference_s": _rounded(self.av_difference_s),
            "sound": self.sound.to_json(),
            "detected": None,
            "problems": list(self.problems),
        }

    def line(self) -> str:
        """Say it in one sentence."""
        if self.problems:
            more = f" ({len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            return f"Not verified: {self.problems[0]}{more}"
        cuts = ""
        if self.cut_error_max_frames is not None:
            cuts = (
                f" {len(self.cuts)} cuts at their frames, at most {self.cut_error_max_frames:.2f} frame off the beat,"
            )
        lag = 0.0 if self.sound.lag_ms is None else self.sound.lag_ms
        return (
            f"Verified: {self.frames} frames at {rate_text(self.fps)},{cuts} "
            f"sound {lag:+.1f} ms, similarity {self.sound.similarity:.3f}."
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS) + 0.0
