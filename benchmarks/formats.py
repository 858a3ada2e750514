"""What several formats of a film cost when they are made together, beside the same made one by one.

usage: python -m benchmarks.formats [--seconds N] [--rounds N] [--json]

Films of footage (clips of mixed size and rate) and of a built-in look are made by the product's own steps, in this
process, of a song that was heard before. ``together`` is the CPU time (user and system) of one job for all formats over
that of a job for each; both from planning to the published films, without anything stored before. Rounds are
interleaved; the median is given.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from fractions import Fraction
from pathlib import Path

from benchmarks.compose_film import make_clips
from benchmarks.compose_ways import cpu_s
from benchmarks.songs import songs as generated
from benchmarks.songs import write
from cluster.db.engine import writing
from cluster.services import Services, open_services
from cluster.settings import Settings
from cluster.telemetry import configure_logs
from tasks import workflow
from tasks.domain.rendition import rendition_of
from tasks.domain.request import VideoRequest
from tasks.domain.style import StyleName
from tasks.executors import InlineExecutor
from tasks.media.ffmpeg import locate
from tasks.steps import footage, songs

_SEED = 3000
_CASES = {
    "footage, 16:9 9:16 1:1": (True, ("9:16", "1:1")),
    "footage, 720p 480p": (True, ("480p",)),
    "footage, h264 hevc": (True, ("hevc",)),
    "silk, h264 hevc": (False, ("hevc",)),
    "silk, 16:9 9:16": (False, ("9:16",)),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=15, help="of the song")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    configure_logs()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        clips = make_clips(folder, locate())
        song = write(folder, *next(iter(generated(1, _SEED))))
        found = {
            name: statistics.median(
                _together(song, clips if of_footage else (), also, arguments.seconds, folder / f"{place}-{turn}")
                for turn in range(arguments.rounds)
            )
            for place, (name, (of_footage, also)) in enumerate(_CASES.items())
        }
    if arguments.json:
        print(json.dumps({"schema": 1, "together": {name: round(ratio, 3) for name, ratio in found.items()}}))
    else:
        print("\n".join(f"{name:24} {ratio:.3f} of one by one" for name, ratio in found.items()))


def _together(song: Path, clips: tuple[Path, ...], also: tuple[str, ...], seconds: int, folder: Path) -> float:
    alone, together = (_Studio(folder / name, song, clips, seconds) for name in ("alone", "together"))
    others = [rendition_of(alone.request, words) for words in also]
    one_by_one = sum(cpu_s(lambda r=request: alone.make(r)) for request in (alone.request, *others))  # type: ignore[misc]
    return (
        cpu_s(lambda: together.make(together.request, *(rendition_of(together.request, each) for each in also)))
        / one_by_one
    )


class _Studio:
    """An installation of its own that has heard the song, and drawn once, so that all is loaded."""

    def __init__(self, folder: Path, song: Path, clips: tuple[Path, ...], seconds: int) -> None:
        self._services: Services = open_services(Settings(data_dir=folder), migrate=True)
        owner = self._services.settings.owner_id
        self._song = songs.take_in(self._services, song, owner)
        taken = tuple(footage.take_in(self._services, clip, owner).id for clip in clips)
        self.request = VideoRequest(style=StyleName.SILK, short_s=Fraction(seconds), seed=1, footage=taken)
        self.make(VideoRequest(style=StyleName.SILK, end_s=Fraction(2), seed=2, footage=taken))

    def make(self, request: VideoRequest, *also: VideoRequest) -> None:
        """Make the film and its further formats in one job."""
        with writing(self._services.engine) as session:
            job_id = workflow.begin(session, songs.add_composition(session, self._song, request, also))
        InlineExecutor(self._services).run(job_id)


if __name__ == "__main__":
    main()
