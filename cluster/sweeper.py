"""Clearing up after processes that were killed: half written objects, objects that no row names, scratch folders."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, union_all
from sqlmodel import col

from cluster.db.engine import reading
from cluster.db.tables import AnalysisRow, Artifact, Composition, Footage, Song, Take
from cluster.scratch import sweep_scratch
from cluster.services import Services
from cluster.storage.sweep import STRAY_AFTER_S, sweep_strays


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many things were removed: unfinished uploads, stray objects and scratch folders."""

    unfinished: int
    strays: int
    scratch: int


def sweep(services: Services, stray_after_s: float = STRAY_AFTER_S) -> Swept:
    """Remove what nobody will come back to.

    Parameters
    ----------
    stray_after_s : float
        How many seconds old an object that no row names must be.
    """
    return Swept(
        unfinished=services.storage.sweep(),
        strays=sweep_strays(services.storage, lambda keys: _named(services, keys), stray_after_s),
        scratch=sweep_scratch(services.settings.scratch_dir),
    )


def _named(services: Services, keys: list[str]) -> set[str]:
    columns = (
        col(Artifact.key),
        col(Song.content_key),
        col(AnalysisRow.features_key),
        col(AnalysisRow.sound_key),
        col(Composition.video_key),
        col(Take.content_key),
        col(Footage.content_key),
    )
    named = union_all(*[select(column).where(column.in_(keys)) for column in columns])
    with reading(services.engine) as session:
        return {key for (key,) in session.execute(named) if key is not None}
