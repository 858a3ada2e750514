"""Find an ffmpeg that can do what we need.

The first of the configured binary, the one on PATH and the one in the imageio-ffmpeg wheel that reads from an
inherited file descriptor (``fd:``), encodes with libx264 and has zscale. A configured binary that lacks one is an
error; a PATH binary that does is passed over.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache

import imageio_ffmpeg
import structlog

from tasks.domain.errors import ToolMissing

_log = structlog.get_logger(__name__)

_NEEDED = {"fd protocol": ("-protocols", "fd"), "libx264": ("-encoders", "libx264"), "zscale": ("-filters", "zscale")}


@lru_cache
def locate(configured: str | None = None) -> str:
    """Return the path of a capable ffmpeg.

    Parameters
    ----------
    configured : str or None
        What ``FFMPEG_BIN`` names: a path, or a name that is looked up on PATH.

    Raises
    ------
    ToolMissing
        If the configured binary cannot be run or lacks a capability, or if no capable one is found.
    """
    if configured:
        path = shutil.which(configured)
        if path is None:
            raise ToolMissing(f"FFMPEG_BIN names {configured}, which is no program here; unset it or name a real one.")
        lacking = _lacking(path)
        if lacking:
            raise ToolMissing(
                f"FFMPEG_BIN names {configured}, which lacks {', '.join(lacking)}; unset it or name another."
            )
        return path
    on_path = shutil.which("ffmpeg")
    if on_path is not None:
        lacking = _lacking(on_path)
        if not lacking:
            return on_path
        _log.info("the ffmpeg on PATH is passed over", lacks=", ".join(lacking))
    try:
        bundled = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise ToolMissing("No ffmpeg was found; set FFMPEG_BIN to one with libx264 and zscale.") from error
    lacking = _lacking(bundled)
    if lacking:
        raise ToolMissing(f"The bundled ffmpeg lacks {', '.join(lacking)}; set FFMPEG_BIN to a newer one.")
    return str(bundled)


def _lacking(binary: str) -> list[str]:
    """Name the needed capabilities that ``binary`` does not list."""
    lacking = []
    for name, (flag, word) in _NEEDED.items():
        try:
            listed = subprocess.run(
                [binary, "-hide_banner", flag], capture_output=True, text=True, timeout=30, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return list(_NEEDED)
        if word not in listed.split():
            lacking.append(name)
    return lacking
