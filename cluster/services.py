"""What a process of ours holds open: settings, database, storage, clock."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from cluster.clock import Clock, SystemClock
from cluster.db import migrations
from cluster.db.engine import open_engine
from cluster.settings import Settings
from cluster.storage.base import Storage
from cluster.storage.local import LocalStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The platform as one process sees it."""

    settings: Settings
    engine: Engine
    storage: Storage
    clock: Clock


def open_services(settings: Settings, *, migrate: bool = False) -> Services:
    """Open the database and the storage that ``settings`` name.

    Parameters
    ----------
    migrate : bool
        Bring the database to the newest schema first: what starts a service or a command does, workers do not.
    """
    engine = open_engine(settings.database)
    if migrate:
        migrations.upgrade(engine)
    return Services(settings=settings, engine=engine, storage=LocalStorage(settings.objects_dir), clock=SystemClock())
