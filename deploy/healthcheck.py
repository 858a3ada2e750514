"""Whether this container is well, whatever its role: exit code 0 says so, 1 says why not.

A container that serves must answer its own ``/healthz``. One that only holds a Ray node must have a living raylet. Any
other (a plain RQ worker, a migration) ends when it fails, which its restart policy sees; there is nothing to ask.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from cluster.settings import Settings

_ANSWER_S = 8.0
_OK = 200
_SERVING = {(program, command) for program in ("vibecraft", "serve_app") for command in ("up", "api")}


def problem(commands: Iterable[Sequence[str]], settings: Settings) -> str | None:
    """Say what is wrong with a container in which ``commands`` run; None when nothing is.

    Parameters
    ----------
    commands : iterable of sequences of str
        The words of every living process.
    """
    running = [[PurePath(word).name for word in command] for command in commands if command]
    if any(_serves(words) for words in running):
        return _ask(settings.api_port)
    is_node = any(("ray", "start") in pairwise(words) for words in running)
    if is_node and not any(words[0] == "raylet" for words in running):
        return "there is no raylet"
    return None


def _serves(words: Sequence[str]) -> bool:
    pairs = set(pairwise(words))
    return "head.py" in words or bool(pairs & _SERVING)


def _ask(port: int) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"/healthz on port {port} does not answer ({error})"
    finally:
        connection.close()
    return None if status == _OK else f"/healthz on port {port} answers {status}"


def living(proc: Path = Path("/proc")) -> list[list[str]]:
    """Give the words of every process; those of a dead one that nobody buried yet are empty."""
    commands = []
    for file in proc.glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it ended while we looked
        commands.append([word for word in words if word])
    return commands


if __name__ == "__main__":
    sys.exit(problem(living(), Settings()))
