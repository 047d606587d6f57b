"""From timed requests to predictions, and back."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.capability.measure import (
    USUAL,
    Batch,
    Shape,
    Timed,
    Work,
    adjusted,
    fit,
    makespan,
    seconds,
)
from echocli.capability.measure_predict import (
    LIVE_LIMIT,
    SHAPES,
    Prediction,
    Running,
    kind,
    nearest,
    predict_all,
    too_slow,
)
from echocli.capability.profile import Profile
from echocli.decoding.presets import Preset
from echocli.models import catalog

pytestmark = pytest.mark.unit

GB = 1024**3
TINY = SHAPES["tiny"]
COSTS = Work(encode=0.005, step=0.05, row=0.02)
RUNNING = Running("cpu", 2, 2.0)

costs = st.builds(Work, *[st.floats(1e-4, 1.0) for _ in range(3)])
batches = st.builds(
    Batch,
    windows=st.integers(1, 8),
    seconds=st.floats(1.0, 20.0),
    tail=st.floats(0.0, 10.0),
    beam=st.integers(1, 5),
    tokens=st.floats(1.0, 100.0),
)
shapes = st.builds(Shape, st.integers(1, 32), st.integers(1, 32), st.integers(64, 1280))


def machine(memory_gb: float) -> Profile:
    size = int(memory_gb * GB)
    return Profile("Linux", "x86_64", "", 2, 2, 2, size, size, size)


def predictions(cost: Work, *, english: bool = True, memory: float = 64) -> dict[str, Prediction]:
    found = predict_all({"tiny": cost}, machine(memory), ["tiny.en"], RUNNING, english=english)
    return {it.model: it for it in found if it.preset is Preset.BALANCED}


@given(costs, shapes, batches)
def test_more_layers_or_width_are_never_faster(cost: Work, shape: Shape, batch: Batch) -> None:
    now = seconds(cost, shape, batch)
    for name in ("encoder_layers", "decoder_layers", "width"):
        larger = replace(shape, **{name: getattr(shape, name) + 1})
        assert seconds(cost, larger, batch) >= now


@given(costs, shapes, batches)
def test_more_windows_sound_beams_or_text_are_never_faster(
    cost: Work, shape: Shape, batch: Batch
) -> None:
    now = seconds(cost, shape, batch)
    for name in ("windows", "seconds", "tail", "beam", "tokens"):
        assert seconds(cost, shape, replace(batch, **{name: getattr(batch, name) + 1})) >= now


@given(costs, st.lists(batches, min_size=1, max_size=9), st.integers(1, 8))
def test_slots_share_the_work(cost: Work, found: list[Batch], slots: int) -> None:
    alone = makespan(cost, TINY, found, 1)
    shared = makespan(cost, TINY, found, slots)
    longest = max(seconds(cost, TINY, batch) for batch in found)
    assert max(alone / slots, longest) <= shared * (1 + 1e-9)
    assert shared <= alone * (1 + 1e-9)


REQUESTS = tuple(
    Batch(windows, 9.0, tail, beam, 34.0)
    for windows, tail, beam in [(2, 7, 2), (1, 4, 1), (2, 10, 5), (2, 4, 1)]
)


@settings(deadline=None)
@given(st.floats(0.01, 100.0), shapes)
def test_a_machine_that_is_only_faster_or_slower_is_told_exactly(
    factor: float, shape: Shape
) -> None:
    cost = USUAL * factor
    found = fit(shape, [Timed(batch, seconds(cost, shape, batch)) for batch in REQUESTS])
    assert astuple(found) == pytest.approx(astuple(cost))


@settings(deadline=None)
@given(st.lists(st.floats(0.5, 2.0), min_size=3, max_size=3))
def test_other_proportions_are_told_well_enough(factors: list[float]) -> None:
    cost = Work(*(a * b for a, b in zip(astuple(USUAL), factors, strict=True)))
    found = fit(TINY, [Timed(batch, seconds(cost, TINY, batch)) for batch in REQUESTS])
    real = Batch(4, 18.0, 7.0, 2, 65.0)
    assert seconds(found, TINY, real) == pytest.approx(seconds(cost, TINY, real), rel=0.2)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 10.0), min_size=4, max_size=4))
def test_no_noise_makes_a_cost_negative(times: list[float]) -> None:
    found = fit(TINY, [Timed(b, t) for b, t in zip(REQUESTS, times, strict=True)])
    assert min(astuple(found)) >= 0 < max(astuple(found))


@given(costs, batches, st.floats(0.1, 10.0))
def test_another_model_is_adjusted_to_what_it_took(cost: Work, batch: Batch, factor: float) -> None:
    took = seconds(cost, TINY, batch) * factor
    found = adjusted(cost, TINY, [Timed(batch, took)])
    assert seconds(found, TINY, batch) == pytest.approx(took)


def test_every_model_of_the_catalogue_has_a_shape() -> None:
    assert {kind(name) for name in catalog.MODELS} <= set(SHAPES)
    assert kind("distil-large-v3.5") == "distil-large"
    assert kind("turbo") == "large-v3-turbo"
    assert kind("large-v2") == kind("large-v3") == "large"


def test_a_model_is_computed_from_the_one_nearest_in_size() -> None:
    known = {"tiny": COSTS, "small": COSTS * 2}
    assert nearest(known, "base") == COSTS
    assert nearest(known, "medium") == COSTS * 2


def test_larger_models_are_slower_and_only_those_run_count_as_measured() -> None:
    found = predictions(COSTS)
    assert list(found) == [
        "tiny.en", "base.en", "small.en", "medium.en", "large-v3", "large-v3-turbo",
    ]  # fmt: skip
    speeds = [it.speed for it in found.values()]
    assert speeds[:5] == sorted(speeds[:5], reverse=True)
    assert found["large-v3-turbo"].speed > found["large-v3"].speed
    assert [it.model for it in found.values() if it.measured] == ["tiny.en"]
    assert [it.model for it in found.values() if it.installed] == ["tiny.en"]


def test_other_languages_get_multilingual_models() -> None:
    assert not any(name.endswith(".en") for name in predictions(COSTS, english=False))


def test_live_needs_memory_and_room_to_decode_an_utterance_every_chunk() -> None:
    found = predictions(COSTS, memory=4)
    assert found["tiny.en"].live
    assert not found["small.en"].fits
    assert not found["small.en"].live
    slow = predictions(COSTS * (1.01 * LIVE_LIMIT / found["tiny.en"].live_load))
    assert not slow["tiny.en"].live
    assert "tiny.en" in too_slow(slow.values())


def test_longer_chunks_leave_more_room() -> None:
    longer = predict_all(
        {"tiny": COSTS}, machine(64), [], replace(RUNNING, chunk_seconds=4.0), english=True
    )
    assert longer[0].live_load == pytest.approx(
        predict_all({"tiny": COSTS}, machine(64), [], RUNNING, english=True)[0].live_load / 2
    )
