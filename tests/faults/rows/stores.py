"""Rows in which Redis, the database or the storage fails, or the network between them and us."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

import httpx2
from rq import Queue
from sqlalchemy import make_url
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from cluster.db.tables import Step
from cluster.db.time import database_time
from cluster.jobs.states import LIVE, State
from cluster.storage.s3 import S3Storage
from tasks.rq_worker import RUN_STEP
from tests.faults.laboratory import QUEUE, children
from tests.faults.rows.row import POSTGRES, SQLITE, Ground, Row, busy_worker
from tests.support.network import Link, link_to
from tests.support.s3 import SECRET, Answer, Asked, Forward, Proxy, moto_server, proxy_of
from tests.support.service import wait_for


def _kill_redis(ground: Ground) -> int:
    busy_worker(ground.lab)
    ground.lab.redis.kill()
    ground.lab.redis.start()
    return 1


def _give_without_redis(ground: Ground) -> int:
    busy_worker(ground.lab)
    ground.lab.redis.kill()
    ground.lab.give(ground.song(140))
    ground.lab.redis.start()
    return 1


def _wipe_redis(ground: Ground) -> int:
    busy_worker(ground.lab)
    ground.lab.redis.client().flushall()
    return 1


def _deliver_twice(ground: Ground) -> int:
    busy_worker(ground.lab)
    with ground.lab.reading() as session:
        live = [step.id for step in session.exec(select(Step)).all() if step.state in LIVE]
    queue = Queue(QUEUE, connection=ground.lab.redis.client())
    for step_id in live * 2:
        queue.enqueue(RUN_STEP, step_id, "double")
    return len(live)


def _kill_postgres(ground: Ground) -> int:
    """Kill the server, see that HTTP says so, and start it again."""
    assert ground.postgres is not None
    busy_worker(ground.lab)
    ground.postgres.kill()
    wait_for(lambda: _answer(ground) == HTTPStatus.SERVICE_UNAVAILABLE)
    ground.postgres.start()
    wait_for(lambda: _answer(ground) == HTTPStatus.OK)
    return 1


def _answer(ground: Ground) -> int:
    with httpx2.Client(base_url=ground.lab.address, timeout=60) as client:
        answer = client.get(f"/api/v1/jobs/{ground.lab.jobs[0]}")
    assert answer.status_code != HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
    return answer.status_code


def _lock_sqlite(ground: Ground) -> int:
    """Hold the file's lock, from a moment at which a step runs, until its lease has ended."""
    connection = sqlite3.connect(str(make_url(ground.lab.database_url).database), timeout=60, isolation_level=None)
    running = select(Step.id).where(Step.state == State.RUNNING)
    ended = running.where(col(Step.lease_until) < database_time())

    def is_there(question: SelectOfScalar[str]) -> bool:
        with ground.lab.reading() as session:
            return session.exec(question).first() is not None

    def holds_a_running_step() -> bool:
        busy_worker(ground.lab)
        connection.execute("BEGIN IMMEDIATE")
        if not is_there(running):
            connection.execute("ROLLBACK")
            return False
        return True

    wait_for(holds_a_running_step)
    wait_for(lambda: is_there(ended))
    assert _answer(ground) == HTTPStatus.OK  # reading waits for nobody
    connection.execute("ROLLBACK")
    connection.close()
    return 1


def _put_s3_behind(between: Callable[[Asked, Forward], Answer]) -> Callable[[Ground], None]:
    def lay(ground: Ground) -> None:
        proxy = ground.stack.enter_context(proxy_of(ground.stack.enter_context(moto_server())))
        ground.tools["proxy"] = proxy
        ground.storage = S3Storage(proxy.settings)
        proxy.between = between
        ground.lab.settings |= {
            "S3_ENDPOINT_URL": str(proxy.settings.endpoint_url),
            "S3_BUCKET_NAME": str(proxy.settings.bucket_name),
            "S3_ACCESS_KEY_ID": str(proxy.settings.access_key_id),
            "S3_SECRET_ACCESS_KEY": SECRET,
            "S3_ADDRESSING_STYLE": proxy.settings.addressing_style.value,
        }

    return lay


