"""Hear the song: decode it once, keep its PCM, its features and what was found."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlmodel import col, select

from cluster.db.adding import insert_into
from cluster.db.ids import new_id
from cluster.db.tables import AnalysisRow, Song
from cluster.db.time import database_time
from tasks import audio
from tasks.audio.warm import warm
from tasks.domain.document import ENGINE_VERSION, Document, canonical
from tasks.kernels import compile_alone
from tasks.media.ffmpeg import locate
from tasks.steps.context import Done, Outcome, StepContext

_BLOCK_BYTES = 1 << 20


def run(given: Document, ctx: StepContext) -> Outcome:
    """Analyse the song ``given["song_id"]`` unless this engine has heard it before."""
    with ctx.reading() as session:
        song = session.get_one(Song, given["song_id"])
        known = session.exec(
            select(AnalysisRow).where(col(AnalysisRow.song_id) == song.id, AnalysisRow.engine == ENGINE_VERSION)
        ).first()
    if known is not None and ctx.storage.exists(known.features_key) and ctx.storage.exists(known.sound_key):
        return Done(known.features_key)
    compile_alone("audio", warm)
    pcm = ctx.scratch / "sound.flac"
    heard = audio.listen(
        ctx.fetch(song.content_key),
        ffmpeg=locate(ctx.services.settings.ffmpeg_bin),
        pcm_to=pcm,
        name=song.filename,
        max_s=ctx.services.settings.max_song_s,
        on_progress=ctx.progress,
        map=ctx.map,
    )
    document = heard.analysis.to_json()
    analysis = _written(ctx.scratch / "analysis.json", canonical(document))
    features = _written(ctx.scratch / "features.f32", heard.features.to_bytes())
    sound_key = ctx.publish(pcm, f"sounds/{_digest(pcm)}.flac", "sound")
    ctx.publish(analysis, analysis_key(document), "analysis")
    features_key = ctx.publish(features, f"features/{_digest(features)}.f32", "features")
    found = {"document": document, "features_key": features_key, "sound_key": sound_key}
    with ctx.transaction() as session:
        added = insert_into(session, AnalysisRow).values(
            id=new_id("analysis"),
            owner_id=ctx.owner_id,
            song_id=song.id,
            engine=ENGINE_VERSION,
            created_at=database_time(),
            **found,
        )
        session.execute(added.on_conflict_do_update(index_elements=["song_id", "engine"], set_=found))
    return Done(features_key)


def analysis_key(document: Document) -> str:
    """Name the stored analysis by its content."""
    return f"analyses/{hashlib.sha256(canonical(document)).hexdigest()}.json"


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
