"""The film's poster: the one picture that stands for it.

Method
------
One picture of each shot, or of the 48 longest, is looked at, past the shot's middle, where neither a transition nor the
flash on its cut is left. Each gets three figures: sharpness (variance of the Laplacian), colourfulness (Hasler and
Suesstrunk 2003) and how much stands out from the rest (spectral residual, Hou and Zhang 2007, as the share of it that
lies in the most salient tenth of the picture). The figures are ranked among the film's own pictures and the ranks are
summed, so that no unit outweighs another; pictures that are nearly black, nearly white or nearly flat come last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from tasks.domain.errors import MediaError
from tasks.domain.timeline import Shot, Timeline

_PLACE = 0.6  # of a shot
_MOST = 48
_LOOKED_AT = 160  # pixels of width
_RESIDUAL_SIDE = 64
_DARKEST, _BRIGHTEST, _FLATTEST = 28.0, 225.0, 8.0
_QUALITY = 90

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Looks:
    """What is measured of a picture; larger is better in each of the three."""

    sharpness: float
    colourfulness: float
    standing_out: float
    is_plain: bool


class PosterPicker:
    """Sees a film's pictures as they are decoded and keeps one for each of its longest shots, as JPEG."""

    def __init__(self, timeline: Timeline) -> None:
        longest = sorted(timeline.shots, key=lambda shot: (-len(shot.frames), shot.index))[:_MOST]
        self._wanted = {_moment(shot) for shot in longest}
        self._seen: list[tuple[Looks, int, bytes]] = []

    def look(self, number: int, frame: av.VideoFrame) -> None:
        """Look at the film's picture ``number``."""
        if number in self._wanted:
            picture = to_bgr(frame)
            self._seen.append((measure(picture), number, jpeg(picture)))

    def best(self) -> bytes:
        """Give the poster, as JPEG of the film's size.

        Raises
        ------
        MediaError
            If no picture was seen.
        """
        if not self._seen:
            raise MediaError("a poster is chosen from at least one picture")
        looks = [seen for seen, _, _ in self._seen]
        figures = np.array([[each.sharpness, each.colourfulness, each.standing_out] for each in looks])
        ranks = (figures[:, None] > figures[None]).sum(axis=1).sum(axis=1)
        places = [
            (not each.is_plain, int(rank), -number)
            for each, rank, (_, number, _) in zip(looks, ranks, self._seen, strict=True)
        ]
        return self._seen[places.index(max(places))][2]


def measure(picture: Picture) -> Looks:
    """Measure a picture, shape ``(height, width, 3)``, blue first."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (_LOOKED_AT, max(1, height * _LOOKED_AT // width)), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    blue, green, red = (small[..., channel].astype(np.float32) for channel in range(3))
    first, second = red - green, (red + green) / 2 - blue
    spread = float(np.hypot(first.std(), second.std()))
    colourfulness = spread + 0.3 * float(np.hypot(first.mean(), second.mean()))
    light = float(grey.mean())
    return Looks(
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).var()),
        colourfulness=colourfulness,
        standing_out=_standing_out(grey),
        is_plain=not _DARKEST < light < _BRIGHTEST or float(grey.std()) < _FLATTEST,
    )


def to_bgr(frame: av.VideoFrame) -> Picture:
    """Turn a picture of a film of ours (BT.709, limited range) to BGR."""
    return np.asarray(frame.reformat(format="bgr24", src_colorspace=Colorspace.ITU709).to_ndarray(), np.uint8)


def jpeg(picture: Picture) -> bytes:
    """Write a BGR picture as JPEG."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def poster_key(film_key: str) -> str:
    """Name the poster of a stored film."""
    return f"posters/{Path(film_key).stem}.jpg"


def _moment(shot: Shot) -> int:
    return shot.frames.start + int(_PLACE * len(shot.frames))


def _standing_out(grey: Picture) -> float:
    small = cv2.resize(grey, (_RESIDUAL_SIDE, _RESIDUAL_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    spectrum = np.fft.fft2(small)
    magnitude = np.log(np.abs(spectrum) + 1).astype(np.float32)
    residual = magnitude - cv2.blur(magnitude, (3, 3))
    saliency = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    ordered = np.sort(cv2.GaussianBlur(saliency.astype(np.float32), (0, 0), 2.5), axis=None)
    return float(ordered[-len(ordered) // 10 :].sum() / max(float(ordered.sum()), 1e-12))
