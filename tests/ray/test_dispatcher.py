"""The dispatcher on a real Ray: what it tells the autoscaler, and what it does when it is killed."""

from __future__ import annotations

import json

import pytest
import ray
from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
from ray.experimental.internal_kv import _internal_kv_get

from cluster.db.engine import writing
from cluster.jobs import store
from cluster.runtime import NAMESPACE
from cluster.services import Services
from tasks.dispatcher import ACTOR_NAME, end_dispatcher, expect_turning, find_dispatcher, start_dispatcher
from tests.support.jobs import add_job
from tests.support.service import wait_for

pytestmark = pytest.mark.ray


def asked_of_the_autoscaler() -> list[dict[str, float]]:
    told = _internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL)
    return [] if told is None else list(json.loads(told))


def test_the_autoscaler_is_asked_for_a_cpu_a_step_and_for_nothing_when_all_is_done(ray_services: Services) -> None:
    job_id, steps = add_job(ray_services, 7)
    dispatcher = start_dispatcher(only_job="another")  # looks at the backlog and runs none of it
    try:
        wait_for(lambda: asked_of_the_autoscaler() == [{"CPU": 1.0}] * len(steps))
        with writing(ray_services.engine) as session:
            store.cancel(session, job_id)
        wait_for(lambda: asked_of_the_autoscaler() == [])
    finally:
        end_dispatcher(dispatcher)


def test_the_dispatcher_is_one_by_name_and_comes_back_when_it_is_killed(ray_services: Services) -> None:
    assert ray_services.engine is not None
    assert find_dispatcher() is None
    first = start_dispatcher()
    try:
        assert start_dispatcher()._actor_id == first._actor_id  # noqa: SLF001 - its identity
        expect_turning(first)
        ray.kill(first, no_restart=False)
        wait_for(lambda: ray.get(first.healthy.remote()))
        expect_turning(ray.get_actor(ACTOR_NAME, namespace=NAMESPACE))
    finally:
        end_dispatcher(first)
