"""Further formats of one film: the same song, cuts and pictures in another shape, size or coding."""

from __future__ import annotations

from dataclasses import replace

from tasks.domain.errors import InvalidInput
from tasks.domain.request import Aspect, Resolution, VideoRequest
from tasks.domain.segment import Codec

_CHOICES = ", ".join([*Aspect, *Resolution, *Codec])


def rendition_of(request: VideoRequest, words: str) -> VideoRequest:
    """Ask for another format of the film that ``request`` asks for.

    Parameters
    ----------
    words : str
        What is other in it, with plus signs between: ``9:16``, ``1:1+480p``, ``hevc``.

    Raises
    ------
    InvalidInput
        If a word is none that is known, or nothing is other.
    """
    wanted = request
    for word in words.split("+"):
        if word in set(Aspect):
            wanted = replace(wanted, aspect=Aspect(word))
        elif word in set(Resolution):
            wanted = replace(wanted, resolution=Resolution(word))
        elif word in set(Codec):
            wanted = replace(wanted, codec=Codec(word))
        else:
            raise InvalidInput(f"There is no format {word!r}; choose of {_CHOICES}.", code="option_invalid")
    if wanted == request:
        raise InvalidInput(f"The format {words!r} is that of the film itself; leave it out.", code="option_invalid")
    return wanted


def rendition_name(words: str) -> str:
    """Write a format as a part of a file's name: ``9x16-hevc``."""
    return words.replace(":", "x").replace("+", "-")


def form_name(request: VideoRequest) -> str:
    """Name a film's format, for people: ``9:16 720p h264``."""
    return f"{request.aspect} {request.resolution} {request.codec}"
