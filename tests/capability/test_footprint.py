"""What a worker needs, and which model fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.capability import footprint
from echocli.capability.footprint import (
    Demand,
    check_budget,
    choose_within,
    estimated_mb,
    fitting,
    needed_mb,
    uses_mkl,
)
from echocli.errors import ExitCode, ModelError
from echocli.models.store import Found
from echocli.providers.base import LoadSpec

TINY, BASE, SMALL = 75_537_502, 145_217_607, 483_000_000
SIZES = {"tiny.en": TINY, "tiny": TINY, "base.en": BASE, "base": BASE, "small.en": SMALL}


@pytest.fixture(autouse=True)
def _elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the figures of a machine without Intel's library, but where a model really runs."""
    if request.node.get_closest_marker("model") is None:
        monkeypatch.setattr(footprint, "uses_mkl", lambda: False)


def a_demand(model: str = "tiny.en", compute: str = "int8", slots: int = 2) -> Demand:
    return Demand("faster-whisper", model, "cpu", compute, slots, SIZES[model])


def installed(*names: str) -> list[Found]:
    return [Found(name, Path(name), "store", SIZES[name]) for name in names]


@pytest.fixture
def base_spec(tmp_path: Path) -> LoadSpec:
    """Multilingual base as it would be loaded; only the size of its weights is real."""
    with (tmp_path / "model.bin").open("wb") as file:
        file.truncate(BASE)
    return LoadSpec("faster-whisper", "base", str(tmp_path), slots=2)


def needed(model: str) -> float:
    found = needed_mb(a_demand(model))
    assert found is not None
    return found


@pytest.mark.unit
@pytest.mark.parametrize(
    ("model", "compute", "slots", "peak"),
    [
        ("tiny.en", "int8", 1, 302),
        ("tiny.en", "int8", 2, 389),
        ("tiny.en", "int8", 4, 475),
        ("tiny.en", "float32", 1, 354),
        ("tiny.en", "float32", 2, 478),
        ("base", "int8", 1, 359),
        ("base", "int8", 2, 514),
        ("base", "int8", 4, 665),
        ("base", "float32", 1, 552),
        ("base", "float32", 2, 724),
    ],
)
def test_the_estimate_is_near_what_was_measured(
    model: str, compute: str, slots: int, peak: float
) -> None:
    estimate = estimated_mb(a_demand(model, compute, slots))
    assert estimate is not None
    assert 0.98 * peak < estimate < 1.25 * peak


@pytest.mark.unit
def test_compute_types_with_weights_of_eight_bits_take_the_same() -> None:
    estimates = {
        estimated_mb(a_demand(compute=kind)) for kind in ("int8", "int8_float32", "float16")
    }
    assert len(estimates) == 1
    assert estimates != {estimated_mb(a_demand(compute="float32"))}


@pytest.mark.unit
def test_the_library_of_intel_takes_its_own() -> None:
    without = estimated_mb(a_demand())
    beside = estimated_mb(replace(a_demand(), mkl=True))
    assert without is not None
    assert beside is not None
    assert beside - without > 90


