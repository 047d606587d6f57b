from __future__ import annotations

import pytest

from echocli.providers.memory import is_full, windows_for

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA failed with error out of memory"),
        RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"),
        RuntimeError("temporary_buffer::allocate: get_temporary_buffer failed"),
        RuntimeError("mkl_malloc: failed to allocate memory"),
        RuntimeError("could not create a memory object"),
        RuntimeError("std::bad_alloc"),
        MemoryError(),
    ],
    ids=str,
)
def test_the_words_of_every_library_for_full_memory_are_known(error: Exception) -> None:
    assert is_full(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA failed with error an illegal memory access was encountered"),
        RuntimeError("CUDA failed with error no CUDA-capable device is detected"),
        RuntimeError("File model.bin is incomplete: failed to read a buffer of size 4096"),
        ValueError("unsupported device metal"),
    ],
    ids=str,
)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_full(error)


@pytest.mark.parametrize(
    ("weights", "windows"), [(75_537_502, 11), (145_217_607, 5), (3_000_000_000, 1)]
)
def test_large_models_get_small_batches(weights: int, windows: int) -> None:
    assert windows_for(weights) == windows
