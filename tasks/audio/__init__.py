"""Hearing: from a song's file to its beats, bars and sections, and the curves that move pictures."""

from tasks.audio.analysis import FAN_OUT_FROM_S, Heard, analyze, listen

__all__ = ["FAN_OUT_FROM_S", "Heard", "analyze", "listen"]