_numbers = itertools.count(1)


def _slow_down(asked: Asked, forward: Forward) -> Answer:
    """Refuse every fifth request, and break off every seventh."""
    number = next(_numbers)
    if number % 5 == 0:
        return Answer.error(503, "SlowDown")
    answer = forward(asked)
    if number % 7 == 0 and asked.method == "GET":
        return replace(answer, cut_at=len(answer.body) // 2)
    return answer


def _count_refusals(ground: Ground) -> int:
    proxy: Proxy = ground.tools["proxy"]
    ground.lab.run()
    return len(proxy.asked) // 5


def _s3_is_away(ground: Ground) -> int:
    """Refuse everything until steps were given back for it."""
    proxy: Proxy = ground.tools["proxy"]
    busy_worker(ground.lab)
    proxy.between = lambda _asked, _forward: Answer.error(500, "InternalError")
    freed = wait_for(lambda: len(ground.lab.history().freed))
    proxy.between = lambda asked, forward: forward(asked)
    return int(freed)


def _split_database(ground: Ground) -> None:
    assert ground.postgres is not None
    link = ground.stack.enter_context(link_to(ground.postgres.port))
    url = make_url(ground.lab.database_url).set(port=link.port)
    ground.tools["link"] = link
    ground.lab.own["worker 0"] = {"DATABASE_URL": url.render_as_string(hide_password=False)}


def _split_redis(ground: Ground) -> None:
    link = ground.stack.enter_context(link_to(ground.lab.redis.port))
    ground.tools["link"] = link
    ground.lab.own["api"] = {"REDIS_URL": f"redis://127.0.0.1:{link.port}/0"}


def _cut_off_worker(ground: Ground) -> int:
    """Cut a worker off the database while it holds a step, until that is given to others, and mend the link."""
    link: Link = ground.tools["link"]

    def is_cut() -> int:
        link.cut()
        victims = children(ground.lab.processes["worker 0"].pid)
        with ground.lab.reading() as session:
            running = session.exec(select(Step).where(Step.state == State.RUNNING)).all()
        for step in running:
            if step.name.startswith("render") and step.lease_owner and int(step.lease_owner.split(":")[-1]) in victims:
                return step.fence
        link.mend()
        return 0

    wait_for(is_cut)
    freed = len(ground.lab.history().freed)
    wait_for(lambda: len(ground.lab.history().freed) > freed)
    link.mend()
    return link.held


def _cut_off_announcer(ground: Ground) -> int:
    """Cut the announcer off Redis until a step waited in vain for longer than an announcement holds."""
    link: Link = ground.tools["link"]
    busy_worker(ground.lab)
    link.cut()
    stale = select(Step.id).where(Step.state == State.QUEUED, col(Step.available_at) < database_time(-8.0))

    def has_waited() -> bool:
        with ground.lab.reading() as session:
            return session.exec(stale).first() is not None

    wait_for(has_waited)
    link.mend()
    return link.held


STORES = {
    "F-11": Row("kill -9 Redis", _kill_redis),
    "F-11b": Row("FLUSHALL", _wipe_redis),
    "F-11c": Row("a song is given while Redis is away", _give_without_redis),
    "F-12": Row("kill -9 Postgres", _kill_postgres, databases=(POSTGRES,)),
    "F-13": Row("SQLite locked for longer than a lease", _lock_sqlite, song_s=20.0, databases=(SQLITE,)),
    "F-19": Row("S3 refuses every 5th request, breaks off every 7th", _count_refusals, _put_s3_behind(_slow_down)),
    "F-19b": Row("S3 is away", _s3_is_away, _put_s3_behind(lambda asked, forward: forward(asked))),
    "F-23": Row("every message delivered three times", _deliver_twice),
    "F-29": Row("a worker is cut off Postgres", _cut_off_worker, _split_database, song_s=20.0, databases=(POSTGRES,)),
    "F-29b": Row("the announcer is cut off Redis", _cut_off_announcer, _split_redis, song_s=20.0),
}
