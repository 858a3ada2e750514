"""Make the film the video's one visible result."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col

from cluster.db.tables import Composition
from cluster.db.time import database_time
from tasks.domain.document import Document
from tasks.steps.context import Done, Outcome, StepContext


def run(given: Document, ctx: StepContext) -> Outcome:
    """Point the video ``given["composition_id"]`` at the stored film ``given["film_key"]``."""
    ctx.storage.stat(given["film_key"])
    with ctx.transaction() as session:
        session.execute(
            update(Composition)
            .where(col(Composition.id) == given["composition_id"])
            .values(video_key=given["film_key"], published_at=database_time())
        )
    return Done(given["film_key"])
