"""What is known of a song, as rows: what was heard, what its owner set right, and both together."""

from __future__ import annotations

from pathlib import PurePosixPath

from sqlmodel import Session, col, select

from cluster.db.adding import insert_into
from cluster.db.tables import AnalysisRow, SongCorrections
from cluster.db.time import database_time
from cluster.errors import Changed
from tasks.domain.analysis import Analysis
from tasks.domain.corrections import Corrections, apply, from_json, settle, to_json
from tasks.domain.document import ENGINE_VERSION


def heard_in(session: Session, song_id: str) -> AnalysisRow | None:
    """Read what this engine heard in a song; None before it has."""
    heard = select(AnalysisRow).where(col(AnalysisRow.song_id) == song_id, AnalysisRow.engine == ENGINE_VERSION)
    return session.exec(heard).first()


def corrections_of(session: Session, song_id: str) -> tuple[Corrections, int]:
    """Read what the owner set right, and its revision; without any the revision is 0."""
    row = session.get(SongCorrections, song_id)
    return ((), 0) if row is None else (from_json(row.document), row.revision)


def corrected(session: Session, heard: AnalysisRow) -> Analysis:
    """Give what was heard with the owner's corrections laid over it."""
    corrections, _ = corrections_of(session, heard.song_id)
    return apply(Analysis.from_json(heard.document), corrections)


def keep_corrections(
    session: Session, heard: AnalysisRow, corrections: Corrections, *, revision: int | None = None
) -> tuple[Corrections, int]:
    """Keep what the owner sets right in a song that was heard, in place of what was set before.

    Parameters
    ----------
    revision : int, optional
        The revision that the owner changed; without it the last word wins.

    Returns
    -------
    tuple
        The corrections as they are kept, and their revision.

    Raises
    ------
    Changed
        If another revision was kept meanwhile.
    InvalidInput
        If a correction does not fit the song.
    """
    _, found = corrections_of(session, heard.song_id)
    if revision is not None and revision != found:
        raise Changed("The corrections were changed meanwhile; read them again and repeat your change.")
    settled = settle(Analysis.from_json(heard.document), corrections)
    written = {"revision": found + 1, "document": to_json(settled), "updated_at": database_time()}
    adding = insert_into(session, SongCorrections).values(song_id=heard.song_id, owner_id=heard.owner_id, **written)
    keeping = adding.on_conflict_do_update(
        index_elements=["song_id"], set_=written, where=col(SongCorrections.revision) == found
    ).returning(col(SongCorrections.revision))
    if session.execute(keeping).first() is None:
        raise Changed("The corrections were changed meanwhile; read them again and repeat your change.")
    return settled, found + 1


def waveform_key(sound_key: str) -> str:
    """Name the peaks of a decoded song."""
    return f"waveforms/{PurePosixPath(sound_key).stem}.dat"
