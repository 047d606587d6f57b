"""whisper.cpp in a worker: its slots, the memory they take, and its last words."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import wait
from pathlib import Path

import psutil
import pytest

from echocli.providers.whisper_cpp import WhisperCpp
from echocli.runtime.spawning import child_environment
from echocli.runtime.worker import Worker
from echocli.types import SAMPLE_RATE, Samples
from tests.providers.whisper_cpp_hearing import (
    KETTLE,
    PLAIN,
    spec_of,
    window,
)

pytestmark = pytest.mark.model

pytest.importorskip("_pywhispercpp", reason="the extra `whisper-cpp` is not installed")

HIGHEST_MB = 300
"""Resident memory of a worker with the base model."""
MOST_MB = 400
"""The same while guards have it decode with several beams."""

ABORT = """
import sys
from echocli.providers.base import LoadSpec
from echocli.providers.whisper_cpp import WhisperCpp

provider = WhisperCpp(LoadSpec("whisper-cpp", "tiny.en", sys.argv[1]))
provider.load()
with provider._state() as state:
    state.logits([10**6], 0)
"""


def test_the_last_word_of_a_process_that_aborts_is_the_cause(weights: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ABORT, str(weights)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=child_environment(),
    )
    assert done.returncode < 0
    assert "GGML_ASSERT" in done.stderr.splitlines()[-1]


def test_more_slots_are_threads_of_two_states(weights: Path) -> None:
    provider = WhisperCpp(spec_of(weights, slots=4, threads=1))
    assert (provider.spec.slots, provider.spec.threads) == (2, 2)
    assert WhisperCpp(spec_of(weights, slots=3, threads=0)).spec.threads == 0
    provider.load()
    assert provider._states.qsize() == 2
    provider.unload()


@pytest.fixture(scope="module")
def plain_peaks(weights: Path, kettle: Samples) -> list[int]:
    """Return the bytes of one slot and of two with one decoder each."""
    return [_peak(weights, kettle, slots, {}) for slots in (1, 2)]


@pytest.mark.parametrize("changes", [{"beam_size": 5}, {"temperature": 0.2}])
def test_one_window_at_a_time_has_several_decoders(
    weights: Path, kettle: Samples, plain_peaks: list[int], changes: dict[str, object]
) -> None:
    """Their keys and values take 16 MB a slot (tiny.en)."""
    peaks = [_peak(weights, kettle, slots, changes) for slots in (1, 2)]
    added = [high - low for high, low in zip(peaks, plain_peaks, strict=True)]
    assert added[1] < 1.5 * added[0]


def _peak(weights: Path, speech: Samples, slots: int, changes: dict[str, object]) -> int:
    """Return the bytes that a worker holds at most while all slots decode the full 30 s."""
    worker = Worker(spec_of(weights, slots=slots))
    try:
        worker.loaded.result(60)
        wide = [window(speech, tail=None, **changes) for _ in range(slots)]
        answer = worker.submit(wide, PLAIN)
        process, held = psutil.Process(worker.pid), [0]
        while not answer.done():
            held.append(process.memory_info().rss)
            wait([answer], 0.01)
        answer.result()
        return max(held)
    finally:
        worker.stop()


def test_a_worker_serves_it_and_says_nothing(weights: Path, kettle: Samples) -> None:
    worker = Worker(spec_of(weights, slots=2))
    try:
        worker.loaded.result(60)
        answer = worker.submit([window(kettle)], PLAIN).result(60)
        assert answer.hypotheses[0].text.strip() == KETTLE
        assert not worker._last_words
    finally:
        worker.stop()


def test_base_stays_below_its_memory(base: Path, meeting: Samples) -> None:
    worker = Worker(spec_of(base, model="base", slots=2))
    try:
        worker.loaded.result(60)
        windows = [window(meeting[: 19 * SAMPLE_RATE]) for _ in range(2)]
        done = worker.submit(windows, PLAIN).result(120)
        assert done.rss_bytes < HIGHEST_MB * 2**20
    finally:
        worker.stop()


def test_base_stays_below_its_memory_with_beams(base: Path, meeting: Samples) -> None:
    assert _peak(base, meeting, 2, {"beam_size": 5}) < MOST_MB * 2**20
