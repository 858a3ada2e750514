"""Songs and videos as rows: taking a song in, asking for a video of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import insert
from sqlmodel import Session, col, select

from cluster.db.adding import one_at_a_time
from cluster.db.engine import reading, writing
from cluster.db.ids import new_id
from cluster.db.owned import owned
from cluster.db.tables import AnalysisRow, Composition, Song
from cluster.db.time import database_time
from cluster.services import Services
from tasks.domain.analysis import Analysis
from tasks.domain.errors import InvalidInput
from tasks.domain.request import VideoRequest
from tasks.media.probe import SoundHeader, sound_header
from tasks.steps.fingerprint import sha256_of
from tasks.steps.heard import corrected


def take_in(
    services: Services, path: Path, owner_id: str, filename: str | None = None, *, max_s: int | None = None
) -> Song:
    """Store the song at ``path`` and give its row; a song that the owner gave before is found again.

    Parameters
    ----------
    max_s : int, optional
        The longest song that is taken, in seconds; by default what becomes a video.

    Raises
    ------
    InvalidInput
        If its header shows that it is no song or too long; nothing is stored then.
    """
    called = filename or path.name
    header = sound_header(path, called)
    _expect_length(header, called, max_s or services.settings.max_song_s)
    digest = sha256_of(path)
    key = f"songs/{digest}"
    with reading(services.engine) as session:
        known = _known(session, owner_id, digest)
    if known is not None and services.storage.exists(key):
        return known
    services.storage.put_file(path, key)
    with writing(services.engine) as session:
        one_at_a_time(session, f"{owner_id} {key}")
        if known := _known(session, owner_id, digest):
            return known
        song_id = new_id("song")
        session.execute(
            insert(Song).values(
                id=song_id,
                owner_id=owner_id,
                filename=called,
                title=header.title,
                artist=header.artist,
                content_key=key,
                sha256=digest,
                size_bytes=path.stat().st_size,
                created_at=database_time(),
            )
        )
        return session.get_one(Song, song_id)


def _known(session: Session, owner_id: str, digest: str) -> Song | None:
    question = select(Song).where(Song.owner_id == owner_id, Song.sha256 == digest)
    return session.exec(question.order_by(col(Song.id))).first()


def owned_song(session: Session, song_id: str, owner_id: str) -> Song:
    """Read a song of ``owner_id``.

    Raises
    ------
    NotFound
        If there is none, or it belongs to somebody else.
    """
    return owned(session, Song, song_id, owner_id, "song")


def owned_composition(session: Session, composition_id: str, owner_id: str) -> Composition:
    """Read a video of ``owner_id``.

    Raises
    ------
    NotFound
        If there is none, or it belongs to somebody else.
    """
    return owned(session, Composition, composition_id, owner_id, "video")


def add_composition(session: Session, song: Song, request: VideoRequest, also: Sequence[VideoRequest] = ()) -> str:
    """Add a video that is asked for, with its further formats ``also``, and give its id."""
    composition_id = new_id("video")
    rows = [(composition_id, request, None), *((new_id("video"), each, composition_id) for each in also)]
    for row_id, wanted, base_id in rows:
        session.execute(
            insert(Composition).values(
                id=row_id,
                owner_id=song.owner_id,
                song_id=song.id,
                request=wanted.to_json(),
                base_id=base_id,
                created_at=database_time(),
            )
        )
    return composition_id


def formats_of(session: Session, composition: Composition) -> tuple[Composition, ...]:
    """Read the video's further formats."""
    question = select(Composition).where(Composition.base_id == composition.id).order_by(col(Composition.id))
    return tuple(session.exec(question))


def analysis_of(session: Session, composition: Composition) -> Analysis | None:
    """Read what was heard in the video's song and set right, once it is planned."""
    if composition.analysis_id is None:
        return None
    return corrected(session, session.get_one(AnalysisRow, composition.analysis_id))


def _expect_length(header: SoundHeader, name: str, max_s: int) -> None:
    if header.promised_s is not None and header.promised_s > max_s + 1:
        raise InvalidInput(
            f"{name} lasts {float(header.promised_s) / 60:.0f} minutes; songs of up to {max_s / 60:g} minutes are"
            " taken, so cut it first.",
            code="song_too_long",
        )
