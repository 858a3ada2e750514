"""Whether a container's command names something that can be started."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]


def expect_startable(command: Sequence[str], files: Mapping[str, str]) -> None:
    """Fail unless the program of ``command`` is there: a console script is imported, a module or a file is found.

    Parameters
    ----------
    files : mapping of str to str
        Files of the repository by their path in the image.
    """
    program, *words = command
    if program == "sh":
        assert words[0] == "-c"
        inner = shlex.split(words[1])
        assert inner[0] == "exec", "a shell that stays does not hand signals on"
        expect_startable(inner[1:], files)
    elif program == "python" and words[0] == "-m":
        try:
            found = find_spec(words[1])
        except ModuleNotFoundError:
            found = None
        assert found is not None, words[1]
    elif program == "python":
        assert words[0] in files, words[0]
        compile((ROOT / files[words[0]]).read_text(), words[0], "exec")
    else:
        scripts = entry_points(group="console_scripts", name=program)
        assert scripts, program
        assert all(callable(script.load()) for script in scripts)