@pytest.mark.unit
@pytest.mark.parametrize(("wanted", "used"), [("1", True), ("0", False)])
def test_whoever_chooses_the_library_is_believed(
    wanted: str, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CT2_USE_MKL", wanted)
    assert uses_mkl.__wrapped__() is used


@pytest.mark.unit
@pytest.mark.parametrize("change", [{"provider": "scripted"}, {"device": "cuda"}, {"weights": 0}])
def test_nothing_is_estimated_where_nothing_is_known(change: dict[str, object]) -> None:
    assert estimated_mb(replace(a_demand(), **change)) is None  # type: ignore[arg-type]


@pytest.mark.unit
@given(weights=st.integers(1, 2**32), slots=st.integers(1, 64))
def test_more_weights_and_more_slots_never_need_less(weights: int, slots: int) -> None:
    one = replace(a_demand(), weights=weights, slots=slots)
    estimates = [
        estimated_mb(demand)
        for demand in (one, replace(one, weights=weights + 2**20), replace(one, slots=slots + 1))
    ]
    assert None not in estimates
    assert estimates[0] == min(estimates, key=lambda it: it or 0.0)


@pytest.mark.unit
def test_what_was_measured_counts_more_than_the_estimate() -> None:
    measured = {a_demand(): 401.0}
    assert needed_mb(a_demand(), measured) == 401.0
    assert needed_mb(a_demand(slots=1), measured) == estimated_mb(a_demand(slots=1))
    assert needed_mb(replace(a_demand(), weights=7), measured) != 401.0
    assert needed_mb(replace(a_demand(), device="cuda"), {}) is None


@pytest.mark.unit
def test_the_biggest_that_fits_is_chosen() -> None:
    demands = [a_demand(name) for name in ("tiny.en", "base", "small.en")]
    names = [
        (found := fitting(demands, budget)) and found.model
        for budget in (300, needed("tiny.en"), needed("base"), 1500)
    ]
    assert names == [None, "tiny.en", "base", "small.en"]
    assert fitting([], 1000) is None


@pytest.mark.unit
def test_models_outside_the_catalogue_are_not_chosen() -> None:
    assert fitting([replace(a_demand(), model="mine")], 10_000) is None


@pytest.mark.unit
def test_a_model_that_fits_exactly_is_let_through(base_spec: LoadSpec) -> None:
    check_budget(base_spec, needed("base"), [])
    assert choose_within(base_spec, needed("base"), []).model == "base"


@pytest.mark.unit
def test_a_named_model_that_needs_too_much_is_refused_with_one_that_fits(
    base_spec: LoadSpec,
) -> None:
    with pytest.raises(ModelError) as caught:
        check_budget(base_spec, 400, installed("tiny.en", "base", "small.en"))
    assert str(caught.value) == "model 'base' needs about 540 MB, --max-memory-mb allows 400"
    assert caught.value.hint == "the biggest that fits: --model tiny.en"
    assert caught.value.exit_code is ExitCode.UNAVAILABLE


@pytest.mark.unit
def test_a_shortfall_of_a_fraction_does_not_read_as_equal(base_spec: LoadSpec) -> None:
    with pytest.raises(ModelError, match=r"needs about 405 MB, --max-memory-mb allows 400"):
        check_budget(base_spec, 400, [], {Demand.of(base_spec): 400.1})


@pytest.mark.unit
def test_where_nothing_fits_the_smallest_is_named(base_spec: LoadSpec) -> None:
    smallest = "no installed model fits; the smallest, tiny.en, needs about 390 MB"
    with pytest.raises(ModelError) as caught:
        check_budget(base_spec, 100, installed("tiny.en", "base"))
    assert caught.value.hint == smallest
    with pytest.raises(ModelError, match="no installed model fits in 100 MB") as caught:
        choose_within(base_spec, 100, installed("tiny.en", "base"))
    assert caught.value.hint == smallest


@pytest.mark.unit
def test_a_model_from_a_path_alone_is_refused_with_the_option_to_change(
    base_spec: LoadSpec,
) -> None:
    with pytest.raises(ModelError) as caught:
        check_budget(replace(base_spec, model="/models/mine"), 100, [])
    assert caught.value.hint == "allow more with --max-memory-mb"


@pytest.mark.unit
def test_english_models_do_not_stand_in_for_other_languages(base_spec: LoadSpec) -> None:
    with pytest.raises(ModelError) as caught:
        check_budget(base_spec, 400, installed("tiny.en", "base"), english=False)
    assert caught.value.hint == "no installed model fits; the smallest, base, needs about 540 MB"
    here = installed("tiny.en", "tiny", "base")
    assert choose_within(base_spec, 400, here, english=False).model == "tiny"


@pytest.mark.unit
def test_a_smaller_model_replaces_one_nobody_asked_for_and_says_so(base_spec: LoadSpec) -> None:
    found = choose_within(base_spec, 400, installed("tiny.en", "base"))
    assert found.model == "tiny.en"
    assert found.notice is not None
    assert found.notice.message == "tiny.en is used: base needs about 540 MB, 400 are allowed"


@pytest.mark.unit
def test_nothing_bigger_replaces_it_even_where_it_fits(base_spec: LoadSpec) -> None:
    little = {a_demand("small.en"): 300.0}
    here = installed("tiny.en", "base", "small.en")
    assert choose_within(base_spec, 400, here, little).model == "tiny.en"


@pytest.mark.unit
def test_a_worker_of_which_nothing_is_known_is_let_through() -> None:
    spec = LoadSpec("scripted", "script", "script.json")
    check_budget(spec, 1, installed("tiny.en"))
    assert choose_within(spec, 1, []).notice is None


@pytest.mark.unit
def test_weights_that_are_not_there_have_no_size(tmp_path: Path) -> None:
    assert Demand.of(LoadSpec("faster-whisper", "x", str(tmp_path / "absent"))).weights == 0


@pytest.mark.unit
def test_weights_in_one_file_have_the_size_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "ggml-base.bin").write_bytes(b"x" * 7)
    spec = LoadSpec("whisper-cpp", "base", str(tmp_path / "ggml-base.bin"))
    assert Demand.of(spec).weights == 7


@pytest.mark.model
def test_a_warm_worker_stays_below_the_estimate(tiny_model: Path) -> None:
    from echocli.runtime.supervisor import Supervisor
    from echocli.runtime.warmup import Level, warm_windows

    spec = LoadSpec("faster-whisper", "tiny.en", str(tiny_model))
    supervisor = Supervisor(spec)
    try:
        supervisor.ready(warm_windows(Level.FIRST))
        estimate = estimated_mb(Demand.of(spec))
        assert estimate is not None
        assert 0.4 * estimate < supervisor.peak_rss_bytes / 2**20 < estimate
    finally:
        supervisor.close()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("weights", "compute", "slots", "measured"),
    [(148, "q8_0", 1, 274), (148, "q8_0", 2, 357), (148, "q8_0", 4, 369), (148, "float16", 2, 421)],
)
def test_a_worker_of_whisper_cpp_needs_about_what_was_measured(
    weights: float, compute: str, slots: int, measured: float
) -> None:
    demand = Demand("whisper-cpp", "base", "cpu", compute, slots, round(weights * 1e6))
    assert estimated_mb(demand) == pytest.approx(measured, rel=0.1)
