"""The process's environment: what Ray reads of it when it is imported, so this imports no Ray, and how many cores."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import sys
from pathlib import Path

from cluster.errors import SettingsError
from cluster.settings import Settings

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_raylet_start_wait_time_s": "150",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "1",
    "RAY_task_oom_retries": "0",  # the database counts the tries
}

_JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""What the job manager tells the driver of a submitted job."""


def prepare_environment(settings: Settings) -> None:
    """Set what Ray reads from the environment, for this process and all that it starts.

    ``RAY_AUTH_MODE`` is kept where it is set; otherwise a token in the data folder keeps other users out.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _keep_job_folder_here()
    _put_our_commands_on_path()
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN_PATH", str(_token_file(settings.data_dir)))


def _put_our_commands_on_path() -> None:
    """Let jobs that are submitted to a Ray of ours find the command, also where no environment is activated."""
    ours = str(Path(sys.executable).parent)
    if ours not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([ours, *filter(None, [os.environ.get("PATH")])])


def _keep_job_folder_here() -> None:
    """Leave the folder that was submitted with a job to its driver, which reads the song there.

    Workers need it for nothing, and modules that lie in it must not stand in for ours.
    """
    given = os.environ.get(_JOB_CONFIG)
    if given is None:
        return
    config = json.loads(given)
    if (config.get("runtime_env") or {}).pop("working_dir", None) is not None:
        os.environ[_JOB_CONFIG] = json.dumps(config)


def _token_file(folder: Path) -> Path:
    path = folder / "ray-token"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path


def expect_own_modules() -> None:
    """Refuse to run where a foreign module stands in for one of ours.

    Raises
    ------
    SettingsError
        Names the foreign file.
    """
    root = Path(__file__).parents[1]
    for name in ("tasks", "serve_app"):
        found = importlib.util.find_spec(name)
        place = None if found is None or found.origin is None else Path(found.origin)
        if place is None or place.parents[1] != root:
            raise SettingsError(
                f"The module {name} comes from {place or 'nowhere'} and not from this installation; start the command"
                " `rq` itself, not `python -m rq.cli`, and leave PYTHONPATH unset."
            )


def cores() -> int:
    """Give how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
