"""Read headers: what a file is and what it promises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from tasks.domain.errors import InvalidInput
from tasks.media.sandbox import FORMATS

PLAYLISTS = (b"ffconcat", b"#extm3u", b"[playlist]", b"<?xml", b"<mpd", b"<asx", b"<smil", b"#!")
"""How files begin that name other files; lower case, without leading blanks."""

_UNKNOWN_BYTES = 0x7FFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundHeader:
    """What a song's file says of its sound, unproven until decoded."""

    container: str
    codec: str
    profile: str
    sample_rate: int
    channels: int
    promised_s: Fraction | None
    title: str | None
    artist: str | None


def open_own(path: Path, formats: str = FORMATS, *, may_decode: bool = True) -> InputContainer:
    """Open a media file for reading its headers and packets, with the guarded formats only and no other protocol.

    The library decodes a few pictures to complete a header unless ``may_decode`` forbids it.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": formats}
    if may_decode:
        return av.open(str(path), options=options, metadata_errors="replace")
    with av.logging.Capture():  # of complaints that no decoder is allowed
        return av.open(str(path), options={**options, "codec_whitelist": "none"}, metadata_errors="replace")


def sound_header(path: Path, name: str | None = None) -> SoundHeader:
    """Read the header of the song at ``path``; sentences call it ``name``.

    Raises
    ------
    InvalidInput
        If it is absent, a directory, empty, a playlist, no media, or media without sound; each has its own code
        and a sentence that says what to do.
    """
    called = name or path.name
    _expect_media_file(path, called)
    try:
        header = _read_header(path)
    except Exception as error:  # a hostile header can raise nearly anything from the library
        raise InvalidInput(
            f"{called} is not a song that can be read; give mp3, wav, flac, m4a, aac, ogg, opus, webm, mp4 or mov.",
            code="song_not_media",
        ) from error
    if header is None:
        raise InvalidInput(f"{called} has no sound track; give a file with the song in it.", code="song_without_sound")
    return header


def _read_header(path: Path) -> SoundHeader | None:
    with open_own(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        tags = {key.lower(): value for key, value in {**stream.metadata, **container.metadata}.items()}
        codec = stream.codec_context
        return SoundHeader(
            container=container.format.name,
            codec=codec.name,
            profile=codec.profile or "",
            sample_rate=codec.sample_rate,
            channels=codec.layout.nb_channels,
            promised_s=_promised_duration(container, path),
            title=tags.get("title"),
            artist=tags.get("artist"),
        )


def _promised_duration(container: InputContainer, path: Path) -> Fraction | None:
    """How long the sound should be, where the file counts it; None where the library only guesses."""
    stream = container.streams.audio[0]
    form = container.format.name
    if form == "aac" or (form == "mp3" and not _counts_frames(path)):
        return None  # both would be guesses from the bit rate
    if "matroska" in form:
        return _promised_by_matroska(container)
    if stream.duration is not None and stream.time_base is not None:
        promised = stream.duration * stream.time_base
        return promised * _promised_share(path) if form == "wav" else promised
    return None


def _promised_by_matroska(container: InputContainer) -> Fraction | None:
    """How long the sound should be: its own tag or the file's header say when it ends, its start when it begins."""
    stream = container.streams.audio[0]
    own = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if own is not None:
        end_s = int(own[1]) * 3600 + int(own[2]) * 60 + Fraction(own[3])
    elif container.duration is not None and len(container.streams) == 1:  # else it may be that of the pictures
        end_s = Fraction(container.duration, av.time_base)
    else:
        return None
    if stream.start_time is None or stream.time_base is None:
        return end_s
    return end_s - max(Fraction(0), stream.start_time * stream.time_base)


def _counts_frames(path: Path) -> bool:
    """Tell whether an MP3 file begins with a frame that counts the others (Xing, Info or VBRI)."""
    with path.open("rb") as file:
        head = file.read(10)
        if head.startswith(b"ID3"):
            file.seek(10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)))
        else:
            file.seek(0)
        start = file.read(4096)
    return any(mark in start for mark in (b"Xing", b"Info", b"VBRI"))


def _promised_share(path: Path) -> Fraction:
    """How much larger a WAV file says it is than it is; 1 where it says nothing (it was written to a pipe) or less."""
    with path.open("rb") as file:
        head = file.read(8)
    says, is_there = int.from_bytes(head[4:8], "little") + 8, path.stat().st_size
    unknown = says >= _UNKNOWN_BYTES or head[:4] != b"RIFF"
    return Fraction(1) if unknown or says <= is_there else Fraction(says, is_there)


def _expect_media_file(path: Path, called: str) -> None:
    if path.is_dir():
        raise InvalidInput(f"{called} is a directory; name one song in it.", code="song_is_directory")
    if not path.exists():
        raise InvalidInput(f"There is no file {path}; check the path.", code="song_absent")
    if not path.is_file():
        raise InvalidInput(f"{called} is not a regular file; give a song's file.", code="song_not_file")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InvalidInput(
            f"{called} cannot be read ({error.strerror}); check its permissions.", code="song_unreadable"
        ) from error
    if not head:
        raise InvalidInput(f"{called} is empty; export or download the song again.", code="song_empty")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(PLAYLISTS):
        raise InvalidInput(f"{called} is a playlist, not sound; give the song itself.", code="song_is_playlist")
