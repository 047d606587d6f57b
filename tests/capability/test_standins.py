from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.capability.standins import is_faster, smaller
from echocli.models import catalog
from echocli.models.store import Found
from echocli.providers.base import LoadSpec

pytestmark = pytest.mark.unit

SPEC = LoadSpec("faster-whisper", "medium", "/m/medium", "cpu", "int8", slots=2, threads=3)

names = st.sampled_from([*catalog.MODELS, "turbo", "my-own", "large"])


def found(*models: str) -> list[Found]:
    return [Found(name, Path("/m") / name, "store", 1) for name in models]


def standins(model: str, *installed: str, english: bool = True) -> list[str]:
    spec = replace(SPEC, model=model)
    return [one.model for one in smaller(spec, found(*installed), english=english)]


def test_the_next_size_down_comes_first() -> None:
    assert standins("medium", "tiny", "small", "base", "medium", "large-v3") == [
        "small",
        "base",
        "tiny",
    ]


def test_a_model_of_english_is_preferred_for_english_and_never_used_for_another_language() -> None:
    installed = ("small.en", "small", "base.en", "tiny")
    assert standins("medium", *installed) == ["small.en", "base.en", "tiny"]
    assert standins("medium", *installed, english=False) == ["small", "tiny"]


def test_of_two_of_one_size_the_one_with_more_parameters_stands_in() -> None:
    assert standins("medium.en", "small.en", "distil-small.en") == ["small.en"]
    assert standins("medium.en", "distil-small.en") == ["distil-small.en"]


def test_a_model_of_the_same_size_is_no_smaller_one() -> None:
    assert standins("large-v3", "large-v3-turbo", "distil-large-v3") == []


def test_nobody_knows_what_is_smaller_than_a_model_of_ones_own() -> None:
    assert standins("my-own", "tiny", "base") == []
    assert standins("base", "my-own") == []


def test_an_alias_has_the_size_of_what_it_stands_for() -> None:
    assert standins("turbo", "medium.en") == ["medium.en"]


def test_only_the_weights_are_others() -> None:
    (one,) = smaller(SPEC, found("tiny"), english=True)
    assert one == replace(SPEC, model="tiny", path=str(Path("/m/tiny")))


@given(names, st.lists(names, unique=True), st.booleans())
def test_stand_ins_are_installed_smaller_and_fall_in_size(
    model: str, installed: list[str], english: bool
) -> None:
    chosen = standins(model, *installed, english=english)
    assert set(chosen) <= set(installed)
    ranks = [catalog.get(one).rank for one in chosen]
    assert ranks == sorted(set(ranks), reverse=True)
    if (known := catalog.known(model)) is None:
        assert chosen == []
        return
    assert all(rank < known.rank for rank in ranks)
    assert english or not any(catalog.get(one).english_only for one in chosen)
    rows = [row for one in installed if (row := catalog.known(one)) is not None]
    usable = [row for row in rows if english or not row.english_only]
    assert set(ranks) == {row.rank for row in usable if row.rank < known.rank}


@given(names, names)
def test_one_of_two_is_faster_at_most(one: str, other: str) -> None:
    first, second = replace(SPEC, model=one), replace(SPEC, model=other)
    assert not (is_faster(first, second) and is_faster(second, first))
    assert not is_faster(first, first)


@pytest.mark.parametrize(
    ("change", "faster"),
    [
        ({}, True),
        ({"provider": "whisper-cpp"}, False),
        ({"device": "cuda"}, False),
        ({"model": "medium"}, False),
        ({"model": "my-own"}, False),
    ],
    ids=str,
)
def test_only_what_runs_alike_can_be_told_to_be_faster(
    change: dict[str, str], faster: bool
) -> None:
    spec = replace(SPEC, model="tiny")
    assert is_faster(replace(spec, **change), SPEC) is faster  # type: ignore[arg-type]
