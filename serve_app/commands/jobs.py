"""``vibecraft jobs``: jobs on any engine: list, show, cancel, requeue."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from cluster.db.engine import reading, writing
from cluster.db.tables import Job, Step
from cluster.errors import NotFound
from cluster.jobs import reports, store
from cluster.jobs.states import State
from cluster.services import Services, open_services
from cluster.settings import load_settings
from tasks import workflow

jobs = typer.Typer(name="jobs", help="Look after jobs, whatever engine runs them.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobArgument = Annotated[str, typer.Argument(help="The job's id.")]


@jobs.command("list")
def list_jobs(
    state: Annotated[State | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first."""
    with reading(_services().engine) as session:
        found = reports.recent(session, state=state, limit=limit)
    if as_json:
        sys.stdout.write(
            json.dumps([{**_summary(job), "done": done, "steps": steps} for job, done, steps in found]) + "\n"
        )
        return
    table = Table(Column("job", no_wrap=True), "owner", "state", "steps", "made (UTC)")
    for job, done, steps in found:
        table.add_row(job.id, job.owner_id, job.state, f"{done}/{steps}", f"{job.created_at:%m-%d %H:%M}")
    Console(file=sys.stdout).print(table if found else "There are no jobs.")


@jobs.command("show")
def show_job(job_id: JobArgument, as_json: JsonOption = False) -> None:
    """Show a job with its steps; a dead letter with its evidence."""
    with reading(_services().engine) as session:
        job = _job(session.get(Job, job_id), job_id)
        steps = sorted(store.steps_of(session, job_id), key=lambda step: (step.started_at is None, step.started_at))
    if as_json:
        sys.stdout.write(json.dumps({**_summary(job), "steps": [_step(step) for step in steps]}) + "\n")
        return
    console = Console(file=sys.stdout)
    console.print(f"{job.id}  {job.kind} of {job.subject_id}, {job.state}", highlight=False)
    table = Table("step", "state", "progress", "tries", "crashes", "process")
    for step in steps:
        table.add_row(
            step.name, step.state, f"{step.progress:.0%}", str(step.tries), str(step.crashes), step.lease_owner or ""
        )
    console.print(table)
    for step in steps:
        if step.error is not None:
            console.print(f"{step.name}: {step.error.get('message')}", highlight=False)
            console.print_json(json.dumps(step.error.get("evidence")))


@jobs.command("cancel")
def cancel_job(job_id: JobArgument) -> None:
    """End a job; what runs of it stops within seconds."""
    services = _services()
    with writing(services.engine) as session:
        _job(session.get(Job, job_id), job_id)
        store.cancel(session, job_id)
    sys.stdout.write(f"{job_id} is cancelled.\n")


@jobs.command("requeue")
def requeue_job(job_id: JobArgument) -> None:
    """Begin anew what failed or was cancelled, as a new job that finds what the old one finished."""
    services = _services()
    with writing(services.engine) as session:
        job = _job(session.get(Job, job_id), job_id)
        new_id = workflow.requeue(session, job_id, job.owner_id)
    sys.stdout.write(f"{new_id}\n")


def _services() -> Services:
    return open_services(load_settings(), migrate=True)


def _job(found: Job | None, job_id: str) -> Job:
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    return found


def _summary(job: Job) -> dict[str, Any]:
    return json.loads(job.model_dump_json())  # type: ignore[no-any-return]


def _step(step: Step) -> dict[str, Any]:
    return json.loads(step.model_dump_json(exclude={"input"}))  # type: ignore[no-any-return]
