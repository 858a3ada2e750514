"""Corrections are written by people."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.corrections_file import read_corrections
from tasks.domain.corrections import FixedTempo, Scale, SectionRelabel, TempoScale
from tasks.domain.errors import InvalidInput

YAML = """
# the drummer says so
corrections:
  - {kind: tempo_scale, factor: x2}
  - kind: tempo
    bpm: 128
    offset_s: 0.35
  - {kind: section_relabel, at_s: 61.5, label: bridge}
"""


def test_corrections_are_read(tmp_path: Path) -> None:
    path = tmp_path / "fix.yaml"
    path.write_text(YAML)
    assert read_corrections(path) == (
        TempoScale(factor=Scale.DOUBLE),
        FixedTempo(bpm=128, offset_s=0.35),
        SectionRelabel(at_s=61.5, label="bridge"),
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "a list named corrections"),
        (b"corrections: {", "is no YAML"),
        (b"\xff\xfe\x00\x01\x02", "is no YAML"),
        (b"!!python/object/apply:os.system ['true']", "is no YAML"),
        (b"[" * 50_000, "is no YAML"),
        (b"corrections:\n - {kind: tempo, bpm: .nan, offset_s: 0}", "bpm lies between"),
        (b" " * (9 << 20), "larger than 8 MiB"),
    ],
    ids=range(7),
)
def test_what_holds_no_corrections_is_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "fix.yaml"
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=sentence):
        read_corrections(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_corrections(tmp_path / "none.yaml")
