"""The rows of the fault matrix, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.rows import ROWS
from tests.faults.rows.row import run_row

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]


@pytest.mark.parametrize(("name", "database"), [(name, each) for name, row in ROWS.items() for each in row.databases])
def test_a_fault_costs_nothing_but_time(name: str, database: str, tmp_path: Path) -> None:
    fired, wrong = run_row(ROWS[name], database, tmp_path)
    assert fired >= 1
    assert wrong == {}
