from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from echocli.audio.clip import Clip
from echocli.runtime.hearing import Hearing
from echocli.runtime.listening import FRAME, Detector
from echocli.types import Samples, Span
from echocli.vad.endpointer import VadOptions

pytestmark = pytest.mark.unit

ONE_BY_ONE = settings(deadline=None, max_examples=50)
"""For blocks of a single sample, which nobody hands over and which take their time."""

TIGHT = VadOptions(min_speech_ms=32, min_silence_ms=64, pad_ms=0)


class Scripted:
    """A detector that plays probabilities and fails at a frame."""

    def __init__(self, probabilities: list[float], fails_at: int | None = None) -> None:
        self._probabilities = probabilities
        self._fails_at = fails_at
        self._samples = 0
        self._given = 0

    def probabilities(self, block: Samples) -> NDArray[np.float32]:
        self._samples += len(block)
        return self._until(self._samples // FRAME)

    def flush(self) -> NDArray[np.float32]:
        return self._until(-(-self._samples // FRAME))

    def _until(self, frames: int) -> NDArray[np.float32]:
        if self._fails_at is not None and frames > self._fails_at:
            raise RuntimeError("the detector broke")
        part = self._probabilities[self._given : frames]
        self._given = frames
        return np.array(part, dtype=np.float32)


def cannot_load() -> Detector:
    raise OSError("no such file: silero.onnx")


def playing(probabilities: list[float], fails_at: int | None = None) -> Callable[[], Detector]:
    return lambda: Scripted(probabilities, fails_at)


def spans(hearing: Hearing, total: int, size: int = 3000) -> list[Span]:
    found: list[Span] = []
    for start in range(0, total, size):
        heard = hearing.hear(np.zeros(min(size, total - start), np.float32))
        found += heard.islands
        assert heard.decided <= hearing.total
    return found + list(hearing.finish())


def test_speech_and_silence_are_counted() -> None:
    probabilities = [0.0] * 10 + [1.0] * 20 + [0.0] * 10 + [1.0] * 20
    hearing = Hearing(TIGHT, playing(probabilities))
    assert spans(hearing, 60 * FRAME) == [
        Span(10 * FRAME, 30 * FRAME),
        Span(40 * FRAME, 60 * FRAME),
    ]
    assert hearing.speech_samples == 40 * FRAME
    assert hearing.silences == 2
    assert hearing.listening.notices == []


def test_without_detection_all_sound_is_speech_and_no_detector_is_loaded() -> None:
    hearing = Hearing(None, cannot_load)
    assert spans(hearing, 100_001) == [Span(0, 100_001)]
    assert (hearing.listening.failures, hearing.listening.notices, hearing.silences) == (0, [], 0)


def test_a_detector_that_cannot_load_costs_one_notice_and_no_sound() -> None:
    hearing = Hearing(VadOptions(), cannot_load)
    assert spans(hearing, 100_001) == [Span(0, 100_001)]
    assert hearing.listening.failures == 1
    assert [notice.code for notice in hearing.listening.notices] == ["vad_failed"]
    assert "silero.onnx" in hearing.listening.notices[0].message


def test_a_detector_that_breaks_in_the_middle_loses_no_sound_from_there_on() -> None:
    probabilities = [0.0] * 10 + [1.0] * 20 + [0.0] * 200
    hearing = Hearing(TIGHT, playing(probabilities, fails_at=100))
    found = spans(hearing, 200 * FRAME, size=FRAME)
    assert found == [Span(10 * FRAME, 30 * FRAME), Span(100 * FRAME, 200 * FRAME)]
    assert hearing.listening.failures == len(hearing.listening.notices) == 1


def test_a_detector_that_breaks_at_the_end_loses_no_sound() -> None:
    hearing = Hearing(TIGHT, playing([1.0] * 20, fails_at=20))
    assert spans(hearing, 20 * FRAME + 5, size=FRAME) == [Span(0, 20 * FRAME + 5)]
    assert hearing.listening.failures == 1


@ONE_BY_ONE
@given(st.integers(0, 60), st.integers(1, 60 * FRAME), st.integers(1, 5000))
def test_wherever_the_detector_breaks_the_rest_is_decoded(
    fails_at: int, total: int, size: int
) -> None:
    hearing = Hearing(VadOptions(min_speech_ms=0), playing([0.0] * 60, fails_at))
    found = spans(hearing, total, size)
    if not hearing.listening.failures:
        assert found == []
        return
    assert found[-1].end == total
    assert found[0].start <= fails_at * FRAME
    assert len(found) == 1


@ONE_BY_ONE
@given(st.integers(1, 5000))
def test_any_cutting_gives_the_same_spans(size: int) -> None:
    probabilities = [0.0] * 8 + [1.0] * 9 + [0.0] * 12 + [1.0] * 6
    hearing = Hearing(TIGHT, playing(probabilities))
    assert spans(hearing, 35 * FRAME, size) == [
        Span(8 * FRAME, 17 * FRAME),
        Span(29 * FRAME, 35 * FRAME),
    ]


@ONE_BY_ONE
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.4, 1.0]), st.integers(1, 40)), max_size=12),
    st.integers(1, 20_000),
)
def test_the_same_islands_come_whatever_the_blocks(
    runs: list[tuple[float, int]], size: int
) -> None:
    probabilities = [value for value, count in runs for _ in range(count)]
    total = len(probabilities) * FRAME
    frame_by_frame = spans(Hearing(VadOptions(), playing(probabilities)), total, FRAME)
    assert spans(Hearing(VadOptions(), playing(probabilities)), total, size) == frame_by_frame


def test_nothing_heard_is_no_span() -> None:
    hearing = Hearing(None)
    assert (hearing.finish(), hearing.total, hearing.silences) == ((), 0, 0)


def test_speech_that_goes_on_does_not_hold_back_what_is_decided() -> None:
    hearing = Hearing(None)
    heard = [hearing.hear(np.zeros(10 * FRAME, np.float32)) for _ in range(5)]
    assert [one.open_start for one in heard] == [0] * 5
    assert [one.decided for one in heard] == [10 * FRAME * n for n in range(1, 6)]


parts = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(1, 20_000)), min_size=1, max_size=4
).map(lambda pairs: Clip.of(Span(start, start + length) for start, length in pairs))


@ONE_BY_ONE
@given(
    parts, st.integers(1, 50_000), st.integers(1, 5000), st.sampled_from(["off", "all", "fails"])
)
def test_there_is_no_speech_outside_of_a_clip(
    clip: Clip, total: int, size: int, detection: str
) -> None:
    options = None if detection == "off" else VadOptions(min_speech_ms=0, pad_ms=0)
    hearing = Hearing(options, playing([1.0] * 200, 20 if detection == "fails" else None), clip)
    found = spans(hearing, total, size)
    for span in found:
        assert clip.frames(span.start // FRAME, -(-span.end // FRAME), FRAME).any()
        assert clip.inside(span.start - FRAME, span.start + FRAME)
        assert clip.inside(span.end - FRAME, span.end + FRAME)
    assert hearing.speech_samples <= clip.inside(0, total)
    if detection == "off":
        assert hearing.speech_samples == clip.inside(0, total)


def test_a_detector_is_asked_within_a_clip_only() -> None:
    clip = Clip((Span(10 * FRAME, 20 * FRAME), Span(30 * FRAME + 1, 31 * FRAME)))
    hearing = Hearing(TIGHT, playing([1.0] * 11), clip)
    assert spans(hearing, 60 * FRAME) == [
        Span(10 * FRAME, 20 * FRAME),
    ]
    assert hearing.listening.failures == 0
