"""``run_step``: what every executor calls, whatever brought the wake-up.

It claims the step at the place of work, runs it in a folder of its own, and ends it under its fence together with
what follows from it. A wake-up for a step that is held or done does nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from cluster.db.engine import writing
from cluster.errors import LeaseLost, PlatformError
from cluster.jobs import lease, store
from cluster.jobs.lease import Claim
from cluster.jobs.states import State
from cluster.services import Services, open_services
from cluster.settings import load_settings
from tasks import workflow
from tasks.domain.errors import ChildFailed, DomainError
from tasks.steps.context import Done, Fail, Mapper, Outcome, Park, Retry, StepContext

_log = structlog.get_logger(__name__)

MAX_TRIES = 5
_FIRST_WAIT_S = 2.0
_STDERR_SHOWN = 4000

SKIPPED = "skipped"


@lru_cache(maxsize=1)
def _own_services() -> Services:
    return open_services(load_settings())


def run_step(step_id: str, delivery_id: str, *, services: Services | None = None, mapper: Mapper = map) -> str:
    """Run the step if it is free and tell what became of it: a state, or ``skipped``.

    Parameters
    ----------
    delivery_id : str
        Names this wake-up in logs; any number of them may come for one step.
    services : Services, optional
        The process's platform; by default what the environment names, opened once a process.
    mapper : callable
        How the step's fan-out runs.
    """
    platform_of_step = services or _own_services()
    holder = f"{platform.node()}:{os.getpid()}"
    claimed = lease.claim(platform_of_step.engine, step_id, holder, platform_of_step.settings.lease_s)
    if claimed is None:
        return SKIPPED
    log = _log.bind(step=claimed.name, step_id=step_id, job_id=claimed.job_id, delivery_id=delivery_id)
    with _scratch(platform_of_step.settings.scratch_dir) as scratch:
        try:
            outcome = _outcome(claimed, StepContext(platform_of_step, claimed, scratch, mapper))
            state = _end(platform_of_step, claimed, outcome)
        except LeaseLost:
            log.warning("the lease was lost; nothing more is written")
            return SKIPPED
        except BaseException:
            with writing(platform_of_step.engine) as session:
                store.release(session, claimed, after_s=0.0, reason="interrupted")
            raise
    log.info("step ended", state=state)
    return state


def _outcome(claimed: Claim, ctx: StepContext) -> Outcome:
    """Run the step; whatever it raises becomes an outcome, except a lost lease."""
    try:
        return workflow.STEPS[claimed.kind](claimed.input, ctx)
    except LeaseLost:
        raise
    except ChildFailed as error:
        evidence = {
            "command": list(error.command),
            "exit_status": error.exit_status,
            "stderr": error.stderr[-_STDERR_SHOWN:],
        }
        return Fail(error.message, code=error.code, evidence=evidence)
    except (DomainError, PlatformError) as error:
        return Retry(error.message) if error.retryable else Fail(error.message, code=error.code)
    except Exception as error:  # noqa: BLE001 - a step may raise anything; the job must end with a sentence
        _log.exception("a step raised", step=claimed.name)
        evidence = {"error": repr(error), "traceback": traceback.format_exc()[-_STDERR_SHOWN:]}
        return Fail(
            "Something went wrong on our side; please report it with the last lines of vibecraft.log in the data"
            " folder.",
            code="internal",
            evidence=evidence,
        )


def _end(services: Services, claimed: Claim, outcome: Outcome) -> str:
    with writing(services.engine) as session:
        if isinstance(outcome, Done):
            store.end_step(session, claimed, State.SUCCEEDED, output_key=outcome.key)
            workflow.advance(session, claimed, outcome.key)
            return State.SUCCEEDED
        if isinstance(outcome, Park):
            wait_s = (outcome.until - services.clock.now()).total_seconds()
            store.release(session, claimed, after_s=max(0.0, wait_s), reason=outcome.note)
            return State.QUEUED
        if isinstance(outcome, Retry) and claimed.fence < MAX_TRIES:
            store.release(session, claimed, after_s=_FIRST_WAIT_S**claimed.fence, reason=outcome.reason)
            return State.QUEUED
        error: dict[str, Any] = {"code": "gave_up", "message": outcome.reason, "step": claimed.name}
        if isinstance(outcome, Fail):
            error |= {"code": outcome.code, "evidence": outcome.evidence}
        store.end_step(session, claimed, State.FAILED, error=error)
        store.end_job(session, claimed.job_id, State.FAILED, error)
        return State.FAILED


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    root.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
