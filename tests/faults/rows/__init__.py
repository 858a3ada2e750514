"""The rows of the fault matrix that concern jobs, storage, Redis, the databases, Ray and plain workers."""

from tests.faults.rows.deaths import DEATHS
from tests.faults.rows.machines import MACHINES
from tests.faults.rows.stores import STORES

ROWS = dict(sorted({**DEATHS, **STORES, **MACHINES}.items()))
