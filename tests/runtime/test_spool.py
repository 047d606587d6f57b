from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echocli.errors import OutputError
from echocli.runtime.spool import Spool

pytestmark = pytest.mark.unit


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool[int]]:
    made = Spool[int](tmp_path)
    yield made
    made.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5000), max_size=8))
def test_sounds_come_back_in_order_and_as_they_were(tmp_path: Path, lengths: list[int]) -> None:
    spool = Spool[int](tmp_path)
    source = np.random.default_rng(len(lengths))
    sounds = [source.uniform(-1, 1, length).astype(np.float32) for length in lengths]
    for number, sound in enumerate(sounds):
        spool.put(number, sound)
    assert (len(spool), spool.samples) == (len(lengths), sum(lengths))
    for number, sound in enumerate(sounds):
        what, found = spool.take()
        assert what == number
        assert found == pytest.approx(sound, abs=1 / 32767)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_took_stays_where_it_was_unless_nothing_may_be_left(tmp_path: Path) -> None:
    for leaves in (True, False):
        spool = Spool[int](tmp_path, leaves=leaves)
        spool.put(1, np.zeros(100, np.float32))
        kept = spool.keep()
        spool.close()
        assert (kept is not None and kept.exists()) is leaves
    assert len(list(tmp_path.iterdir())) == 1


def test_what_was_taken_is_gone_from_the_disk(spool: Spool[int], tmp_path: Path) -> None:
    spool.put(1, np.zeros(100, np.float32))
    spool.take()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_nothing_is_made_before_there_is_something_to_keep(
    spool: Spool[int], tmp_path: Path
) -> None:
    assert list(tmp_path.iterdir()) == []


def test_taking_from_an_empty_spool_is_a_mistake(spool: Spool[int]) -> None:
    with pytest.raises(IndexError):
        spool.take()


def test_a_disk_that_is_full_is_said_and_what_is_kept_stays(spool: Spool[int]) -> None:
    spool.put(1, np.ones(1000, np.float32))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match="cannot be kept"):
            spool.put(2, np.ones(100_000, np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert spool.take()[0] == 1
    assert len(spool) == 0
