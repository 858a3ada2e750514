"""What was measured, and the sentences that say what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tasks.domain.document import SCHEMA, Document
from tasks.domain.timebase import FrameRange, rate_text
from tasks.media.flashes import MOST_FLASHES, Flashes
from tasks.media.verify.clock import Gap
from tasks.media.verify.measured import Beats, Cut, Sound, rounded
from tasks.media.verify.search import Found, sure


@dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """Where the file can be joined: its keyframes, and at how many cuts there is one."""

    keyframes: tuple[int, ...]
    at_cuts: int

    def to_json(self) -> Document:
        """Write the counts."""
        return {"keyframes": len(self.keyframes), "at_cuts": self.at_cuts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The measurements of one film.

    Attributes
    ----------
    expected_frames : int
        What the song's length asks for; without a song, what the plan or the film's own sound does.
    doubled : tuple of int
        Frames that show their predecessor again; with a plan only where it does not explain them.
    missing : int
        Frames that should be there and are not.
    dropped : tuple of int
        Frames right before which pictures are missing, where the motion tells.
    gaps : tuple of Gap
        Where the time stamps leave frames without a picture.
    cut_error_max_frames : float or None
        Of the cuts with a beat; 0 if none has one, None without a plan.
    drift_frames : float
        By how many frames the end of the film is late for a steadily wrong speed.
    detected : tuple of Found
        Cuts that were found without the plan.
    black : tuple of FrameRange
        Runs of black pictures.
    limiter_off : bool
        The film says that its flashes were not limited.
    picture_s, sound_s : Fraction or None
        How long pictures and sound last.
    levels : ndarray, shape (columns,), float32
        How loud the sound is from its start to its end, for drawing; empty without sound.
    problems : tuple of str
        Sentences; the film is good if there are none.
    warnings : tuple of str
        Sentences about what may be meant, or cannot be told for sure.
    """

    fps: Fraction
    frames: int
    expected_frames: int
    decode_errors: int
    doubled: tuple[int, ...]
    missing: int
    dropped: tuple[int, ...]
    irregular_pts: int
    gaps: tuple[Gap, ...]
    joins: Joins
    planned: bool
    cuts: tuple[Cut, ...]
    cut_error_max_frames: float | None
    drift_frames: float
    beats: Beats
    detected: tuple[Found, ...]
    flashes: Flashes
    limiter_off: bool
    black: tuple[FrameRange, ...]
    picture_s: Fraction
    sound_s: Fraction | None
    sound: Sound
    levels: NDArray[np.float32]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the film is what it should be."""
        return not self.problems

    @property
    def duplicates(self) -> int:
        """How many frames show their predecessor again."""
        return len(self.doubled)

    @property
    def av_difference_s(self) -> float | None:
        """How much longer or shorter the sound is than the pictures."""
        return None if self.sound_s is None else float(abs(self.picture_s - self.sound_s))

    def doubt(self) -> str:
        """Say how far the free search is to be trusted."""
        found = {cut.frame for cut in sure(self.detected)}
        if not self.planned:
            return (
                "Found in the pictures alone: flashes and jumps can look like cuts, and dissolves are not looked for."
            )
        plain = {cut.found_frame for cut in self.cuts if cut.transition is None and cut.found_frame is not None}
        again, others = len(plain & found), len(found - {cut.found_frame for cut in self.cuts})
        return (
            f"Without the plan {again} of its {len(plain)} plain cuts are found again, and {others} more that it does "
            "not have: flashes and jumps can look like cuts, and transitions are not looked for."
        )

    def to_json(self) -> Document:
        """Write the report."""
        fps = float(self.fps)
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "fps": rate_text(self.fps),
            "frames": self.frames,
            "expected_frames": self.expected_frames,
            "duration_s": rounded(float(self.picture_s)),
            "decode_errors": self.decode_errors,
            "duplicates": self.duplicates,
            "doubled_frames": list(self.doubled),
            "missing": self.missing,
            "dropped_frames": list(self.dropped),
            "irregular_pts": self.irregular_pts,
            "gaps": [{"frame": gap.place - gap.frames, "missing": gap.frames} for gap in self.gaps],
            "joins": self.joins.to_json(),
            "cuts": [cut.to_json(self.fps) for cut in self.cuts],
            "cut_error_max_frames": rounded(self.cut_error_max_frames),
            "drift_frames": rounded(self.drift_frames),
            "drift_percent": rounded(100 * self.drift_frames / self.frames),
            "av_difference_s": rounded(self.av_difference_s),
            "sound": self.sound.to_json(),
            "beats": self.beats.to_json(),
            "detected": {"cuts": [cut.to_json(fps) for cut in self.detected], "doubt": self.doubt()},
            "flashes": self._flashes_json(fps),
            "black": [{"start_frame": run.start, "end_frame": run.end} for run in self.black],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
        }

    def _flashes_json(self, fps: float) -> Document:
        return {
            "allowed_per_second": MOST_FLASHES,
            "limiter_off": self.limiter_off,
            "most_general_per_second": self.flashes.most_general,
            "most_red_per_second": self.flashes.most_red,
            "violations": [
                {
                    "kind": spell.kind,
                    "start_frame": spell.frames.start,
                    "end_frame": spell.frames.end,
                    "start_s": rounded(spell.frames.start / fps),
                    "end_s": rounded(spell.frames.end / fps),
                    "per_second": spell.per_second,
                }
                for spell in self.flashes.spells
            ],
        }

    def line(self) -> str:
        """Say it in one sentence."""
        if self.problems:
            more = f" ({len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            return f"Not verified: {self.problems[0]}{more}"
        parts = [f"{self.frames} frames at {rate_text(self.fps)}"]
        if self.cut_error_max_frames is not None:
            parts.append(
                f"{len(self.cuts)} cuts at their frames, at most {self.cut_error_max_frames:.2f} frame off the beat"
            )
        if self.sound.lag_ms is not None:
            parts.append(f"sound {self.sound.lag_ms:+.1f} ms, similarity {self.sound.similarity:.3f}")
        return f"Verified: {', '.join(parts)}."
