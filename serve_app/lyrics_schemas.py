"""What goes over the wire about a song's words."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.domain.lyrics import LyricLine, Lyrics

_EXAMPLE: dict[str, Any] = {
    "schema": 1,
    "revision": 1,
    "format": "lrc",
    "encoding": "utf-8",
    "language": "en",
    "is_timed": True,
    "lines": [
        {
            "text": "Running through the rain",
            "start_s": 12.04,
            "end_s": 15.2,
            "words": [{"text": "Running", "start_s": 12.04, "end_s": 12.6, "joined": False}],
            "part": None,
            "stanza": 0,
        }
    ],
}


class LyricsOut(BaseModel):
    """A song's words; times are seconds of the song, null where the file had none."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    version: int = Field(alias="schema")
    revision: int
    format: str
    encoding: str
    language: str | None
    is_timed: bool
    lines: list[LyricLine]

    @classmethod
    def of(cls, lyrics: Lyrics, revision: int) -> LyricsOut:
        """Show a record."""
        return cls.model_validate({**lyrics.to_json(), "revision": revision, "is_timed": lyrics.is_timed})
