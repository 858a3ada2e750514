"""All settings, from the environment, with a default that runs on one machine without any account."""

from __future__ import annotations

import hashlib
import os
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cluster.errors import SettingsError


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "vibecraft"


class AddressingStyle(StrEnum):
    """Where an S3 address names its bucket: in the path or in the host."""

    AUTO = "auto"
    PATH = "path"
    VIRTUAL = "virtual"


class Auth(StrEnum):
    """Who asks clients who they are."""

    NONE = "none"
    PROXY = "proxy"


class WakeUp(StrEnum):
    """Who is told of steps that can run."""

    RAY = "ray"
    RQ = "rq"
    BOTH = "both"


class S3Settings(BaseSettings):
    """Where objects are stored; without ``S3_BUCKET_NAME`` they lie on the local disk.

    Attributes
    ----------
    bucket_name : str or None
        ``S3_BUCKET_NAME``.
    access_key_id, secret_access_key
        ``S3_ACCESS_KEY_ID`` and ``S3_SECRET_ACCESS_KEY``; both or neither, and with a bucket both.
    endpoint_url : str or None
        ``S3_ENDPOINT_URL``: a server that speaks S3; by default Amazon's.
    region : str
        ``S3_REGION``.
    addressing_style : AddressingStyle
        ``S3_ADDRESSING_STYLE``: path, virtual or auto (virtual where the name and the endpoint allow it).
    """

    model_config = SettingsConfigDict(env_prefix="S3_", env_ignore_empty=True, extra="ignore", frozen=True)

    bucket_name: str | None = None
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    endpoint_url: str | None = None
    region: str = "us-east-1"
    addressing_style: AddressingStyle = AddressingStyle.AUTO

    def expect_whole(self) -> None:
        """Refuse a group of settings of which one is missing.

        Raises
        ------
        SettingsError
            Names the missing variable.
        """
        values = {
            "S3_BUCKET_NAME": self.bucket_name,
            "S3_ACCESS_KEY_ID": self.access_key_id,
            "S3_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        missing = [name for name, value in values.items() if value is None]
        if len(missing) == len(values):
            if self.endpoint_url is None:
                return
            given = "S3_ENDPOINT_URL"
        elif not missing:
            return
        else:
            given = next(name for name, value in values.items() if value is not None)
        raise SettingsError(f"{given} is set and {missing[0]} is not; set all of {', '.join(values)} or none.")


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
    auth : Auth
        ``VC_AUTH``: ``none`` serves only this machine; ``proxy`` says that something in front asks for a password.
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
    max_analysis_s : int
        ``VC_MAX_ANALYSIS_S``: the longest song that is heard without a video, in seconds.
    max_upload_bytes : int
        ``VC_MAX_UPLOAD_BYTES``: the largest song that is accepted over HTTP.
    engine : WakeUp or None
        ``VC_ENGINE``: who runs steps: ``ray``, ``rq`` or ``both``; by default both where there is a Redis, else Ray.
    redis_url : SecretStr or None
        ``REDIS_URL``: where RQ keeps its queues.
    rq_worker_queue : str
        ``RQ_WORKER_QUEUE``: the queue that plain workers listen on.
    rq_job_timeout_s : int
        ``VC_RQ_JOB_TIMEOUT_S``: after how long RQ ends a job.
    drain_s : float
        ``VC_DRAIN_S``: how long a worker that is told to end may take for the step that it runs.
    lease_s, heartbeat_s, look_s : float
        ``VC_LEASE_S``: how long a claim lasts without a sign of life; ``VC_HEARTBEAT_S``: how often one is given;
        ``VC_LOOK_S``: how often a running step asks whether it is still wanted.
    reap_every_s, reannounce_s : float
        ``VC_REAP_EVERY_S``: how often expired leases are looked for; ``VC_REANNOUNCE_S``: how long an announced step
        may stay unclaimed before it is announced again.
    max_tries, max_crashes, max_job_retries : int
        ``VC_MAX_TRIES``: how often a step is run that answers "not this time"; ``VC_MAX_CRASHES``: how many
        processes a step may take with it; ``VC_MAX_JOB_RETRIES``: how many retries all steps of a job have together.
    retry_first_s, retry_most_s : float
        ``VC_RETRY_FIRST_S`` and ``VC_RETRY_MOST_S``: bounds of the wait before a retry, which doubles and has full
        jitter.
    s3 : S3Settings
        Where objects are stored.
    """

    model_config = SettingsConfigDict(
        env_prefix="VC_", env_ignore_empty=True, populate_by_name=True, extra="ignore", frozen=True
    )

    data_dir: Path = Field(default_factory=_default_data_dir)
    database_url: str | None = Field(default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    ffmpeg_bin: str | None = Field(default=None, validation_alias=AliasChoices("FFMPEG_BIN", "ffmpeg_bin"))
    api_host: str = Field(default="127.0.0.1", validation_alias=AliasChoices("API_HOST", "api_host"))
    api_port: int = Field(default=8000, ge=0, le=65535, validation_alias=AliasChoices("PORT", "API_PORT", "api_port"))
    auth: Auth = Auth.NONE
    api_log_level: str = Field(default="info", validation_alias=AliasChoices("API_LOG_LEVEL", "api_log_level"))
    log_level: str = "info"
    ray_address: str | None = Field(default=None, validation_alias=AliasChoices("RAY_ADDRESS", "ray_address"))
    librosa_cache_dir: Path | None = Field(
        default=None, validation_alias=AliasChoices("LIBROSA_CACHE_DIR", "librosa_cache_dir")
    )
    max_song_s: int = Field(default=900, ge=2)
    max_analysis_s: int = Field(default=3600, ge=2)
    max_upload_bytes: int = Field(default=200 << 20, ge=1)
    engine: WakeUp | None = None
    redis_url: SecretStr | None = Field(default=None, validation_alias=AliasChoices("REDIS_URL", "redis_url"))
    rq_worker_queue: str = Field(
        default="ai_music_video", min_length=1, validation_alias=AliasChoices("RQ_WORKER_QUEUE", "rq_worker_queue")
    )
    rq_job_timeout_s: int = Field(default=3600, ge=1)
    drain_s: float = Field(default=1800, ge=0)
    lease_s: float = Field(default=60, gt=0)
    heartbeat_s: float = Field(default=15, gt=0)
    look_s: float = Field(default=5, gt=0)
    reap_every_s: float = Field(default=10, gt=0)
    reannounce_s: float = Field(default=30, gt=0)
    max_tries: int = Field(default=5, ge=1)
    max_crashes: int = Field(default=3, ge=1)
    max_job_retries: int = Field(default=30, ge=0)
    retry_first_s: float = Field(default=2, ge=0)
    retry_most_s: float = Field(default=120, ge=0)
    owner_id: str = "local"
    s3: S3Settings = Field(default_factory=S3Settings)

    @cached_property
    def database(self) -> str:
        """The SQLAlchemy URL that is used."""
        return self.database_url or f"sqlite:///{self.data_dir / 'vibecraft.db'}"

    @property
    def wakes_ray(self) -> bool:
        """Whether Ray is told of steps."""
        return self.engine in {WakeUp.RAY, WakeUp.BOTH} or (self.engine is None)

    @property
    def wakes_rq(self) -> bool:
        """Whether RQ is told of steps."""
        return self.engine in {WakeUp.RQ, WakeUp.BOTH} or (self.engine is None and self.redis_url is not None)

    @property
    def serves_one_host_only(self) -> bool:
        """Whether other machines could not work with this database or these objects."""
        return self.database.startswith("sqlite") or self.s3.bucket_name is None

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
    settings.s3.expect_whole()
    if settings.engine in {WakeUp.RQ, WakeUp.BOTH} and settings.redis_url is None:
        raise SettingsError(f"VC_ENGINE is {settings.engine} and REDIS_URL is not set; say where the Redis is.")
    if settings.heartbeat_s >= settings.lease_s:
        raise SettingsError("VC_HEARTBEAT_S must be shorter than VC_LEASE_S, or leases end between two heartbeats.")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"VC_DATA_DIR names {settings.data_dir}, which cannot be a folder ({error.strerror}); choose another."
        ) from error
    return settings
