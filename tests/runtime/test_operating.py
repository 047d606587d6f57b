from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.providers.base import LoadSpec
from echocli.runtime.ladder import Rung
from echocli.runtime.operating import (
    MOST_CHUNK,
    Choices,
    OperatingPoint,
    effects,
    operating_point,
)
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit

BASE = LoadSpec("faster-whisper", "base", "/base")
TINY = LoadSpec("faster-whisper", "tiny", "/tiny")
OTHER = LoadSpec("whisper-cpp", "tiny", "/ggml")
POINT = OperatingPoint(BASE, 2, 5, SAMPLE_RATE // 2, 2 * SAMPLE_RATE)
CHOICES = Choices(POINT, TINY, OTHER)


def test_normal_is_what_was_asked_for() -> None:
    assert operating_point(CHOICES, Rung.NORMAL, stretch=3) == POINT


def test_every_level_has_the_effects_of_those_before_it() -> None:
    assert effects(POINT, operating_point(CHOICES, Rung.WARNING)) == (
        "greedy",
        "open speech every 1.5 s",
    )
    assert effects(POINT, operating_point(CHOICES, Rung.DEGRADE)) == (
        "model tiny",
        "greedy",
        "no partials",
    )
    assert effects(POINT, operating_point(CHOICES, Rung.EMERGENCY)) == (
        "model tiny",
        "greedy",
        "no partials",
        "every other utterance later",
    )


def test_failover_decodes_everything_elsewhere() -> None:
    point = operating_point(CHOICES, Rung.FAILOVER)
    assert (point.spec, point.spool) == (OTHER, False)
    assert effects(POINT, point)[0] == "model whisper-cpp tiny"


def test_without_a_smaller_model_the_same_goes_on() -> None:
    assert operating_point(Choices(POINT), Rung.FAILOVER).spec == BASE


@given(st.sampled_from(Rung), st.integers(0, 1000), st.integers(1, 30))
def test_the_interval_grows_to_eight_seconds_and_never_shrinks(
    rung: Rung, stretch: int, chunk: int
) -> None:
    wanted = chunk * SAMPLE_RATE
    base = OperatingPoint(BASE, 2, None, wanted, wanted)
    point = operating_point(Choices(base), rung, stretch)
    assert wanted <= point.least_interval <= max(wanted, MOST_CHUNK)
    assert point.least_interval <= point.most_interval


@given(st.lists(st.tuples(st.sampled_from(Rung), st.integers(0, 9)), max_size=20))
def test_coming_back_restores_everything_whatever_the_way_was(way: list[tuple[Rung, int]]) -> None:
    for rung, stretch in way:
        operating_point(CHOICES, rung, stretch)
    assert effects(POINT, operating_point(CHOICES, Rung.NORMAL)) == ()
