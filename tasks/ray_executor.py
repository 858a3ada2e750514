"""Running a job's steps on a cluster; apart from `tasks.executors`, since it loads Ray."""

from __future__ import annotations

from typing import Any

from cluster.errors import ClusterError
from cluster.runtime import expect_cluster
from cluster.services import Services
from tasks.dispatcher import end_dispatcher, expect_turning, find_dispatcher, start_dispatcher
from tasks.executors import is_over

_LOOK_EVERY_S = 0.1
_ASK_EVERY = 20


class RayExecutor:
    """Lets a dispatcher on the Ray that this process is connected to run the steps."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, job_id: str) -> None:
        """Wait for the job to be over; where the cluster has no dispatcher, or loses it, start one for this job.

        Raises
        ------
        ClusterError
            If the cluster is lost, or the job's own dispatcher.
        """
        theirs = find_dispatcher()
        if theirs is not None:
            try:
                self._wait(theirs, job_id)
            except ClusterError:
                expect_cluster()  # a service that ended took its dispatcher along; the job goes on with its own
            else:
                return
        ours = start_dispatcher(only_job=job_id)
        try:
            self._wait(ours, job_id)
        finally:
            end_dispatcher(ours)

    def _wait(self, dispatcher: Any, job_id: str) -> None:
        looks = 0
        while not is_over(self._services, job_id):
            if looks % _ASK_EVERY == 0:
                expect_turning(dispatcher)
            looks += 1
            self._services.clock.sleep(_LOOK_EVERY_S)
