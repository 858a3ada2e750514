"""Rows in which processes of ours die, stop, or are told to end."""

from __future__ import annotations

import os
import signal
from functools import partial

from sqlmodel import select

from cluster.db.tables import Job, Step
from cluster.jobs.states import LIVE, State
from tests.faults.laboratory import is_alive, kill_one
from tests.faults.rows.row import Ground, Row, busy_worker, decoders
from tests.support.service import kill, marked, wait_for


def _kill_api(ground: Ground) -> int:
    busy_worker(ground.lab)
    kill_one(ground.lab, "api")
    return 1


def _kill_parent(ground: Ground) -> int:
    name, horse = busy_worker(ground.lab)
    ground.lab.processes[name].kill()
    ground.lab.processes[name].wait()
    return int(is_alive(horse))


def _kill_horse(ground: Ground) -> int:
    kill([busy_worker(ground.lab)[1]])
    return 1


def _kill_container(ground: Ground) -> int:
    kill_one(ground.lab, busy_worker(ground.lab)[0])
    return 1


def _end_worker(ground: Ground) -> int:
    name, _ = busy_worker(ground.lab)
    ground.lab.processes[name].send_signal(signal.SIGTERM)
    return int(ground.lab.processes[name].wait(timeout=90) == 0)


def _signal_decoder(number: signal.Signals, ground: Ground) -> int:
    os.kill(wait_for(lambda: decoders(ground.lab))[0], number)
    return 1


def _kill_titled(title: str, ground: Ground) -> int:
    """Kill a part of Ray while steps run."""
    _wait_for_work(ground)
    found = wait_for(lambda: [pid for pid, line in marked(ground.lab.mark).items() if title in line])
    kill(found[:1])
    wait_for(lambda: not is_alive(found[0]))
    return 1


def _wait_for_work(ground: Ground) -> None:
    def is_running() -> bool:
        with ground.lab.reading() as session:
            return any(step.state == State.RUNNING for step in session.exec(select(Step)).all())

    wait_for(is_running)


def _poison(ground: Ground) -> int:
    """Let every process that takes the first job's step die, until it is given up; the others are not held up."""
    poisoned = ground.lab.jobs[0]
    ground.given_up.add(poisoned)
    with ground.lab.reading() as session:
        victims = {step.id for step in session.exec(select(Step).where(Step.job_id == poisoned)).all()}

    def is_given_up() -> bool:
        ground.lab.start()
        with ground.lab.reading() as session:
            for step in session.exec(select(Step).where(Step.state == State.RUNNING)).all():
                if step.id in victims and step.lease_owner:
                    kill([int(step.lease_owner.rsplit(":", 1)[1])])
            return session.get_one(Job, poisoned).state == State.FAILED

    wait_for(is_given_up)
    with ground.lab.reading() as session:
        error = session.get_one(Job, poisoned).error
    assert error is not None
    assert error["code"] == "step_crashed"
    return int(error["crashes"])


def _compose_twice(ground: Ground) -> int:
    """Ask for a second film of the first song while the first is made."""
    first = ground.lab.jobs[0]
    ground.lab.give(ground.song(100), seed=2)
    with ground.lab.reading() as session:
        return int(session.get_one(Job, first).state in LIVE)


DEATHS = {
    "F-01": Row("kill -9 the service", _kill_api),
    "F-01b": Row("kill -9 the Serve replica", partial(_kill_titled, "ray::ServeReplica"), engine="ray", song_s=20.0),
    "F-02": Row("kill -9 a Ray worker", partial(_kill_titled, "ray::render"), engine="ray", song_s=20.0),
    "F-03": Row("kill -9 the raylet", partial(_kill_titled, "raylet/raylet"), engine="ray", song_s=20.0),
    "F-05": Row("kill -9 the head's GCS", partial(_kill_titled, "gcs/gcs_server"), engine="ray", song_s=20.0),
    "F-05b": Row("kill -9 the dispatcher", partial(_kill_titled, "ray::Dispatcher"), engine="ray", song_s=20.0),
    "F-06": Row("kill -9 a worker's parent, its horse lives on", _kill_parent),
    "F-07": Row("kill -9 a worker's horse", _kill_horse),
    "F-08": Row("kill -9 a whole worker, which is replaced", _kill_container),
    "F-09": Row("SIGTERM to a worker, time to finish", _end_worker),
    "F-09b": Row("SIGTERM to a worker, no time", _end_worker, settings={"VC_DRAIN_S": "0.1"}, song_s=60.0),
    "F-10": Row("kill -9 a decoder", partial(_signal_decoder, signal.SIGKILL), song_s=120.0),
    "F-10b": Row("SIGSTOP a decoder", partial(_signal_decoder, signal.SIGSTOP), song_s=120.0),
    "F-24": Row("a step kills whatever takes it", _poison, settings={"VC_MAX_CRASHES": "3"}, song_s=20.0),
    "F-25": Row("death between announcing and sending", faults={"announced": [1, 3]}),
    "F-27": Row("two films of one song at once", _compose_twice),
}
