"""``run_step``: what every executor calls, whatever brought the wake-up.

It claims the step at the place of work, runs it in a folder of its own, and ends it under its fence together with
what follows from it. A wake-up for a step that is held or done does nothing.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import traceback
from collections.abc import Callable
from functools import lru_cache

import structlog
from sqlalchemy.exc import OperationalError

from cluster.db.engine import reading, writing
from cluster.db.tables import Composition, Job
from cluster.errors import LeaseLost, PlatformError, exhausted
from cluster.faultpoint import faultpoint
from cluster.jobs import lease, retry, store
from cluster.jobs.keeper import Hold
from cluster.jobs.lease import Claim
from cluster.jobs.states import State
from cluster.scratch import scratch
from cluster.services import Services, open_services
from cluster.settings import load_settings
from cluster.telemetry import configure_logs
from tasks import workflow
from tasks.domain import interruption
from tasks.domain.errors import ChildFailed, DomainError
from tasks.steps.context import Done, Fail, Mapper, Outcome, Park, Retry, Shared, StepContext

_log = structlog.get_logger(__name__)

_STDERR_SHOWN = 4000
_ASK_AGAIN_S = 1.0

SKIPPED = "skipped"


@lru_cache(maxsize=1)
def own_services() -> Services:
    """Open what the environment names, once a process, and set up its log where the starter did not."""
    settings = load_settings()
    if not structlog.is_configured():
        configure_logs(settings.log_level)
    return open_services(settings)


def run_step(
    step_id: str,
    delivery_id: str,
    *,
    services: Services | None = None,
    mapper: Mapper = map,
    shared: Shared | None = None,
) -> str:
    """Run the step if it is free and tell what became of it: a state, or ``skipped``.

    Parameters
    ----------
    delivery_id : str
        Names this wake-up; any number of them may come for one step.
    services : Services, optional
        The process's platform; by default what the environment names, opened once a process.
    mapper : callable
        How the step's fan-out runs.
    shared : mapping, optional
        Bytes of stored objects that the caller has in memory already.
    """
    ours = services or own_services()
    since = ours.clock.monotonic()
    holder = f"{platform.node()}:{os.getpid()}"
    ours.keeper.start()
    claimed: Claim | None = None
    try:
        try:
            with interruption.done_whole():  # broken off here, nobody would know whether the step is held
                claimed = lease.claim(ours.engine, step_id, holder, ours.settings.lease_s, delivery_id)
            about = {} if claimed is None else _about(ours, claimed)
        except OperationalError as error:
            told = str(error.orig)
            _log.warning("the database did not answer; the step is announced again", step_id=step_id, error=told)
            return SKIPPED
        if claimed is None:
            return SKIPPED
        faultpoint("claimed")
        with structlog.contextvars.bound_contextvars(**about, delivery_id=delivery_id):
            return _run(ours, claimed, since, mapper, shared)
    except BaseException:
        if claimed is not None:
            with interruption.done_whole(), contextlib.suppress(LeaseLost), writing(ours.engine) as session:
                store.release(session, claimed, after_s=0.0, detail={"reason": "interrupted"})
        raise


def _run(ours: Services, claimed: Claim, since: float, mapper: Mapper, shared: Shared | None) -> str:
    try:
        with ours.keeper.holding(claimed, since) as kept:
            with interruption.asking(kept.check):
                outcome = _outcome(ours, kept, mapper, shared)
            faultpoint("worked")
            state = _end(ours, kept, outcome)
            faultpoint("ended")
    except LeaseLost:
        _log.warning("the lease was lost; nothing more is written")
        return SKIPPED
    _log.info("step ended", state=state)
    return state


def _about(services: Services, claimed: Claim) -> dict[str, str]:
    """Give what every line that is logged meanwhile says: which job, step and song it is about."""
    with reading(services.engine) as session:
        job = session.get_one(Job, claimed.job_id)
        composition = session.get(Composition, job.subject_id)
    song_id = job.subject_id if composition is None else composition.song_id
    return {"job_id": claimed.job_id, "step_id": claimed.step_id, "step": claimed.name, "song_id": song_id}


def _queue_teller() -> Callable[[float], None] | None:
    """Where an RQ worker calls us, let its job show how far the step is; elsewhere nothing of RQ is loaded."""
    if "rq" not in sys.modules:
        return None
    from redis.exceptions import RedisError  # noqa: PLC0415 - loaded already
    from rq import get_current_job  # noqa: PLC0415
    from rq.exceptions import InvalidJobOperation  # noqa: PLC0415

    job = get_current_job()
    if job is None:
        return None

    def tell(fraction: float) -> None:
        job.meta["progress"] = round(fraction, 3)
        with contextlib.suppress(RedisError, InvalidJobOperation):
            job.save_meta()  # type: ignore[no-untyped-call]

    return tell


def _outcome(services: Services, kept: Hold, mapper: Mapper, shared: Shared | None) -> Outcome:
    """Run the step; whatever it raises becomes an outcome, except a lost lease."""
    try:
        with scratch(services.settings.scratch_dir) as folder:
            ctx = StepContext(services, kept, folder, mapper=mapper, shared=shared, tell=_queue_teller())
            return workflow.step_of(kept.claim.kind)(kept.claim.input, ctx)
    except LeaseLost:
        raise
    except ChildFailed as error:
        evidence = {
            "command": list(error.command),
            "exit_status": error.exit_status,
            "stderr": error.stderr[-_STDERR_SHOWN:],
        }
        if error.retryable:
            return Retry(error.message, evidence)
        return Fail(error.message, code=error.code, evidence=evidence)
    except (DomainError, PlatformError) as error:
        return Retry(error.message) if error.retryable else Fail(error.message, code=error.code)
    except OperationalError as error:
        return Retry("The database did not answer.", {"error": str(error.orig)})
    except Exception as error:  # noqa: BLE001 - a step may raise anything; the job must end with a sentence
        return _unforeseen(error)


def _unforeseen(error: Exception) -> Outcome:
    if ran_out := exhausted(error):
        _log.warning("this machine has no room left", reason=ran_out.message, error=str(error))
        return Retry(ran_out.message, {"code": ran_out.code, "error": repr(error)})
    _log.error("a step raised", exc_info=error)
    evidence = {"error": repr(error), "traceback": "".join(traceback.format_exception(error))[-_STDERR_SHOWN:]}
    return Fail(
        "Something went wrong on our side; please report it with the last lines of vibecraft.log in the data folder.",
        code="internal",
        evidence=evidence,
    )


def _end(services: Services, kept: Hold, outcome: Outcome) -> str:
    """Write down how the step ended; as long as the lease lasts a database that is away is waited for."""
    while True:
        try:
            return _end_once(services, kept.claim, outcome)
        except OperationalError as error:
            _log.warning("the database did not answer", error=str(error.orig))
            kept.check()
            services.clock.sleep(_ASK_AGAIN_S)


def _end_once(services: Services, claimed: Claim, outcome: Outcome) -> str:
    with writing(services.engine) as session:
        match outcome:
            case Done(key):
                store.end_step(session, claimed, State.SUCCEEDED, output_key=key)
                workflow.advance(session, claimed, key)
                return State.SUCCEEDED
            case Park(until, note):
                wait_s = (until - services.clock.now()).total_seconds()
                store.release(session, claimed, after_s=max(0.0, wait_s), detail={"parked": note})
                return State.QUEUED
            case Retry(reason, evidence):
                return retry.try_again(session, claimed, reason, services.settings, evidence)
            case Fail(reason, code, evidence):
                error = {"code": code, "message": reason, "step": claimed.name, "evidence": evidence}
                store.end_step(session, claimed, State.FAILED, error=error)
                store.end_job(session, claimed.job_id, State.FAILED, error)
                return State.FAILED
