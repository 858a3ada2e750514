"""Whether the song's own packets can stand in the film.

Method
------
Packets are copied where a player then hears, to the sample, what was analysed. That is proven and not believed: every
packet lies where the one before it ends, and the packets decode, from the first to the last, to the PCM that was
analysed. The song has passed a full guarded decode before, so that it is decoded in this process here.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from tasks.domain.errors import InvalidInput
from tasks.domain.request import AudioMode
from tasks.domain.timeline import Window
from tasks.media.probe import SoundHeader, open_own

_IN_MP4 = {"aac", "mp3", "mp3float", "opus", "flac", "alac"}
_STEREO = 2
_NEAR = 1e-3  # of full scale: what two builds of one decoder and 16 bits may differ by
_TAIL = 4096  # samples that a codec's last frame may hold beyond the song's end

Samples = NDArray[np.float32]


def is_copied(mode: AudioMode, header: SoundHeader, window: Window | None, song: Path, pcm: Path) -> bool:
    """Decide whether the film carries the song's own packets.

    Parameters
    ----------
    mode : AudioMode
        ``auto`` copies AAC-LC of two channels at most, ``copy`` whatever an MP4 can hold, ``aac`` nothing.
    header : SoundHeader
        Of the song.
    window : Window or None
        The part of the song that the film shows; packets are copied of a whole song only.
    song, pcm : Path
        The song as it was given, and what was decoded of it, as FLAC.

    Raises
    ------
    InvalidInput
        If copying was asked for and cannot be done; the sentence says why.
    """
    if mode is AudioMode.AAC:
        return False
    if mode is AudioMode.AUTO:
        is_lc = header.codec == "aac" and header.profile == "LC" and header.channels <= _STEREO
        return is_lc and window is None and _objection(header, song, pcm) is None
    reason = "only a whole song is" if window is not None else _objection(header, song, pcm)
    if reason is not None:
        raise InvalidInput(
            f"The song's sound cannot be copied into the film: {reason}. Choose another way with --audio auto or aac.",
            code="audio_not_copied",
        )
    return True


def _objection(header: SoundHeader, song: Path, pcm: Path) -> str | None:
    if header.codec not in _IN_MP4:
        return f"an MP4 that plays everywhere holds no {header.codec}"
    try:
        with open_own(song) as container:
            if not _is_gapless(container.demux(container.streams.audio[0])):
                return "its time stamps leave gaps, or are too coarse to begin on the right sample"
        if header.channels <= _STEREO and not _decodes_to(song, pcm):
            return "its packets do not decode to what was heard, so that it would be damaged or shifted"
    except (av.error.FFmpegError, OSError):
        return "some of its packets are damaged"
    return None


def _is_gapless(packets: Iterator[Packet[AudioStream]]) -> bool:
    """Tell whether every packet begins on a sample, and where the one before it ends."""
    ends: Fraction | None = None
    for packet in packets:
        if not packet.size or packet.pts is None:
            continue
        rate = packet.stream.codec_context.sample_rate
        begins = packet.pts * packet.time_base * rate
        if begins.denominator != 1 or (ends is not None and begins != ends):
            return False
        ends = begins + (packet.duration or 0) * packet.time_base * rate
    return ends is not None


def _decodes_to(song: Path, pcm: Path) -> bool:
    """Tell whether ``song`` decodes without an error to the samples of ``pcm``, but for a tail."""
    with open_own(song) as container, soundfile.SoundFile(str(pcm)) as heard:
        track = container.streams.audio[0]
        track.codec_context.options = {"err_detect": "explode"}
        for frame in container.decode(track):
            sound = _floats(frame.to_ndarray(), frame.layout.nb_channels)
            expected = heard.read(sound.shape[1], dtype="float32", always_2d=True).T
            if len(expected) != len(sound):
                return False
            shared = expected.shape[1]
            if shared and np.abs(np.clip(sound[:, :shared], -1, 1) - expected).max() > _NEAR:
                return False
        return bool(heard.frames - heard.tell() <= _TAIL)


def _floats(block: NDArray[Any], channels: int) -> Samples:
    """Give a decoded block as planes in -1..1, shape ``(channels, n)``."""
    planes = block if block.shape[0] == channels else block.reshape(-1, channels).T
    full = 1.0 if planes.dtype.kind == "f" else float(np.iinfo(planes.dtype).max)
    return np.asarray(planes / full, np.float32)
