"""Rows. Values of the trade are versioned JSON documents in them."""

from cluster.db.tables.jobs import Artifact, Job, JobEvent, Step
from cluster.db.tables.songs import AnalysisRow, Composition, Song

__all__ = ["AnalysisRow", "Artifact", "Composition", "Job", "JobEvent", "Song", "Step"]
