"""Corrections as a file that people write: YAML, or JSON, which is YAML too."""

from __future__ import annotations

from pathlib import Path

import yaml

from tasks.domain.corrections import Corrections, from_json
from tasks.domain.corrections.checks import invalid

_LARGEST_BYTES = 8 << 20


def read_corrections(path: Path) -> Corrections:
    """Read a file with a list named ``corrections``.

    Raises
    ------
    InvalidInput
        If it cannot be read, is too large, is no YAML or holds what is no correction.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise invalid(f"{path.name} is larger than {_LARGEST_BYTES >> 20} MiB")
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise invalid(f"{path} cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise invalid(f"{path.name} is no YAML in UTF-8 ({str(error).splitlines()[0]})") from error
    return from_json(document)
