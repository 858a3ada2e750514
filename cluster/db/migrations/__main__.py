"""``python -m cluster.db.migrations``: bring the database that the environment names up to date."""

from __future__ import annotations

import sys

from sqlalchemy.exc import SQLAlchemyError

from cluster.db import migrations
from cluster.db.engine import open_engine
from cluster.errors import PlatformError
from cluster.settings import load_settings


def main() -> int:
    """Migrate to the newest revision, say what happened, and give the exit code."""
    try:
        engine = open_engine(load_settings().database)
        before = migrations.current(engine)
        migrations.upgrade(engine)
    except PlatformError as error:
        sys.stderr.write(f"{error.message}\n")
        return 3
    except SQLAlchemyError as error:
        sys.stderr.write(f"The database cannot be used: {getattr(error, 'orig', error)}\n")
        return 3
    sys.stdout.write(f"The database has revision {migrations.head()} (before: {before or 'empty'}).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
