"""Songs and footage to edit, as hypothesis draws them or as a test would hear them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import strategies as st

from tasks.domain.analysis import Analysis
from tasks.domain.clip import Matrix
from tasks.domain.footage import FootageFacts
from tests.support.analyses import SAMPLE_RATE, analysis, section, steady

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(24000, 1001), Fraction(30000, 1001)]
LABELS = ["intro", "verse", "pre-chorus", "chorus", "break", "drop", "bridge", "Chorus 2", "outro"]


@st.composite
def songs(draw: st.DrawFn) -> Analysis:
    """Draw a song of any beats and sections, also with none."""
    samples = draw(st.integers(2 * SAMPLE_RATE, 120 * SAMPLE_RATE))
    duration = float(Fraction(samples, SAMPLE_RATE))
    gaps = draw(st.one_of(st.lists(st.floats(0.05, 9.0), max_size=200), _steady_gaps()))
    beats: list[float] = []
    now = draw(st.floats(0, 3))
    for gap in gaps:
        if now >= duration:
            break
        beats.append(now)
        now += gap
    edges = sorted({0.0, duration, *draw(st.lists(st.floats(0.5, 120), max_size=6))})
    edges = [edge for edge in edges if edge <= duration]
    sections = [section(a, b, draw(st.sampled_from(LABELS)), draw(st.floats(0, 1))) for a, b in pairwise(edges)]
    return analysis(samples, beats, sections, tempo_bpm=draw(st.floats(40, 220)))


@st.composite
def _steady_gaps(draw: st.DrawFn) -> list[float]:
    return [draw(st.floats(0.2, 1.2))] * draw(st.integers(20, 400))


def pop_song(bpm: float = 120.0, *, drop: bool = False) -> Analysis:
    """Make 80 s of intro, verse, pre-chorus, chorus (or break and drop), bridge, chorus and outro."""
    middle = [("break", 0.2), ("drop", 1.0)] if drop else [("pre-chorus", 0.6), ("chorus", 0.95)]
    parts = [("intro", 0.2), ("verse", 0.5), *middle, ("verse", 0.5), ("bridge", 0.45), ("chorus", 1.0), ("outro", 0.1)]
    # borders lie on bars of four beats, as `steady` counts them from 0.05 s
    bar = 240.0 / bpm
    bars = max(round(10 / bar), 1)
    length = len(parts) * bars * bar
    edges = [0.0, *(0.05 + bars * bar * place for place in range(1, len(parts))), float(round(length))]
    return steady(
        round(length), bpm, [section(a, b, *part) for (a, b), part in zip(pairwise(edges), parts, strict=True)]
    )


def clip(name: str, duration_s: Fraction | float, motion: tuple[float, ...] = (0.5,)) -> FootageFacts:
    """Describe a clip."""
    return FootageFacts(
        id=name,
        content_key=f"footage/{name}.mp4",
        width=1280,
        height=720,
        duration_s=Fraction(duration_s),
        frame_rate=Fraction(30),
        motion=motion,
        focus=(0.4, 0.5),
        untagged=False,
        matrix=Matrix.BT709,
    )
