"""Hear the song: decode it once, keep its PCM, its features, its peaks and what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from cluster.db.adding import insert_into
from cluster.db.ids import new_id
from cluster.db.tables import AnalysisRow, Song
from cluster.db.time import database_time
from tasks.domain.analysis import Analysis
from tasks.domain.document import ENGINE_VERSION, Document, canonical
from tasks.kernels import compile_alone
from tasks.media.ffmpeg import locate
from tasks.media.probe import sound_header
from tasks.steps.context import Done, Outcome, StepContext
from tasks.steps.fingerprint import sha256_of
from tasks.steps.heard import heard_in, waveform_key


def run(given: Document, ctx: StepContext) -> Outcome:
    """Analyse the song ``given["song_id"]`` unless this engine has heard it before.

    With ``given["alone"]`` no video is made of it, so it may be longer.
    """
    settings = ctx.services.settings
    max_s = settings.max_analysis_s if given.get("alone") else settings.max_song_s
    with ctx.reading() as session:
        song = session.get_one(Song, given["song_id"])
        known = heard_in(session, song.id)
    if known is not None and ctx.storage.exists(known.features_key) and ctx.storage.exists(known.sound_key):
        _expect_length(song, Analysis.from_json(known.document), max_s)
        _keep_peaks(ctx, known.sound_key, lambda: ctx.fetch(known.sound_key))
        return Done(known.features_key)
    from tasks import audio  # noqa: PLC0415 - a song that was heard before needs nothing of it
    from tasks.audio.warm import warm  # noqa: PLC0415

    compile_alone("audio", warm)
    pcm = ctx.scratch / "sound.flac"
    file = ctx.fetch(song.content_key)
    promised_s = sound_header(file, song.filename).promised_s
    heard = audio.listen(
        file,
        ffmpeg=locate(settings.ffmpeg_bin),
        pcm_to=pcm,
        name=song.filename,
        max_s=max_s,
        on_progress=ctx.progress,
        map=map if promised_s is not None and promised_s < audio.FAN_OUT_FROM_S else ctx.map,
    )
    document = heard.analysis.to_json()
    analysis = written(ctx.scratch / "analysis.json", canonical(document))
    features = written(ctx.scratch / "features.f32", heard.features.to_bytes())
    sound_key = ctx.publish(pcm, f"sounds/{sha256_of(pcm)}.flac", "sound")
    _keep_peaks(ctx, sound_key, lambda: pcm)
    ctx.publish(analysis, analysis_key(document), "analysis")
    features_key = ctx.publish(features, f"features/{sha256_of(features)}.f32", "features")
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


def written(path: Path, data: bytes) -> Path:
    """Write a file and give its path back."""
    path.write_bytes(data)
    return path


def _keep_peaks(ctx: StepContext, sound_key: str, sound: Callable[[], Path]) -> None:
    key = waveform_key(sound_key)
    if not ctx.is_stored(key, "waveform"):
        from tasks.media.waveform import find_peaks  # noqa: PLC0415 - it is stored nearly always

        ctx.publish(written(ctx.scratch / "waveform.dat", find_peaks(sound()).to_bytes()), key, "waveform")


def _expect_length(song: Song, analysis: Analysis, max_s: int) -> None:
    if analysis.duration_s > max_s:
        from tasks.audio.decode import too_long  # noqa: PLC0415 - never loaded where all is well

        raise too_long(song.filename, max_s)
