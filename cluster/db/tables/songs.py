"""What users own: songs, what was heard in them, and the videos asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from cluster.db.time import UtcDateTime


class Song(SQLModel, table=True):
    """A song as it was given; ``content_key`` names its bytes in storage."""

    __tablename__ = "songs"
    __table_args__ = (Index("ix_songs_owner", "owner_id", "id"),)  # a user's songs, newest last

    id: str = Field(primary_key=True)
    owner_id: str
    filename: str
    title: str | None = None
    artist: str | None = None
    content_key: str
    sha256: str
    size_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class AnalysisRow(SQLModel, table=True):
    """What was heard in a song by one version of the engine; ``document`` is the analysis record."""

    __tablename__ = "analyses"
    __table_args__ = (UniqueConstraint("song_id", "engine", name="uq_analyses_song_engine"),)  # reused by later videos

    id: str = Field(primary_key=True)
    owner_id: str
    song_id: str = Field(foreign_key="songs.id")
    engine: str
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    features_key: str
    sound_key: str
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class SongCorrections(SQLModel, table=True):
    """What the owner set right in what was heard of a song; ``revision`` counts the times that it was changed."""

    __tablename__ = "corrections"
    __table_args__ = (CheckConstraint("revision > 0", name="ck_corrections_revision"),)

    song_id: str = Field(primary_key=True, foreign_key="songs.id")
    owner_id: str
    revision: int
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    updated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class SongLyrics(SQLModel, table=True):
    """The words of a song as its owner gave them; ``revision`` counts the times that they were changed."""

    __tablename__ = "lyrics"
    __table_args__ = (CheckConstraint("revision > 0", name="ck_lyrics_revision"),)

    song_id: str = Field(primary_key=True, foreign_key="songs.id")
    owner_id: str
    revision: int
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    updated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Footage(SQLModel, table=True):
    """A clip of the owner's own, decoded once from end to end; ``document`` is what was seen in it."""

    __tablename__ = "footage"
    __table_args__ = (UniqueConstraint("owner_id", "sha256", name="uq_footage_bytes"),)  # the same clip is found again

    id: str = Field(primary_key=True)
    owner_id: str
    filename: str
    content_key: str
    sha256: str
    size_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Composition(SQLModel, table=True):
    """A video of a song: what was asked, the plan, and the pointer to the finished film.

    ``base_id`` is the video that this one is a further format of; one job makes them all.
    """

    __tablename__ = "compositions"
    __table_args__ = (
        Index("ix_compositions_owner", "owner_id", "id"),  # a user's videos, newest last
        Index("ix_compositions_song", "song_id", "id"),  # the videos of one song
        Index("ix_compositions_base", "base_id", "id"),  # the further formats of one video
    )

    id: str = Field(primary_key=True)
    owner_id: str
    song_id: str = Field(foreign_key="songs.id")
    request: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    analysis_id: str | None = Field(default=None, foreign_key="analyses.id")
    timeline: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    plan: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    video_key: str | None = None
    base_id: str | None = Field(default=None, foreign_key="compositions.id")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    published_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Clip(SQLModel, table=True):
    """Footage that a video wants for one of its shots, whoever makes it; `Take` holds what was made."""

    __tablename__ = "clips"
    __table_args__ = (
        UniqueConstraint("composition_id", "shot", name="uq_clips_shot"),
        Index("ix_clips_owner", "owner_id", "id"),  # a user's clips, newest last
        CheckConstraint("shot >= 0", name="ck_clips_shot"),
    )

    id: str = Field(primary_key=True)
    owner_id: str
    composition_id: str = Field(foreign_key="compositions.id")
    shot: int
    section: int | None = None
    provider: str
    model: str | None = None
    wanted: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    chosen_take_id: str | None = None
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Take(SQLModel, table=True):
    """One piece of footage for a clip, whole and decoded once; a clip keeps all of its takes and uses one."""

    __tablename__ = "takes"
    __table_args__ = (
        UniqueConstraint("clip_id", "number", name="uq_takes_number"),
        Index("ix_takes_owner", "owner_id", "id"),  # a user's takes, newest last
    )

    id: str = Field(primary_key=True)
    owner_id: str
    clip_id: str = Field(foreign_key="clips.id")
    attempt_id: str | None = Field(default=None, foreign_key="attempts.id")
    number: int
    content_key: str
    sha256: str
    size_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
