from __future__ import annotations

import pytest

from echocli.capability.accelerators import CudaDevice
from echocli.capability.compute import default_compute, is_short
from echocli.models import catalog

pytestmark = pytest.mark.unit

GB = 2**30
TURING = ("float16", "float32", "int8", "int8_float16", "int8_float32")
PASCAL = ("float32", "int8", "int8_float32")


def gpu(gb: float | None, types: tuple[str, ...] = TURING) -> CudaDevice:
    return CudaDevice(0, "GPU", None if gb is None else int(gb * GB), types)


def test_a_gpu_with_room_computes_in_float16() -> None:
    assert default_compute("faster-whisper", gpu(80), "large-v3") == "float16"


def test_a_gpu_short_of_memory_keeps_its_weights_in_eight_bits() -> None:
    assert default_compute("faster-whisper", gpu(8), "large-v3") == "int8_float16"


def test_the_same_gpu_has_room_for_a_smaller_model() -> None:
    assert default_compute("faster-whisper", gpu(8), "large-v3-turbo") == "float16"


@pytest.mark.parametrize("gb", [2, 80])
def test_a_gpu_without_sixteen_bits_computes_in_eight(gb: float) -> None:
    assert default_compute("faster-whisper", gpu(gb, PASCAL), "medium") == "int8"


def test_a_gpu_with_nothing_but_float32_computes_in_that() -> None:
    for gb in (2, 80):
        assert default_compute("faster-whisper", gpu(gb, ("float32",)), "medium") == "float32"


def test_a_gpu_that_could_not_be_asked_can_do_all() -> None:
    assert default_compute("faster-whisper", gpu(80, ()), "medium") == "float16"
    assert default_compute("faster-whisper", gpu(2, ()), "medium") == "int8_float16"


def test_a_processor_computes_in_eight_bits() -> None:
    assert default_compute("faster-whisper", None, "medium") == "int8"


def test_whisper_cpp_computes_in_its_own_numbers() -> None:
    assert default_compute("whisper-cpp", None, "medium") == "q8_0"
    assert default_compute("whisper-cpp", gpu(80), "medium", "cuda") == "q5_0"


def test_a_card_sold_with_what_a_model_wants_is_not_short() -> None:
    # 10 GB cards report 9.8.
    assert not is_short(gpu(9.8), "large-v3")
    assert is_short(gpu(9.4), "large-v3")


def test_nothing_is_short_that_nobody_knows() -> None:
    assert not is_short(gpu(None), "large-v3")
    assert not is_short(gpu(1), "/models/mine")


@pytest.mark.parametrize("name", catalog.MODELS)
def test_what_is_computed_in_is_always_something_the_gpu_can(name: str) -> None:
    for gb in (1, 4, 24):
        for types in (TURING, PASCAL, ("float32",)):
            assert default_compute("faster-whisper", gpu(gb, types), name) in types
