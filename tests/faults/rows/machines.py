"""Rows in which a machine is at its end: no room on the disk, no memory, or another time of day."""

from __future__ import annotations

import contextlib
import resource
from http import HTTPStatus
from pathlib import Path

import httpx2

from tests.faults.laboratory import children
from tests.faults.rows.row import Ground, Row, busy_worker
from tests.support.service import wait_for

_NO_ROOM_BYTES = 64 << 10
_LITTLE_BYTES = 1 << 20
_NO_ROOM_SAID = ("no room left", "did not answer", "disk I/O error")  # the last where SQLite's own file cannot grow
_WITHOUT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def _fill_disk(ground: Ground) -> int:
    """Let no file grow, as on a full disk, until HTTP has said so and steps were given back."""
    song = ground.song(140)
    busy_worker(ground.lab)
    _limit(ground, (_NO_ROOM_BYTES, resource.RLIM_INFINITY))
    with httpx2.Client(base_url=ground.lab.address, timeout=60) as client:
        answer = client.post("/api/v1/songs", files={"file": (song.name, song.read_bytes())})
    assert answer.status_code in {HTTPStatus.INSUFFICIENT_STORAGE, HTTPStatus.SERVICE_UNAVAILABLE}, answer.text
    wait_for(lambda: any(sentence in ground.lab.said() for sentence in _NO_ROOM_SAID))
    _limit(ground, _WITHOUT)
    return 1


def _limit(ground: Ground, limits: tuple[int, int]) -> None:
    for process in ground.lab.processes.values():
        for pid in (process.pid, *children(process.pid)):
            with contextlib.suppress(OSError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def _take_memory(ground: Ground) -> int:
    """Let the process that runs a step have no more memory than it has, until a step was given back for it."""

    def bites() -> int:
        ground.lab.start()
        _, horse = busy_worker(ground.lab)
        with contextlib.suppress(OSError):
            has = int(Path(f"/proc/{horse}/statm").read_text().split()[0]) * resource.getpagesize()
            resource.prlimit(horse, resource.RLIMIT_AS, (has + _LITTLE_BYTES, resource.RLIM_INFINITY))
        return len(ground.lab.history().freed)

    return int(wait_for(bites))


def _set_clocks(ground: Ground) -> None:
    ground.lab.own = {
        "worker 0": {"VC_CLOCK_SKEW_S": "600"},
        "worker 1": {"VC_CLOCK_SKEW_S": "-600"},
        "api": {"VC_CLOCK_SKEW_S": "3600"},
    }


MACHINES = {
    "F-20": Row("no room on the disk", _fill_disk, song_s=20.0),
    "F-21": Row("no memory left", _take_memory, song_s=20.0),
    "F-22": Row("clocks 10 minutes and an hour off", lay=_set_clocks),
}
