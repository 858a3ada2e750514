"""The owner's own clips as rows: taking them in, what was seen in them, and opening them for a shot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlmodel import Session, col, select

from cluster.db.adding import insert_into
from cluster.db.engine import reading, writing
from cluster.db.ids import new_id
from cluster.db.owned import owned
from cluster.db.tables import Footage
from cluster.db.time import database_time
from cluster.services import Services
from tasks.domain.clip import ClipShot
from tasks.domain.document import Document
from tasks.domain.errors import InvalidInput
from tasks.domain.footage import FootageFacts
from tasks.domain.segment import SegmentSpec
from tasks.media.clip.inprocess import FrameReader
from tasks.media.clip.source import ClipSource
from tasks.media.clip.survey import survey
from tasks.media.ffmpeg import locate
from tasks.providers.base import ClipProvider, ClipWanted, Submission
from tasks.providers.uploads import MODEL, OwnFootage
from tasks.steps.context import StepContext
from tasks.steps.fingerprint import sha256_of


def take_in(services: Services, path: Path, owner_id: str, filename: str | None = None) -> Footage:
    """Decode the clip at ``path`` once from end to end, store it and give its row; the same clip is found again.

    Raises
    ------
    InvalidInput
        If it is no clip, too large, or no picture of it decodes; nothing is stored then.
    ChildLost
        If the decoder was killed from outside.
    """
    called = filename or path.name
    digest = sha256_of(path) if path.is_file() else ""
    known = _known(services, owner_id, digest)
    if known is not None:
        return known
    key, footage_id = f"footage/{digest}", new_id("footage")
    ffmpeg = locate(services.settings.ffmpeg_bin)
    facts = survey(path, called, footage_id=footage_id, content_key=key, ffmpeg=ffmpeg)
    services.storage.put_file(path, key)
    with writing(services.engine) as session:
        added = insert_into(session, Footage).values(
            id=footage_id,
            owner_id=owner_id,
            filename=called,
            content_key=key,
            sha256=digest,
            size_bytes=path.stat().st_size,
            document=facts.to_json(),
            created_at=database_time(),
        )
        session.execute(added.on_conflict_do_nothing(index_elements=["owner_id", "sha256"]))
        return session.exec(select(Footage).where(Footage.owner_id == owner_id, Footage.sha256 == digest)).one()


def owned_footage(session: Session, footage_id: str, owner_id: str) -> Footage:
    """Read a clip of ``owner_id``.

    Raises
    ------
    NotFound
        If there is none, or it belongs to somebody else.
    """
    return owned(session, Footage, footage_id, owner_id, "footage")


def footage_of(session: Session, owner_id: str, *, after: str | None = None, limit: int) -> Sequence[Footage]:
    """Read at most ``limit`` clips of ``owner_id``, oldest first, those that come after the id ``after``."""
    question = select(Footage).where(Footage.owner_id == owner_id)
    if after is not None:
        question = question.where(col(Footage.id) > after)
    return session.exec(question.order_by(col(Footage.id)).limit(limit)).all()


def facts_of(session: Session, ids: Sequence[str], owner_id: str) -> tuple[FootageFacts, ...]:
    """Read what was seen in the clips ``ids`` of ``owner_id``, in their order.

    Raises
    ------
    NotFound
        If one is not there, or belongs to somebody else.
    """
    return tuple(FootageFacts.from_json(owned_footage(session, one, owner_id).document) for one in ids)


def open_clip(
    settings: Document, spec: SegmentSpec, ctx: StepContext, *, fetch: Callable[[str], Path], read: FrameReader
) -> ClipSource:
    """Obtain the clip of a shot from its provider and open it in the film's form.

    Parameters
    ----------
    fetch : callable
        Gives a local file of a stored object.
    read : callable
        What decodes in this process; see `ClipSource`.

    Raises
    ------
    InvalidInput
        If the clip is gone.
    """
    shot = ClipShot.from_json(settings)
    provider: ClipProvider = OwnFootage(ctx.storage.exists, lambda key, _: fetch(key))
    wanted = ClipWanted(model=MODEL, length_s=shot.length_s, settings={"content_key": shot.content_key})
    submitted = provider.submit(wanted, nonce=shot.content_key)
    if submitted.submission is not Submission.ACCEPTED or submitted.prediction_id is None:
        raise InvalidInput(submitted.reason or "The footage cannot be had.", code="footage_gone")
    return ClipSource(
        provider.fetch(submitted.prediction_id, ctx.scratch),
        shot,
        size=(spec.width, spec.height),
        frame_rate=spec.frame_rate,
        ffmpeg=locate(ctx.services.settings.ffmpeg_bin),
        is_proven=True,
        read=read,
    )


def _known(services: Services, owner_id: str, digest: str) -> Footage | None:
    with reading(services.engine) as session:
        known = session.exec(select(Footage).where(Footage.owner_id == owner_id, Footage.sha256 == digest)).first()
    return known if known is not None and services.storage.exists(known.content_key) else None
