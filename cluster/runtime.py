"""The one owner of Ray's settings: how a Ray is started, joined and stopped.

Everything is explicit, since Ray's own defaults attach to whatever runs on the machine, turn authentication on by
the presence of a file, and report usage.
"""

from __future__ import annotations

import logging
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import ray

from cluster.environment import prepare_environment
from cluster.errors import ClusterError, SettingsError
from cluster.settings import Settings

NAMESPACE = "vibecraft"
_OBJECT_STORE_BYTES = 100 << 20


class Runtime:
    """A Ray that this process uses: one that it starts for itself, or one that ``RAY_ADDRESS`` names."""

    def __init__(self, settings: Settings, *, workers: int) -> None:
        self._settings = settings
        self._workers = workers
        self._temporary: Path | None = None

    def start(self) -> None:
        """Start or join Ray, quietly.

        Raises
        ------
        SettingsError
            If ``RAY_ADDRESS`` names a cluster with other nodes, which the embedded database cannot serve.
        ClusterError
            If Ray does not start or cannot be reached.
        """
        prepare_environment(self._settings)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            if self._settings.ray_address:
                ray.init(
                    address=self._settings.ray_address,
                    namespace=NAMESPACE,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            else:
                self._temporary = Path(tempfile.mkdtemp(prefix="vc-"))
                ray.init(
                    address="local",
                    num_cpus=self._workers,
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    namespace=NAMESPACE,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _temp_dir=str(self._temporary),
                )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            self.stop()
            raise ClusterError(f"Ray did not start: {error}") from error
        for number, handler in handlers.items():
            signal.signal(number, handler)  # Ray takes them
        self._expect_one_host()

    def stop(self) -> None:
        """Stop the Ray that this process started, or leave the one that it joined."""
        ray.shutdown()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def _expect_one_host(self) -> None:
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        alive = [node for node in nodes if node["Alive"]]
        here = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        if len(alive) != 1 or alive[0]["NodeManagerAddress"] != here:
            self.stop()
            raise SettingsError(
                "RAY_ADDRESS names a cluster with other nodes, which the embedded database and local storage cannot"
                " serve; unset RAY_ADDRESS."
            )
