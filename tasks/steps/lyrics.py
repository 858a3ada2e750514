"""A song's words as rows: kept with the song, read for its videos."""

from __future__ import annotations

from sqlalchemy import delete
from sqlmodel import Session, col

from cluster.db.adding import insert_into
from cluster.db.tables import Composition, Song, SongLyrics
from cluster.db.time import database_time
from cluster.errors import Changed
from tasks.domain.lyrics import Lyrics

_CHANGED = "The lyrics were changed meanwhile; read them again and repeat your change."


def lyrics_of(session: Session, song_id: str) -> tuple[Lyrics | None, int]:
    """Read a song's lyrics and their revision; without any the revision is 0."""
    row = session.get(SongLyrics, song_id)
    return (None, 0) if row is None else (Lyrics.from_json(row.document), row.revision)


def keep_lyrics(session: Session, song: Song, lyrics: Lyrics, *, revision: int | None = None) -> int:
    """Keep lyrics with a song in place of those before, and give their revision; the same again change nothing.

    Parameters
    ----------
    revision : int, optional
        The revision that the owner changed; without it the last word wins.

    Raises
    ------
    Changed
        If another revision was kept meanwhile.
    """
    before, found = lyrics_of(session, song.id)
    if revision is not None and revision != found:
        raise Changed(_CHANGED)
    if before == lyrics:
        return found
    written = {"revision": found + 1, "document": lyrics.to_json(), "updated_at": database_time()}
    adding = insert_into(session, SongLyrics).values(song_id=song.id, owner_id=song.owner_id, **written)
    keeping = adding.on_conflict_do_update(
        index_elements=["song_id"], set_=written, where=col(SongLyrics.revision) == found
    ).returning(col(SongLyrics.revision))
    if session.execute(keeping).first() is None:
        raise Changed(_CHANGED)
    return found + 1


def drop_lyrics(session: Session, song_id: str, *, revision: int | None = None) -> bool:
    """Take a song's lyrics away and tell whether there were any.

    Raises
    ------
    Changed
        If ``revision`` is given and another one was kept meanwhile.
    """
    _, found = lyrics_of(session, song_id)
    if revision is not None and revision != found:
        raise Changed(_CHANGED)
    dropping = delete(SongLyrics).where(col(SongLyrics.song_id) == song_id, col(SongLyrics.revision) == found)
    return session.execute(dropping.returning(col(SongLyrics.song_id))).first() is not None


def film_lyrics(composition: Composition) -> Lyrics | None:
    """Read what is sung in a planned video, on the film's clock; None where its words are off."""
    document = (composition.plan or {}).get("lyrics")
    return None if document is None else Lyrics.from_json(document)


def has_other_lyrics(session: Session, composition: Composition) -> bool:
    """Tell whether a video was planned with words that its song no longer has."""
    planned = (composition.plan or {}).get("lyrics_revision")
    return planned is not None and planned != lyrics_of(session, composition.song_id)[1]
