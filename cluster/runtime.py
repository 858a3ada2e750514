"""The one owner of Ray's settings: how a Ray is started, joined and stopped.

Everything is explicit, since Ray's own defaults attach to whatever runs on the machine, turn authentication on by
the presence of a file, and report usage.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import queue
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import ray
from ray.job_config import JobConfig

from cluster.environment import prepare_environment
from cluster.errors import ClusterError, SettingsError
from cluster.settings import Settings

NAMESPACE = "vibecraft"
_OBJECT_STORE_BYTES = 100 << 20
_ANSWER_S = 20.0


class Runtime:
    """A Ray that this process uses: one that it starts for itself, or one that ``RAY_ADDRESS`` names.

    Parameters
    ----------
    workers : int
        CPUs of a Ray of our own.
    dashboard : bool
        Whether a Ray of our own shows its dashboard, through which jobs can be submitted.
    """

    def __init__(self, settings: Settings, *, workers: int, dashboard: bool = False) -> None:
        self._settings = settings
        self._workers = workers
        self._dashboard = dashboard
        self._temporary: Path | None = None
        self.dashboard_url: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether the Ray is started, and stopped, by this process."""
        return not self._settings.ray_address

    def start(self) -> None:
        """Start or join Ray, quietly.

        Raises
        ------
        SettingsError
            If the cluster has other nodes, which the embedded database or local storage cannot serve.
        ClusterError
            If Ray does not start or cannot be reached.
        """
        prepare_environment(self._settings)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        common: dict[str, Any] = {
            "namespace": NAMESPACE,
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "job_config": JobConfig(_client_job=True),  # else workers look for modules in this process's folder first
        }
        try:
            if self._settings.ray_address:
                context = ray.init(address=self._settings.ray_address, **common)
            else:
                self._temporary = Path(tempfile.mkdtemp(prefix="vc-"))
                context = ray.init(
                    address="local",
                    num_cpus=self._workers,
                    include_dashboard=self._dashboard,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    _temp_dir=str(self._temporary),
                    **common,
                )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            self.stop()
            raise ClusterError(f"Ray did not start: {error}") from error
        for number, handler in handlers.items():
            signal.signal(number, handler)  # Ray takes them
        self.dashboard_url = context.dashboard_url or None
        try:
            expect_served(self._settings)
        except SettingsError:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the Ray that this process started, or leave the one that it joined."""
        gc.collect()  # a handle that is let go of after the shutdown would end this process
        ray.shutdown()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None


def expect_served(settings: Settings) -> None:
    """Refuse a cluster with other nodes where the database or the storage is this machine's own.

    Raises
    ------
    SettingsError
        Says what is needed instead.
    """
    alive = _alive_nodes()
    here = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    if settings.serves_one_host_only and (len(alive) != 1 or alive[0]["NodeManagerAddress"] != here):
        raise SettingsError(
            "The cluster has other nodes, which the embedded database and local storage cannot serve; set DATABASE_URL"
            " to a Postgres and S3_BUCKET_NAME with its keys, or unset RAY_ADDRESS."
        )


def expect_cluster() -> None:
    """Ask the cluster's head for a node that is alive.

    Raises
    ------
    ClusterError
        If there is none, or the head does not answer.
    """
    answers: queue.SimpleQueue[int] = queue.SimpleQueue()

    def ask() -> None:
        with contextlib.suppress(Exception):  # whatever it raises, the head gave no answer
            answers.put(len(_alive_nodes()))

    threading.Thread(target=ask, daemon=True).start()
    try:
        alive = answers.get(timeout=_ANSWER_S)
    except queue.Empty:
        raise ClusterError("Ray's head does not answer.") from None
    if not alive:
        raise ClusterError("No node of the Ray cluster is alive.")


def _alive_nodes() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]
