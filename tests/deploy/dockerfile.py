"""As much of a Dockerfile and of .dockerignore as the tests ask for."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_APT = re.compile(r"apt-get install\s+(?P<words>[^&;|]+)")


@dataclass
class Stage:
    """From one FROM to the next: its base, its name and its instructions in order."""

    base: str
    name: str
    lines: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Dockerfile:
    """All stages in order; ``arguments`` are the ARG lines before the first."""

    stages: list[Stage]
    arguments: list[str]

    def names(self) -> set[str]:
        """Name the stages."""
        return {stage.name for stage in self.stages}

    def all(self, instruction: str) -> list[str]:
        """Give what every ``instruction`` of any stage says."""
        said = [text for stage in self.stages for word, text in stage.lines if word == instruction]
        return [*self.arguments, *said] if instruction == "ARG" else said

    def line_of(self, name: str) -> list[Stage]:
        """Give the stage of that name with the stages that it is built on, the lowest first."""
        stage = next(stage for stage in self.stages if stage.name == name)
        return [*(self.line_of(stage.base) if stage.base in self.names() else []), stage]

    def effective(self, name: str, instruction: str) -> str:
        """Give the last ``instruction`` that holds for the stage ``name``."""
        said = [text for stage in self.line_of(name) for word, text in stage.lines if word == instruction]
        return said[-1]

    def environment(self, name: str) -> dict[str, str]:
        """Give the ENV lines that hold for the stage ``name``."""
        said: dict[str, str] = {}
        for stage in self.line_of(name):
            for word, text in stage.lines:
                if word == "ENV":
                    said |= dict(pair.partition("=")[::2] for pair in shlex.split(text))
        return said

    def copied(self) -> list[str]:
        """Give the sources of every COPY from the build context."""
        return [source for text in self.all("COPY") if not text.startswith("--from") for source in text.split()[:-1]]

    def destinations(self, name: str) -> dict[str, str]:
        """Give where files of the build context lie in the stage ``name``, by their path there."""
        found: dict[str, str] = {}
        for stage in self.line_of(name):
            for word, text in stage.lines:
                if word == "COPY" and not text.startswith("--from"):
                    *sources, to = text.split()
                    found |= {str(PurePosixPath(to) / PurePosixPath(source).name): source for source in sources}
        return found

    def system_packages(self, name: str) -> set[str]:
        """Give what apt installs in the stage ``name`` and in those that it is built on."""
        said = [text for stage in self.line_of(name) for word, text in stage.lines if word == "RUN"]
        words = [word for text in said for match in _APT.finditer(text) for word in match["words"].split()]
        return {word for word in words if not word.startswith("-")}


def read_dockerfile(path: Path) -> Dockerfile:
    """Read a Dockerfile; ARG values are put in where FROM names them."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    instructions = [line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    result = Dockerfile([], [])
    for word, raw in instructions:
        said = " ".join(raw.split())
        if word == "FROM":
            for argument in result.arguments:
                name, _, value = argument.partition("=")
                said = said.replace(f"${{{name}}}", value)
            base, _, name = said.partition(" AS ")
            result.stages.append(Stage(base, name))
        elif result.stages:
            result.stages[-1].lines.append((word, said))
        else:
            assert word == "ARG", word
            result.arguments.append(said)
    return result


class Ignored:
    """The rules of a .dockerignore: the last that fits a path, or a folder above it, decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._rules = [
            (_pattern(line.removeprefix("!")), not line.startswith("!"))
            for line in lines
            if line and not line.startswith("#")
        ]

    def holds(self, path: Path) -> bool:
        """Tell whether the path stays out of the build context."""
        candidates = [str(path), *(str(parent) for parent in path.parents if parent != Path())]
        out = False
        for pattern, leaves_out in self._rules:
            if any(pattern.fullmatch(candidate) for candidate in candidates):
                out = leaves_out
        return out


def _pattern(line: str) -> re.Pattern[str]:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", line.strip("/"))
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts))
