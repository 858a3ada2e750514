"""The film's sound: the song's own packets where they can be copied, else one encode of the PCM that was analysed.

Conventions
-----------
Time 0 of the track is the first sample that was analysed. What an encoder needs before it has a negative time, which
the container's edit list hides, so that sound and picture start together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from tasks.domain.timeline import Window
from tasks.media.probe import open_own

BITRATE = 320_000
"""Of the encoded sound, in bits per second; at 192,000 sharp songs come out more than 0.1 dB softer."""

# No made-up noise, no channel guessed from the other; at this rate the quick search is the nearer one to the song.
_EXACT = {"aac_pns": "0", "aac_is": "0", "aac_coder": "fast"}
_KEPT_RATES = (32_000, 44_100, 48_000)
_OTHER_RATE = 48_000
_BLOCK = 1 << 16
_STEREO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Where the film's sound comes from.

    ``original`` is set where the song's own packets are copied; else ``pcm`` (FLAC) is encoded, ``window`` of it.
    """

    pcm: Path
    original: Path | None
    window: Window | None


def add_sound(container: av.container.OutputContainer, sound: Sound) -> Iterator[Packet[AudioStream]]:
    """Add a sound track to ``container`` and return its packets in order; the track is added at once."""
    if sound.original is not None:
        return _copied(container, sound.original)
    return _encoded(container, sound.pcm, sound.window)


def _copied(container: av.container.OutputContainer, song: Path) -> Iterator[Packet[AudioStream]]:
    source = open_own(song)
    track = source.streams.audio[0]
    stream = container.add_stream_from_template(track)

    def packets() -> Iterator[Packet[AudioStream]]:
        with source:
            late = max(0, track.start_time or 0)  # time 0 is the first sample, whatever the file says
            for packet in source.demux(track):
                if packet.size and packet.pts is not None and packet.dts is not None:
                    packet.pts -= late
                    packet.dts -= late
                    packet.stream = stream
                    yield packet

    return packets()


def _encoded(
    container: av.container.OutputContainer, pcm: Path, window: Window | None
) -> Iterator[Packet[AudioStream]]:
    info = soundfile.info(str(pcm))
    rate = info.samplerate if info.samplerate in _KEPT_RATES else _OTHER_RATE
    stream = container.add_stream("aac", rate=rate, layout="stereo", options=_EXACT)
    stream.bit_rate = BITRATE

    def packets() -> Iterator[Packet[AudioStream]]:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        given = 0
        for block in _blocks(pcm, info.samplerate, window):
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = info.samplerate, given
            frame.time_base = Fraction(1, info.samplerate)
            given += block.shape[1]
            for ready in resampler.resample(frame):
                yield from stream.encode(ready)
        for ready in resampler.resample(None):
            yield from stream.encode(ready)
        yield from stream.encode(None)

    return packets()


def _blocks(pcm: Path, sample_rate: int, window: Window | None) -> Iterator[NDArray[np.float32]]:
    """Give the window's samples as planar stereo; a mono song becomes two equal channels."""
    start = round(window.start_s * sample_rate) if window else 0
    with soundfile.SoundFile(str(pcm)) as file:
        stop = min(file.frames, round(window.end_s * sample_rate)) if window else file.frames
        file.seek(start)
        left = stop - start
        while left > 0:
            block = file.read(min(_BLOCK, left), dtype="float32", always_2d=True)
            left -= len(block)
            planar = block.T if block.shape[1] == _STEREO else np.repeat(block.T[:1], _STEREO, axis=0)
            yield np.ascontiguousarray(planar)
