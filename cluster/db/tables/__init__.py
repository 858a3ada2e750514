"""Rows. Values of the trade are versioned JSON documents in them."""

from cluster.db.tables.jobs import Artifact, Job, JobEvent, Step
from cluster.db.tables.songs import AnalysisRow, Clip, Composition, Footage, Song, SongCorrections, SongLyrics, Take
from cluster.db.tables.spend import Attempt, Budget

__all__ = [
    "AnalysisRow",
    "Artifact",
    "Attempt",
    "Budget",
    "Clip",
    "Composition",
    "Footage",
    "Job",
    "JobEvent",
    "Song",
    "SongCorrections",
    "SongLyrics",
    "Step",
    "Take",
]
