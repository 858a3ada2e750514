"""What a process of ours holds open: settings, database, storage, clock, and the keeper of its leases."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from cluster.clock import Clock, SystemClock
from cluster.db import migrations
from cluster.db.engine import open_engine
from cluster.faultpoint import faultpoint
from cluster.jobs.keeper import Keeper
from cluster.scratch import sweep_scratch
from cluster.settings import Settings
from cluster.storage.base import Storage
from cluster.storage.opened import open_storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The platform as one process sees it."""

    settings: Settings
    engine: Engine
    storage: Storage
    clock: Clock
    keeper: Keeper

    def close(self) -> None:
        """End the keeper's thread and close all connections."""
        self.keeper.stop()
        self.engine.dispose()


def open_services(settings: Settings, *, migrate: bool = False) -> Services:
    """Open the database and the storage that ``settings`` name.

    Parameters
    ----------
    migrate : bool
        See to it first that the schema fits and that scratch folders of dead processes are gone: what starts a
        service or a command does, workers do not.

    Raises
    ------
    SettingsError
        If ``migrate`` and a database server's schema is not of this version.
    """
    engine = open_engine(settings.database)
    if migrate:
        migrations.make_ready(engine)
        sweep_scratch(settings.scratch_dir)
    faultpoint("opened")
    clock = SystemClock()
    return Services(
        settings=settings,
        engine=engine,
        storage=open_storage(settings),
        clock=clock,
        keeper=Keeper(engine, settings, clock),
    )
