"""Decode a song once, in bounded memory.

Conventions
-----------
Time 0 is the first decoded sample that a player plays, whatever time stamps the file carries. Samples are float32 in
-1..1, of shape ``(n, channels)``, at the file's own rate; one channel stays one, two stay two, more are mixed down to
two by the decoder's matrix. A song is read in blocks of whole seconds (the last one is shorter). Whatever depends on a
stretch of sound is decided a second at a time, so that the length of the blocks does not show.

Loudness and flaws are measured in the same pass, before what goes beyond full scale is clipped as a player clips it.

Method
------
The file is decoded by the guarded child of `tasks.media.sandbox`. What is heard is the middle of the two channels.
Where they cancel each other (middle below -20 dB of the stereo energy, so that both are equally loud within 2 dB) the
left channel is heard instead, decided a second at a time with hysteresis and a short cross-fade.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path

import ffmpeg as ffmpeg_python
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tasks.audio.flaws import FlawMeter
from tasks.audio.loudness import LoudnessMeter
from tasks.domain.analysis import Loudness, Sound
from tasks.domain.errors import ChildFailed, ChildLost, InvalidInput
from tasks.media.probe import SoundHeader
from tasks.media.sandbox import GUARDED_INPUT, Child, guarded

Samples = NDArray[np.float32]

HEARD_RATE = 22_050
"""Sample rate of what is analysed, in Hz."""

MIN_S = 2

_STEREO = 2
_CANCELLED = 0.01  # middle over stereo energy: -20 dB
_RECOVERED = 0.04
_FADE_S = 0.05
_SLACK_S = 1
_SLACK_SHARE = Fraction(2, 100)
_FLOAT_BYTES = 4
_MOST = 16.0  # times full scale: a float that goes beyond is damage


class Decoder:
    """One pass over one song; afterwards it knows how long, how loud and how sound the song is.

    Attributes
    ----------
    samples : int
        Samples of each channel that were decoded so far.
    sample_rate : int
        In Hz.
    channels : int
        1 or 2.
    loudness : Loudness or None
        None before the end, and of a song without anything loud enough.
    sound : Sound or None
        None before the end.
    """

    def __init__(
        self,
        path: Path,
        header: SoundHeader,
        *,
        ffmpeg: str,
        max_s: int,
        name: str | None = None,
        block_s: int = 1,
    ) -> None:
        called = name or path.name
        if header.promised_s is not None and header.promised_s > max_s + 1:
            raise too_long(called, max_s)
        if header.sample_rate <= 0 or header.channels <= 0:
            raise _not_media(called)
        self.samples = 0
        self.sample_rate = header.sample_rate
        self.channels = min(header.channels, _STEREO)
        self.loudness: Loudness | None = None
        self.sound: Sound | None = None
        self._path = path
        self._name = called
        self._promised_s = header.promised_s
        self._ffmpeg = ffmpeg
        self._max_s = max_s
        self._block_s = block_s

    @property
    def share(self) -> float:
        """How much of the promised song is decoded, in 0..1; 0 where nothing is promised."""
        if not self._promised_s:
            return 0.0
        return min(1.0, self.samples / float(self._promised_s * self.sample_rate))

    def blocks(self) -> Generator[Samples]:
        """Decode the song; every block holds ``block_s`` seconds, the last one what is left.

        Yields
        ------
        ndarray, shape (n, channels), float32
            Finite, in -1..1.

        Raises
        ------
        InvalidInput
            If nothing can be decoded, or the song is too short, too long or breaks off.
        ChildLost
            If the decoder was killed or hung.
        """
        loudness = LoudnessMeter(self.sample_rate, self.channels)
        flaws = FlawMeter(self.sample_rate, self.channels)
        buffer = np.empty((self._block_s * self.sample_rate, self.channels), np.float32)
        view = memoryview(buffer.data).cast("B")
        with guarded(self._path, self._command) as child:
            while got := self._read(child, view) // (_FLOAT_BYTES * self.channels):
                self.samples += got
                if self.samples > self._max_s * self.sample_rate:
                    raise too_long(self._name, self._max_s)
                block = np.nan_to_num(buffer[:got], nan=0.0, posinf=1.0, neginf=-1.0)
                np.clip(block, -_MOST, _MOST, out=block)
                loudness.push(block)
                flaws.push(block)
                yield np.clip(block, -1.0, 1.0, out=block)
                if got < len(buffer):
                    break
            self._end(child)
        self._expect_whole()
        self.loudness, self.sound = loudness.finish(), flaws.finish()

    def _command(self, descriptor: int) -> list[str]:
        sound = ffmpeg_python.input("fd:", fd=descriptor, **GUARDED_INPUT)["a:0"]
        decoded = sound.output(
            "pipe:1", format="f32le", acodec="pcm_f32le", ar=self.sample_rate, ac=self.channels, threads=1
        )
        command: list[str] = decoded.global_args("-nostdin", "-v", "error", "-vn", "-sn", "-dn").compile(
            cmd=self._ffmpeg
        )
        return command

    def _read(self, child: Child, view: memoryview) -> int:
        try:
            return child.read_into(view)
        except ChildLost:
            raise
        except ChildFailed as error:
            if self.samples == 0:
                raise _not_media(self._name) from error
            return 0

    def _end(self, child: Child) -> None:
        """Accept a failed child where it gave sound: what is there is heard."""
        try:
            child.finish()
        except ChildLost:
            raise
        except ChildFailed as error:
            if self.samples == 0:
                raise _not_media(self._name) from error

    def _expect_whole(self) -> None:
        name, heard_s = self._name, Fraction(self.samples, self.sample_rate)
        if self.samples == 0:
            raise _not_media(self._name)
        promised_s = self._promised_s or heard_s
        if promised_s - heard_s > max(Fraction(_SLACK_S), promised_s * _SLACK_SHARE):
            raise InvalidInput(
                f"{name} breaks off after {float(heard_s):.1f} of {float(promised_s):.1f} s; "
                "copy or download it again.",
                code="song_truncated",
            )
        if heard_s < MIN_S:
            raise InvalidInput(
                f"{name} lasts {float(heard_s):.1f} s; give a song of at least {MIN_S} s.", code="song_too_short"
            )


class Ear:
    """Turn blocks of a song into what is analysed: one channel at `HEARD_RATE`."""

    def __init__(self, sample_rate: int) -> None:
        self._second = sample_rate
        self._resampler = soxr.ResampleStream(sample_rate, HEARD_RATE, 1, dtype="float32")
        self._fade = int(_FADE_S * sample_rate)
        self._left = 0.0

    def hear(self, block: Samples, *, last: bool = False) -> Samples:
        """Give the next samples; with ``last`` also those that the resampler still holds.

        Parameters
        ----------
        block : ndarray, shape (n, channels), float32
            The next block of the song, of whole seconds except at the end; may be empty when it is the last.

        Returns
        -------
        ndarray, shape (m,), float32
        """
        mixed = np.empty(len(block), np.float32)
        for at in range(0, len(block), self._second):
            mixed[at : at + self._second] = self._mix(block[at : at + self._second])
        heard: Samples = self._resampler.resample_chunk(mixed, last=last)
        return heard

    def _mix(self, block: Samples) -> Samples:
        if block.shape[1] == 1:
            return block[:, 0]
        left = block[:, 0]
        middle = (left + block[:, 1]) * np.float32(0.5)
        energy = float(np.square(block).mean())
        ratio = float(np.square(middle).mean()) / energy if energy > 0 else 1.0
        before, self._left = self._left, self._choose(ratio)
        if before == 0.0 == self._left:
            return middle
        weight = np.full(len(block), self._left, np.float32)
        fade = min(self._fade, len(block))
        weight[:fade] = np.linspace(before, self._left, fade, dtype=np.float32)
        mixed: Samples = middle + weight * (left - middle)
        return mixed

    def _choose(self, ratio: float) -> float:
        if ratio < _CANCELLED:
            return 1.0
        return 0.0 if ratio > _RECOVERED else self._left


@contextlib.contextmanager
def pcm_writer(path: Path | None, decoder: Decoder) -> Iterator[Callable[[Samples], None]]:
    """Open the file that keeps the decoded song: FLAC, 16 bit, at the song's rate; without ``path`` keep nothing.

    Where the block ends with an error no file is left.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        with soundfile.SoundFile(
            path, "w", samplerate=decoder.sample_rate, channels=decoder.channels, format="FLAC", subtype="PCM_16"
        ) as file:
            yield lambda block: file.write(np.rint(block * np.float32(32767)).astype(np.int16))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def too_long(name: str, max_s: int) -> InvalidInput:
    """Make the error of a song that lasts longer than ``max_s`` seconds."""
    return InvalidInput(
        f"{name} lasts longer than {max_s / 60:g} min; give a shorter song or cut it.", code="song_too_long"
    )


def _not_media(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} holds no sound that can be decoded; export or download the song again.", code="song_not_media"
    )
