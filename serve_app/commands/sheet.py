"""``vibecraft sheet``: a contact sheet of a film."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cluster.settings import load_settings
from tasks.media.contact_sheet import contact_sheet
from tasks.media.ffmpeg import locate


def sheet(
    video: Annotated[Path, typer.Argument(help="The film.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture, PNG.")],
    columns: Annotated[int, typer.Option(min=1, max=12, help="Pictures side by side.")] = 5,
    rows: Annotated[int, typer.Option(min=1, max=12, help="Pictures below each other.")] = 4,
) -> None:
    """Put pictures from the whole of VIDEO on one sheet."""
    contact_sheet(video, out, columns=columns, rows=rows, ffmpeg=locate(load_settings().ffmpeg_bin))
