"""Plan the film: shots on beats, one segment a shot. The plan is saved before any picture is drawn.

What is planned on is what was heard with the owner's corrections; pictures are drawn from the same, by its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import update
from sqlmodel import col

from cluster.db.tables import Composition, Song
from tasks.domain.analysis import Analysis
from tasks.domain.document import Document, canonical
from tasks.domain.footage import FootageFacts
from tasks.domain.lyrics import Lyrics
from tasks.domain.request import LARGEST_SEED, AudioMode, VideoRequest, Words
from tasks.domain.segment import SegmentPlan
from tasks.domain.timeline import Timeline, Window
from tasks.edit.captions import captions_of, expect_lyrics, sung_in
from tasks.edit.cutting import cut_timeline
from tasks.edit.repeats import planned_repeats
from tasks.edit.storyboard import plan_segments
from tasks.media.encoders import expect_encoder
from tasks.steps.analyze import analysis_key, written
from tasks.steps.context import Done, Outcome, StepContext
from tasks.steps.footage import facts_of
from tasks.steps.heard import corrected, heard_in
from tasks.steps.lyrics import lyrics_of
from tasks.steps.plan_parts import expect_copy, looped, shown_part
from tasks.steps.reworking import expect_length, plan_rework


def run(given: Document, ctx: StepContext) -> Outcome:
    """Plan the video ``given["composition_id"]``; the rows hold the timeline and every segment's work."""
    with ctx.reading() as session:
        composition = session.get_one(Composition, given["composition_id"])
        song = session.get_one(Song, composition.song_id)
        heard = heard_in(session, song.id)
        assert heard is not None
        analysis = corrected(session, heard)
        request = VideoRequest.from_json(composition.request)
        footage = facts_of(session, request.footage, composition.owner_id)
        lyrics, revision = lyrics_of(session, song.id)
    expect_lyrics(lyrics, request)
    expect_encoder(request.codec)
    document = analysis.to_json()
    key = analysis_key(document)
    if not ctx.is_stored(key, "analysis"):
        ctx.publish(written(ctx.scratch / "analysis.json", canonical(document)), key, "analysis")
    window = shown_part(analysis, request)
    if request.audio is AudioMode.COPY:
        expect_copy(song, heard, window, ctx)
    if request.rework is not None:
        with ctx.reading() as session:
            timeline, plan = plan_rework(session, request, ctx.owner_id, analysis, footage=footage, lyrics=lyrics)
    else:
        seed = request.seed if request.seed is not None else int(song.sha256, 16) & LARGEST_SEED
        keys = {"analysis_key": key, "features_key": heard.features_key}
        timeline, plan = _planned(analysis, window, request, seed=seed, keys=keys, footage=footage, lyrics=lyrics)
    repeats = planned_repeats([SegmentPlan.from_json(segment) for segment in plan["segments"]])
    with ctx.transaction() as session:
        session.execute(
            update(Composition)
            .where(col(Composition.id) == composition.id)
            .values(
                analysis_id=heard.id,
                timeline=replace(timeline, repeats=repeats).to_json(),
                plan={**plan, "analysis_key": key, "lyrics_revision": revision if plan.get("lyrics") else None},
            )
        )
    return Done()


def _planned(
    analysis: Analysis,
    window: Window | None,
    request: VideoRequest,
    *,
    seed: int,
    keys: Document,
    footage: Sequence[FootageFacts],
    lyrics: Lyrics | None,
) -> tuple[Timeline, Document]:
    """Plan a film of our own edit, by the cuts that are asked for or by ours."""
    if request.timeline is None:
        shortest = request.shortest_shot_s
        timeline = cut_timeline(analysis, request.frame_rate, window, shortest_shot_s=shortest, seed=seed)
    else:
        timeline = expect_length(request.timeline, analysis, window)
    captions = captions_of(lyrics, analysis, timeline, request)
    film = plan_segments(analysis, timeline, request, seed=seed, keys=keys, footage=footage, captions=captions)
    sung = None if lyrics is None or request.words is Words.OFF else sung_in(lyrics, analysis, timeline)
    plan = {**film.to_json(), "lyrics": sung and sung.to_json()}
    return film.timeline, plan if request.loop_s is None else looped(plan, request)
