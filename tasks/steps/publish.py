"""Make the film the video's one visible result, after the stored object itself has been decoded; pick its poster."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col

from cluster.db.tables import Composition
from cluster.db.time import database_time
from cluster.errors import ObjectMissing
from cluster.faultpoint import faultpoint
from tasks.domain.document import Document
from tasks.domain.errors import InvalidRecord
from tasks.domain.timeline import Timeline
from tasks.media.poster import PosterPicker, poster_key
from tasks.media.whole import FilmBroken, expect_whole
from tasks.steps import assemble
from tasks.steps.analyze import written
from tasks.steps.context import Done, Outcome, StepContext


def run(given: Document, ctx: StepContext) -> Outcome:
    """Point the video ``given["composition_id"]`` at the stored film ``given["film_key"]``.

    A film that is gone or broken is taken away and joined once more from its segments.
    """
    key: str = given["film_key"]
    with ctx.reading() as session:
        timeline = session.get_one(Composition, given["composition_id"]).timeline
    if timeline is None:
        raise InvalidRecord("the video has no plan yet")
    planned = Timeline.from_json(timeline)
    try:
        poster = _check(key, planned, ctx)
    except (FilmBroken, ObjectMissing):
        ctx.check_lease()
        ctx.storage.delete(key)
        outcome = assemble.run(given, ctx)
        if outcome != Done(key):
            return outcome
        poster = _check(key, planned, ctx)
    if not ctx.is_stored(poster_key(key), "poster"):
        ctx.publish(written(ctx.scratch / "poster.jpg", poster), poster_key(key), "poster")
    faultpoint("before pointer")
    with ctx.transaction() as session:
        session.execute(
            update(Composition)
            .where(col(Composition.id) == given["composition_id"])
            .values(video_key=key, published_at=database_time())
        )
    return Done(key)


def _check(key: str, timeline: Timeline, ctx: StepContext) -> bytes:
    """Decode the whole of the stored film and give its poster."""
    picker = PosterPicker(timeline)
    expect_whole(
        ctx.fetch(key),
        timeline.frames,
        on_frame=lambda done: ctx.progress(done / timeline.frames),
        on_picture=picker.look,
    )
    return picker.best()
