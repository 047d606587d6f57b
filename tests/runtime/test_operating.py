from __future__ import annotations

from dataclasses import replace

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
SMALL = LoadSpec("faster-whisper", "small", "/small")
TINY = LoadSpec("faster-whisper", "tiny", "/tiny")
OTHER = LoadSpec("whisper-cpp", "tiny", "/ggml")
POINT = OperatingPoint(BASE, 2, 5, SAMPLE_RATE // 2, 2 * SAMPLE_RATE)
CHOICES = Choices(POINT, (SMALL, TINY), OTHER)
FILE = replace(CHOICES, live=False)


def test_normal_is_what_was_asked_for() -> None:
    assert operating_point(CHOICES, Rung.NORMAL, stretch=3) == POINT


def test_every_level_has_the_effects_of_those_before_it() -> None:
    assert effects(POINT, operating_point(CHOICES, Rung.WARNING)) == (
        "greedy",
        "open speech every 1.5 s",
    )
    assert effects(POINT, operating_point(CHOICES, Rung.DEGRADE)) == (
        "model small",
        "greedy",
        "no partials",
    )
    assert effects(POINT, operating_point(CHOICES, Rung.EMERGENCY)) == (
        "model small",
        "greedy",
        "no partials",
        "every other utterance kept for later",
    )


def test_a_file_goes_down_two_models_and_puts_nothing_off() -> None:
    points = [operating_point(FILE, rung) for rung in Rung]
    assert [point.spec for point in points] == [BASE, BASE, SMALL, TINY, OTHER]
    assert not any(point.spool for point in points)


def test_a_file_with_one_smaller_model_stays_there() -> None:
    one = replace(FILE, smaller=(SMALL,))
    assert operating_point(one, Rung.EMERGENCY).spec == SMALL


def test_a_beam_that_was_asked_for_stays() -> None:
    pinned = replace(CHOICES, keeps_beam=True)
    for rung in Rung:
        point = operating_point(pinned, rung)
        assert (point.beam_size, point.foreign_beam_size) == (2, 5)


def test_failover_decodes_everything_elsewhere() -> None:
    point = operating_point(CHOICES, Rung.FAILOVER)
    assert (point.spec, point.spool) == (OTHER, False)
    assert effects(POINT, point)[0] == "model whisper-cpp tiny"


def test_the_same_model_elsewhere_is_told_by_where_that_is() -> None:
    there = replace(BASE, device="cuda", compute_type="float16")
    assert effects(replace(POINT, spec=there), POINT) == ("model base (int8, cpu)",)


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


@given(st.sampled_from(Rung), st.sampled_from(Rung), st.integers(0, 9), st.booleans())
def test_what_is_told_of_a_way_is_nothing_only_where_nothing_is_done_otherwise(
    before: Rung, after: Rung, stretch: int, live: bool
) -> None:
    choices = replace(CHOICES, live=live)
    first, second = operating_point(choices, before), operating_point(choices, after, stretch)
    heard = replace(first, least_interval=0, most_interval=0, foreign_beam_size=None)
    told = replace(second, least_interval=0, most_interval=0, foreign_beam_size=None)
    assert bool(effects(heard, told)) is (heard != told)
