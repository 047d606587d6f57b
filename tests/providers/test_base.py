from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from echocli.errors import OutOfMemory
from echocli.providers.base import (
    MOST_ON_ACCELERATOR,
    MOST_WINDOWS,
    DecodeOptions,
    Hypothesis,
    LoadReport,
    LoadSpec,
    Piece,
    Provider,
    ProviderInfo,
    Window,
)

pytestmark = pytest.mark.unit

SPEC = LoadSpec("echo", "m", "p")


class Echo(Provider):
    """Says the number of its window; with a barrier, only when all slots are at work."""

    info: ClassVar[ProviderInfo] = ProviderInfo("echo", "", "json", "pip install json")
    barrier: threading.Barrier | None = None
    unloads = 0

    def _load(self) -> LoadReport:
        return LoadReport()

    def _decode(
        self,
        batch: Sequence[Window],
        options: DecodeOptions,  # noqa: ARG002
    ) -> list[Hypothesis]:
        if self.barrier is not None:
            self.barrier.wait(10)
        return [self._say(window) for window in batch]

    def _say(self, window: Window) -> Hypothesis:
        if window.id == 13:
            raise ValueError("thirteen")
        return Hypothesis(window.id, (Piece(0, 1, f" {window.id}"), Piece(1, 2, ".")), 2)

    def _unload(self) -> None:
        self.unloads += 1


class Cramped(Echo):
    """Takes all windows at once, and has room for some of them."""

    room = 2
    full: type[Exception] = OutOfMemory

    def __init__(self, spec: LoadSpec = SPEC) -> None:
        super().__init__(spec)
        self.tried: list[int] = []

    def _load(self) -> LoadReport:
        if self.room < 0:
            raise self.full("no room")
        return LoadReport()

    def _batches(
        self,
        windows: Sequence[Window],
        options: DecodeOptions,  # noqa: ARG002
    ) -> Sequence[Sequence[Window]]:
        return [windows]

    def _decode(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        self.tried.append(len(batch))
        if len(batch) > self.room:
            raise self.full("no room")
        return super()._decode(batch, options)


class Missing(Echo):
    info: ClassVar[ProviderInfo] = ProviderInfo("missing", "", "no_such_library", "pip install it")


def windows(*numbers: int) -> list[Window]:
    return [Window(n, 0, np.zeros(10, np.float32)) for n in numbers]


@pytest.mark.parametrize("slots", [1, 3])
def test_results_are_in_the_order_of_the_windows(slots: int) -> None:
    provider = Echo(LoadSpec("echo", "m", "p", slots=slots))
    provider.load()
    found = provider.decode(windows(3, 1, 2, 9), DecodeOptions())
    provider.unload()
    assert [hypothesis.text for hypothesis in found] == [" 3.", " 1.", " 2.", " 9."]
    assert all(hypothesis.decode_ms > 0 for hypothesis in found)


def test_slots_work_at_the_same_time() -> None:
    provider = Echo(LoadSpec("echo", "m", "p", slots=3))
    provider.load()
    provider.barrier = threading.Barrier(3)
    assert len(provider.decode(windows(1, 2, 3), DecodeOptions())) == 3
    provider.unload()


@pytest.mark.parametrize("slots", [1, 2])
def test_an_error_of_one_window_is_the_error_of_the_request(slots: int) -> None:
    provider = Echo(LoadSpec("echo", "m", "p", slots=slots))
    provider.load()
    with pytest.raises(ValueError, match="thirteen"):
        provider.decode(windows(12, 13), DecodeOptions())
    assert provider.decode(windows(12), DecodeOptions())
    provider.unload()


def test_no_windows_give_no_results() -> None:
    provider = Echo(SPEC)
    provider.load()
    assert provider.decode([], DecodeOptions()) == []


def test_unloading_twice_is_harmless_and_ends_the_slots() -> None:
    provider = Echo(LoadSpec("echo", "m", "p", slots=2))
    provider.load()
    provider.decode(windows(1, 2), DecodeOptions())
    provider.unload()
    provider.unload()
    assert not [t for t in threading.enumerate() if t.name.startswith("slot")]


def test_availability_looks_for_the_library_and_tells_how_to_get_it() -> None:
    assert Echo.is_available().available
    state = Missing.is_available()
    assert not state.available
    assert (state.reason, state.hint) == ("no_such_library is not installed", "pip install it")


@pytest.mark.parametrize("full", [OutOfMemory, MemoryError])
def test_a_batch_without_room_is_halved_and_every_window_has_its_text(
    full: type[Exception],
) -> None:
    provider = Cramped()
    provider.full = full
    provider.load()
    found = provider.decode(windows(*range(9)), DecodeOptions())
    assert [hypothesis.text for hypothesis in found] == [f" {n}." for n in range(9)]
    assert provider.tried == [9, 4, 2, 2, 5, 2, 3, 1, 2]


def test_later_batches_are_no_larger_than_what_had_room() -> None:
    provider = Cramped()
    provider.load()
    provider.decode(windows(*range(8)), DecodeOptions())
    assert provider.largest_batch == 2


@pytest.mark.parametrize("full", [OutOfMemory, MemoryError])
def test_a_window_without_room_of_its_own_is_out_of_memory(full: type[Exception]) -> None:
    provider = Cramped()
    provider.full, provider.room = full, 0
    provider.load()
    with pytest.raises(OutOfMemory, match="no room"):
        provider.decode(windows(1, 2), DecodeOptions())


@pytest.mark.parametrize("full", [OutOfMemory, MemoryError])
def test_a_model_without_room_is_out_of_memory(full: type[Exception]) -> None:
    provider = Cramped()
    provider.full, provider.room = full, -1
    with pytest.raises(OutOfMemory):
        provider.load()


@pytest.mark.parametrize(
    ("device", "most"),
    [("cpu", MOST_WINDOWS), ("cuda", MOST_ON_ACCELERATOR), ("cuda:1", MOST_ON_ACCELERATOR)],
)
def test_a_gpu_gets_larger_batches_and_the_report_says_so(device: str, most: int) -> None:
    assert Echo(LoadSpec("echo", "m", "p", device=device)).load().largest_batch == most
