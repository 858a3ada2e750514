"""Hearing: from a song's file to its beats, bars and sections, and the curves that move pictures."""

from tasks.audio.analysis import Heard, analyze, listen

__all__ = ["Heard", "analyze", "listen"]
