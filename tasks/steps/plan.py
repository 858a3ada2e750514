"""Plan the film: shots on beats, one segment a shot. The plan is saved before any picture is drawn."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col, select

from cluster.db.tables import AnalysisRow, Composition, Song
from tasks.domain.analysis import Analysis
from tasks.domain.document import ENGINE_VERSION, SCHEMA, Document
from tasks.domain.request import LARGEST_SEED, VideoRequest
from tasks.edit.cutting import cut_timeline, window_of
from tasks.edit.storyboard import plan_segments
from tasks.steps.analyze import analysis_key
from tasks.steps.context import Done, Outcome, StepContext


def run(given: Document, ctx: StepContext) -> Outcome:
    """Plan the video ``given["composition_id"]``; the rows hold the timeline and every segment's work."""
    with ctx.reading() as session:
        composition = session.get_one(Composition, given["composition_id"])
        song = session.get_one(Song, composition.song_id)
        heard = session.exec(
            select(AnalysisRow).where(col(AnalysisRow.song_id) == song.id, AnalysisRow.engine == ENGINE_VERSION)
        ).one()
    request = VideoRequest.from_json(composition.request)
    analysis = Analysis.from_json(heard.document)
    timeline = cut_timeline(analysis, request.frame_rate, window_of(analysis, request.start_s, request.end_s))
    spec, segments = plan_segments(
        analysis,
        timeline,
        request,
        seed=request.seed if request.seed is not None else int(song.sha256, 16) & LARGEST_SEED,
        keys={"analysis_key": analysis_key(heard.document), "features_key": heard.features_key},
    )
    plan = {"schema": SCHEMA, "spec": spec.to_json(), "segments": [segment.to_json() for segment in segments]}
    with ctx.transaction() as session:
        session.execute(
            update(Composition)
            .where(col(Composition.id) == composition.id)
            .values(analysis_id=heard.id, timeline=timeline.to_json(), plan=plan)
        )
    return Done()
