"""Whether films of many songs are safe to watch, with all effects and transitions on.

usage: python -m benchmarks.flashes [--data DIR] [--count N] [--seconds N] [--json]

Each song's best part is rendered by `vibecraft render`, in every built-in look in turn, decoded again and measured by
WCAG 2.3.1. Songs are generated (`benchmarks.songs`), or those of DIR. The exit status is 1 if any film flashes more
than three times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.songs import songs, write
from benchmarks.truth import SOUNDS
from tasks.domain.style import StyleName

_SEED = 3000


def main() -> int:
    """Render, measure, print, and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of songs")
    parser.add_argument("--count", type=int, default=20, help="of songs")
    parser.add_argument("--seconds", type=int, default=30, help="of each, at most")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        rows = []
        for song, style in zip(_songs(arguments, folder), cycle(StyleName), strict=False):
            rows.append(measure(song, style, arguments.seconds, folder))
            if not arguments.json:
                print(_line(rows[-1]), flush=True)
    unsafe = sum(row["violations"] for row in rows)
    if arguments.json:
        print(json.dumps({"schema": 1, "films": rows, "violations": unsafe}))
    else:
        print(f"{len(rows)} films; {unsafe} stretches with more than three flashes a second")
    return 1 if unsafe else 0


def measure(song: Path, style: StyleName, seconds: int, folder: Path) -> dict[str, Any]:
    """Render the best part of ``song`` and tell what flashes in it.

    Raises
    ------
    subprocess.CalledProcessError
        If it cannot be rendered.
    """
    command = [
        str(Path(sys.executable).with_name("vibecraft")), "render", str(song), "-o", str(folder / "film.mp4"),
        "--style", style, "--short", str(seconds), "--effects", "all", "--transitions", "all",
        "--resolution", "480p", "--preset", "draft", "--workers", "1", "--json",
    ]  # fmt: skip
    environment = {**os.environ, "VC_DATA_DIR": str(folder / "data")}
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    made = json.loads(ended.stdout)  # a film that is not verified gives its report as well
    flashes = made["verify"]["flashes"]
    return {
        "song": song.stem,
        "style": style,
        "frames": made["frames"],
        "softened": len(made["flash_limit"]["softened"]),
        "general": flashes["most_general_per_second"],
        "red": flashes["most_red_per_second"],
        "violations": len(flashes["violations"]),
    }


def _songs(arguments: argparse.Namespace, folder: Path) -> Iterator[Path]:
    if arguments.data is not None:
        found = sorted(path for path in arguments.data.iterdir() if path.suffix in SOUNDS)
        yield from found[: arguments.count]
        return
    for samples, truth in songs(arguments.count, _SEED):
        yield write(folder, samples, truth)


def _line(row: dict[str, Any]) -> str:
    told = f"{row['general']:.1f} general and {row['red']:.1f} red flashes a second at most, {row['softened']} softened"
    return f"{row['song']:28} {row['style']:6} {told}, {row['violations']} violations"


if __name__ == "__main__":
    sys.exit(main())
