"""``vibecraft preview``: a few seconds of a finished video as WebP or GIF."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cluster.db.engine import reading
from cluster.services import open_services
from cluster.settings import load_settings
from serve_app import targets
from tasks.domain.errors import InvalidInput
from tasks.media.preview import PreviewFormat
from tasks.steps import previews, songs


def preview(
    video: Annotated[str, typer.Argument(help="The video's id, as `render --json` tells it.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The moving picture, .webp or .gif.")],
) -> None:
    """Write the best moment of VIDEO as a moving picture that needs no player."""
    target = targets.expect_target(out, None, ".webp", ".gif")
    services = open_services(load_settings(), migrate=True)
    with reading(services.engine) as session:
        composition = songs.owned_composition(session, video, services.settings.owner_id)
        if composition.video_key is None:
            raise InvalidInput(f"The video {video} is not finished; render it first.", code="option_invalid")
        start_s = previews.best_moment(session, composition)
    form = PreviewFormat(target.suffix.lower().removeprefix("."))
    targets.fetch(services, previews.kept(services, composition.video_key, form, start_s), target)
    sys.stdout.write(f"{target}\n")
