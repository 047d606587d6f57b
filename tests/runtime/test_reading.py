"""A reader that waits for room ends as soon as nobody listens."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from echocli.audio.array import ArraySource
from echocli.audio.clip import WHOLE
from echocli.runtime import reading
from echocli.runtime.reading import WAITING_BLOCKS, Reader
from echocli.types import SAMPLE_RATE, Samples

pytestmark = pytest.mark.unit


def test_one_that_waits_for_room_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "POLL_SECS", 60.0)
    full = threading.Event()

    def endless() -> Iterator[Samples]:
        for number in range(10 * WAITING_BLOCKS):
            if number == WAITING_BLOCKS:
                full.set()
            yield np.zeros(SAMPLE_RATE, np.float32)

    before = set(threading.enumerate())
    reader = Reader(ArraySource(endless()), None, WHOLE)
    reader.start()
    assert full.wait(30)
    reader.stop()
    assert set(threading.enumerate()) <= before
