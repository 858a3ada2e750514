"""Records are valid at birth and survive being written."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tasks.domain.analysis import Analysis, Loudness, MoodPoint, Sound
from tasks.domain.document import canonical
from tasks.domain.effect import Curve, Effect, EffectKind
from tasks.domain.errors import InvalidInput, InvalidRecord
from tasks.domain.features import CURVES, Features
from tasks.domain.request import Aspect, Resolution, VideoRequest
from tasks.domain.segment import SegmentPlan, SegmentSpec, Source, SourceKind
from tasks.domain.timebase import FrameRange
from tasks.domain.timeline import Timeline
from tests.support.analyses import analysis, features, section, steady


def test_an_analysis_survives_being_written() -> None:
    song = steady(10)
    assert Analysis.from_json(song.to_json()) == song


def test_what_was_measured_of_the_sound_survives_being_written() -> None:
    song = replace(
        steady(10),
        mood_over_time=(MoodPoint(time_s=2.5, energy=0.1, valence=0.5, arousal=0.4),),
        loudness=Loudness(integrated_lufs=-9.4, range_lu=5.2, true_peak_dbtp=0.3),
        sound=Sound(clipped_runs=2, clipped_share=1e-5, silences=((0.0, 0.75),), dc=(0.0, -0.01)),
    )
    assert Analysis.from_json(json.loads(canonical(song.to_json()))) == song


def test_an_analysis_without_its_sound_is_still_read() -> None:
    document = steady(10).to_json()
    del document["sound"], document["mood_over_time"]
    assert Analysis.from_json(document) == steady(10)


def test_an_analysis_has_every_key_from_the_start() -> None:
    keys = set(steady(10).to_json())
    assert keys >= {
        "schema",
        "duration_s",
        "sample_rate",
        "tempo_bpm",
        "tempo_confidence",
        "meter",
        "key",
        "beats",
        "downbeats",
        "sections",
        "mood",
        "genre",
        "loudness",
        "hooks",
        "alternatives",
        "engine",
    }


@pytest.mark.parametrize(
    "broken",
    [
        {"beats": [1.0, 1.0]},
        {"beats": [float("nan")]},
        {"sections": [section(0, 4), section(5, 10)]},
        {"sections": [section(1, 10)]},
        {"sections": [section(0, 9)]},
    ],
)
def test_an_analysis_that_contradicts_itself_cannot_be_made(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord):
        analysis(441_000, **broken)


def test_features_survive_being_written() -> None:
    given = features(3)
    read = Features.from_bytes(given.to_bytes())
    assert read.frame_rate == given.frame_rate
    assert all(np.array_equal(read.curves[name], given.curves[name]) for name in CURVES)


def test_features_cannot_be_changed_or_hold_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="read-only"):
        features(3).curves["kick"][0] = 1
    curves = {name: np.zeros(4, np.float32) for name in CURVES}
    curves["rms"][2] = np.inf
    with pytest.raises(InvalidRecord):
        Features(frame_rate=Fraction(86), curves=curves)


def test_an_effect_decays_to_nothing_at_its_end() -> None:
    effect = Effect(kind=EffectKind.FLASH, start_frame=10, end_frame=14, amount=0.5, curve=Curve.DECAY)
    strengths = [effect.strength(frame) for frame in range(9, 15)]
    assert strengths[0] == 0
    assert strengths[1] == 0.5
    assert strengths[1:5] == sorted(strengths[1:5], reverse=True)
    assert strengths[4] > 0
    assert strengths[5] == 0
    assert Effect.from_json(effect.to_json()) == effect


def plan(**changes: Any) -> SegmentPlan:
    source = Source(kind=SourceKind.STYLE, settings={"style": "silk"}, frames=FrameRange(0, 30))
    return SegmentPlan(**{"index": 3, "shot": 3, "frames": FrameRange(60, 90), "source": source, **changes})


SPEC = SegmentSpec(width=1280, height=720, frame_rate=Fraction(30))


def test_a_segment_plan_survives_being_written_and_has_every_key() -> None:
    given = plan(effects=(Effect(kind=EffectKind.PULSE, start_frame=60, end_frame=62, amount=1, curve=Curve.HOLD),))
    assert SegmentPlan.from_json(given.to_json()) == given
    assert {"transition", "outgoing", "effects", "captions"} <= set(given.to_json())
    assert SegmentSpec.from_json(SPEC.to_json()) == SPEC


def test_a_segment_is_named_by_all_that_decides_its_bytes() -> None:
    other_source = Source(kind=SourceKind.STYLE, settings={"style": "ink"}, frames=FrameRange(0, 30))
    other_spec = SegmentSpec(width=1280, height=720, frame_rate=Fraction(30), crf=18)
    keys = {
        plan().content_key(SPEC),
        plan(source=other_source).content_key(SPEC),
        plan(frames=FrameRange(90, 120)).content_key(SPEC),
        plan().content_key(other_spec),
    }
    assert len(keys) == 4
    assert plan().content_key(SPEC) == plan().content_key(SPEC)


def test_a_segment_cannot_ask_its_source_for_other_frames() -> None:
    with pytest.raises(InvalidRecord):
        plan(frames=FrameRange(0, 31))


@pytest.mark.parametrize(
    "broken",
    [
        {"schema": 2},
        {"fps": "thirty"},
        {"frames": 11},
        {"shots": []},
        {"shots": [{"index": 0, "start_frame": 1, "end_frame": 10, "beat_s": None}]},
        {"shots": [{"index": 0}]},
        {"shots": 7},
    ],
)
def test_a_timeline_of_another_form_is_refused(broken: dict[str, Any]) -> None:
    document = {
        "schema": 1,
        "fps": "30/1",
        "frames": 10,
        "shots": [{"index": 0, "start_frame": 0, "end_frame": 10, "beat_s": None}],
    }
    assert Timeline.from_json(document).frames == 10
    with pytest.raises(InvalidRecord):
        Timeline.from_json({**document, **broken})


@pytest.mark.parametrize(
    ("aspect", "resolution", "size"),
    [
        (Aspect.LANDSCAPE, Resolution.P480, (854, 480)),
        (Aspect.PORTRAIT, Resolution.P480, (480, 854)),
        (Aspect.SQUARE, Resolution.P720, (720, 720)),
        (Aspect.LANDSCAPE, Resolution.P1080, (1920, 1080)),
    ],
)
def test_sizes(aspect: Aspect, resolution: Resolution, size: tuple[int, int]) -> None:
    assert VideoRequest(aspect=aspect, resolution=resolution).size == size


def test_a_request_survives_being_written() -> None:
    request = VideoRequest(seed=7, start_s=Fraction("1.1"), end_s=Fraction("9.3"), frame_rate=Fraction(25))
    assert VideoRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize("broken", [{"seed": -1}, {"start_s": Fraction(-1)}, {"end_s": Fraction(1)}])
def test_a_request_that_cannot_be_met_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        VideoRequest(**broken)
