"""A film by cuts that somebody else decided: what ``render --timeline`` asks for."""

from __future__ import annotations

from pathlib import Path

from cluster.db.engine import reading
from cluster.services import Services
from serve_app.commands.verify import read_timeline
from tasks.domain.request import VideoRequest
from tasks.steps import songs
from tasks.steps.reworking import request_from_otio, request_with_cuts


def request_of(services: Services, song: Path, timeline: Path, request: VideoRequest) -> VideoRequest:
    """Ask for the film of ``timeline``; an editor's has all else of the film that was exported.

    Raises
    ------
    InvalidInput
        If the file cannot be read, or the film cannot be made.
    """
    if timeline.suffix.lower() != ".otio":
        return request_with_cuts(request, read_timeline(timeline))
    row = songs.take_in(services, song, services.settings.owner_id)
    with reading(services.engine) as session:
        return request_from_otio(session, timeline, row)
