"""All settings, from the environment, with a default that runs on one machine without any account."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from pathlib import Path

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cluster.errors import SettingsError


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "vibecraft"


class Settings(BaseSettings):
    """What the environment says; names without a prefix are those of the deployment plan.

    Attributes
    ----------
    data_dir : Path
        ``VC_DATA_DIR``: the embedded database, stored objects, scratch and compiled kernels.
    database_url : str
        ``DATABASE_URL``: an SQLAlchemy URL; by default an SQLite file in ``data_dir``.
    ffmpeg_bin : str or None
        ``FFMPEG_BIN``: an ffmpeg to use instead of the one that is found.
    api_host, api_port
        ``API_HOST`` and ``API_PORT`` or ``PORT``: where HTTP is served.
    api_log_level : str
        ``API_LOG_LEVEL``: how much the HTTP application logs.
    ray_address : str or None
        ``RAY_ADDRESS``: a running cluster; by default a local one is started.
    librosa_cache_dir : Path or None
        ``LIBROSA_CACHE_DIR``: root of the cache of compiled kernels; by default ``data_dir``.
    log_level : str
        ``VC_LOG_LEVEL``: how much the command line writes to its log.
    max_song_s : int
        ``VC_MAX_SONG_S``: the longest song that becomes a video, in seconds.
    max_upload_bytes : int
        ``VC_MAX_UPLOAD_BYTES``: the largest song that is accepted over HTTP.
    """

    model_config = SettingsConfigDict(env_prefix="VC_", populate_by_name=True, extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=_default_data_dir)
    database_url: str | None = Field(default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    ffmpeg_bin: str | None = Field(default=None, validation_alias=AliasChoices("FFMPEG_BIN", "ffmpeg_bin"))
    api_host: str = Field(default="127.0.0.1", validation_alias=AliasChoices("API_HOST", "api_host"))
    api_port: int = Field(default=8000, ge=0, le=65535, validation_alias=AliasChoices("PORT", "API_PORT", "api_port"))
    api_log_level: str = Field(default="info", validation_alias=AliasChoices("API_LOG_LEVEL", "api_log_level"))
    log_level: str = "info"
    ray_address: str | None = Field(default=None, validation_alias=AliasChoices("RAY_ADDRESS", "ray_address"))
    librosa_cache_dir: Path | None = Field(
        default=None, validation_alias=AliasChoices("LIBROSA_CACHE_DIR", "librosa_cache_dir")
    )
    max_song_s: int = Field(default=900, ge=2)
    max_upload_bytes: int = Field(default=200 << 20, ge=1)
    lease_s: int = Field(default=60, ge=1)
    owner_id: str = "local"

    @cached_property
    def database(self) -> str:
        """The SQLAlchemy URL that is used."""
        return self.database_url or f"sqlite:///{self.data_dir / 'vibecraft.db'}"

    @property
    def objects_dir(self) -> Path:
        """Where stored objects lie."""
        return self.data_dir / "objects"

    @property
    def log_file(self) -> Path:
        """Where the command line logs."""
        return self.data_dir / "vibecraft.log"

    @property
    def scratch_dir(self) -> Path:
        """Where steps work; each removes what it made."""
        return self.data_dir / "scratch"

    def kernels_dir(self, version: str) -> Path:
        """Where compiled kernels of the code version ``version`` are kept."""
        return (self.librosa_cache_dir or self.data_dir) / "kernels" / hashlib.sha256(version.encode()).hexdigest()[:16]


def load_settings() -> Settings:
    """Read the environment, and make the data folder.

    Raises
    ------
    SettingsError
        One sentence that names the variable and what is wrong with it.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "a setting"
        raise SettingsError(f"{name} is not usable: {first['msg']}.") from None
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"VC_DATA_DIR names {settings.data_dir}, which cannot be a folder ({error.strerror}); choose another."
        ) from error
    return settings
