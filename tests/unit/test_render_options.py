"""Options of ``vibecraft render`` that are read from text."""

from __future__ import annotations

from fractions import Fraction

import pytest

from serve_app.commands.options import parse_kinds, parse_time
from serve_app.schemas import CompositionIn
from tasks.domain.effect import EffectKind
from tasks.domain.errors import InvalidInput
from tasks.domain.request import VideoRequest
from tasks.domain.transition import TransitionKind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", None),
        ("none", ()),
        ("all", tuple(EffectKind)),
        ("flash", (EffectKind.FLASH,)),
        ("pulse, flash,pulse", (EffectKind.PULSE, EffectKind.FLASH)),
    ],
)
def test_kinds_are_read(text: str, expected: tuple[EffectKind, ...] | None) -> None:
    assert parse_kinds(text, EffectKind) == expected


@pytest.mark.parametrize("text", ["", "flash;pulse", "star wipe"])
def test_a_kind_that_there_is_not_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match="choose of auto, all, none, dissolve"):
        parse_kinds(text, TransitionKind)


@pytest.mark.parametrize(("text", "seconds"), [("12.5", "12.5"), ("1:02", "62"), ("0:00.25", "0.25")])
def test_times_are_read(text: str, seconds: str) -> None:
    assert parse_time(text) == Fraction(seconds)


def test_what_is_asked_over_http_becomes_the_request() -> None:
    wanted = CompositionIn(effects=[EffectKind.SHAKE], transitions=[], shortest_shot_s=0.7, limit_flashes=False)
    assert wanted.request() == VideoRequest(
        effects=(EffectKind.SHAKE,), transitions=(), shortest_shot_s=Fraction("0.7"), limit_flashes=False
    )
    assert VideoRequest.from_json(wanted.request().to_json()) == wanted.request()
    assert CompositionIn().request() == VideoRequest()


def test_a_request_of_an_older_version_has_the_defaults() -> None:
    old = {key: value for key, value in VideoRequest(seed=3).to_json().items() if key not in {"words", "effects"}}
    assert VideoRequest.from_json(old) == VideoRequest(seed=3)
