from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.decoding.windows import WindowOptions, WindowPlanner
from echocli.types import SAMPLE_RATE, Samples, Span
from echocli.vad.endpointer import FRAME, Endpointer, VadOptions

pytestmark = pytest.mark.unit

SMALL = WindowOptions(longest=40 * FRAME, join_gap=8 * FRAME, shortest=2 * FRAME)
VAD = VadOptions(min_speech_ms=64, min_silence_ms=96, pad_ms=64)
LOOKAHEAD = 20 * FRAME
"""What the endpointer of ``VAD`` may leave undecided, generously."""


@dataclass(frozen=True, slots=True)
class Planned:
    windows: list[Span]
    sounds: list[Samples]
    spans: list[Span]
    most_buffered: int
    longest_block: int


def ramp(frames: int) -> Samples:
    return np.arange(frames * FRAME, dtype=np.float32)


def plan(
    probabilities: list[float],
    blocks: list[int],
    options: WindowOptions = SMALL,
    vad: VadOptions = VAD,
) -> Planned:
    """Feed frames in blocks of the given sizes (repeated) and consume every window whole."""
    sound, planner, endpointer = ramp(len(probabilities)), WindowPlanner(options), Endpointer(vad)
    windows: list[Span] = []
    sounds: list[Samples] = []
    spans: list[Span] = []
    most, position = 0, 0

    def drain() -> None:
        while (window := planner.next()) is not None:
            windows.append(window)
            sounds.append(planner.sound(window))
            planner.advance(window.end)

    for size in itertools.cycle(blocks):
        if position >= len(probabilities):
            break
        closed = endpointer.feed(probabilities[position : position + size])
        block = sound[position * FRAME : (position + size) * FRAME]
        planner.feed(block, closed, endpointer.open_start, endpointer.decided)
        spans += closed
        most = max(most, planner.buffered)
        drain()
        position += size
    closed = endpointer.finish(len(sound))
    spans += closed
    planner.finish(closed)
    drain()
    return Planned(windows, sounds, spans, most, max(blocks) * FRAME)


def runs(*lengths: int) -> list[float]:
    """Return silence, speech, silence … of these many frames."""
    return [float(i % 2) for i, count in enumerate(lengths) for _ in range(count)]


speech = st.lists(st.integers(1, 60), max_size=10).map(lambda lengths: runs(*lengths))
cuttings = st.lists(st.integers(1, 50), min_size=1, max_size=5)


@given(speech, cuttings)
def test_windows_are_ordered_and_within_the_longest(
    probabilities: list[float], blocks: list[int]
) -> None:
    planned = plan(probabilities, blocks)
    for before, after in itertools.pairwise(planned.windows):
        assert before.end <= after.start
    for window, sound in zip(planned.windows, planned.sounds, strict=True):
        assert 0 < window.length <= SMALL.longest
        assert np.array_equal(sound, np.arange(window.start, window.end, dtype=np.float32))


@given(speech, cuttings)
def test_every_sample_of_every_span_lies_in_a_window(
    probabilities: list[float], blocks: list[int]
) -> None:
    planned = plan(probabilities, blocks)
    covered = np.zeros(len(probabilities) * FRAME, dtype=bool)
    for window in planned.windows:
        covered[window.start : window.end] = True
    for span in planned.spans:
        # A rest shorter than ``shortest`` behind a full window is padding.
        missing = np.flatnonzero(~covered[span.start : span.end])
        assert len(missing) < SMALL.shortest + 1
        assert len(missing) == 0 or missing[-1] == span.length - 1


@given(speech, cuttings)
def test_any_cutting_of_the_input_gives_the_same_windows(
    probabilities: list[float], blocks: list[int]
) -> None:
    assert plan(probabilities, blocks).windows == plan(probabilities, [1]).windows


@given(speech, cuttings)
def test_buffered_sound_is_bounded(probabilities: list[float], blocks: list[int]) -> None:
    planned = plan(probabilities, blocks)
    bound = SMALL.longest + SMALL.join_gap + LOOKAHEAD + planned.longest_block
    assert planned.most_buffered <= bound


@given(speech, st.integers(1, 30))
def test_partly_consumed_windows_go_on_where_the_text_ended(
    probabilities: list[float], frames: int
) -> None:
    planner, endpointer = WindowPlanner(SMALL), Endpointer(VAD)
    spans = endpointer.feed(probabilities) + endpointer.finish(len(probabilities) * FRAME)
    planner.feed(ramp(len(probabilities)), spans, None, endpointer.decided)
    planner.finish([])
    reached = 0
    while (window := planner.next()) is not None:
        assert window.start >= reached
        reached = window.start + min(frames * FRAME, window.length)
        planner.advance(reached)
    assert all(span.end - reached < SMALL.shortest + 1 for span in spans)


def test_spans_close_together_share_a_window() -> None:
    planned = plan(runs(5, 8, 6, 8, 30, 8, 30), [1])
    assert len(planned.spans) == 3
    assert planned.windows == [
        Span(planned.spans[0].start, planned.spans[1].end),
        planned.spans[2],
    ]


def test_speech_without_end_is_cut_into_full_windows() -> None:
    planned = plan([1.0] * 100, [7])
    assert [window.length // FRAME for window in planned.windows] == [40, 40, 20]


def test_a_full_window_does_not_wait_for_the_end_of_the_speech() -> None:
    planner = WindowPlanner(SMALL)
    planner.feed(ramp(39), [], 0, 39 * FRAME)
    assert planner.next() is None
    planner.feed(ramp(1), [], 0, 40 * FRAME)
    assert planner.next() == Span(0, 40 * FRAME)


def test_a_window_waits_until_no_speech_can_come_near() -> None:
    planner = WindowPlanner(SMALL)
    planner.feed(ramp(18), [Span(0, 10 * FRAME)], None, 18 * FRAME)
    assert planner.next() is None
    planner.feed(ramp(1), [], None, 19 * FRAME)
    assert planner.next() == Span(0, 10 * FRAME)


def test_silence_is_forgotten_at_once() -> None:
    planner = WindowPlanner(SMALL)
    for frame in range(1000):
        planner.feed(ramp(1), [], None, frame * FRAME)
        assert planner.next() is None
        assert planner.buffered <= FRAME
    planner.finish([])
    assert planner.next() is None


def test_nothing_fed_gives_nothing() -> None:
    planner = WindowPlanner()
    planner.finish([])
    assert planner.next() is None


def test_the_defaults_fit_whisper() -> None:
    options = WindowOptions()
    assert options.longest == 30 * SAMPLE_RATE
    planned = plan([1.0] * 2000, [31], options, VadOptions())
    assert [window.length / SAMPLE_RATE for window in planned.windows] == [30, 30, 4]


def test_the_rest_of_a_span_that_touches_the_next_shares_its_window() -> None:
    """Touching spans share a short silence, so such a rest has too little padding to be dropped."""
    planner = WindowPlanner()
    second = SAMPLE_RATE
    spans = [Span(0, round(30.3 * second)), Span(round(30.3 * second), 40 * second)]
    planner.feed(np.zeros(40 * second, np.float32), spans, None, 40 * second)
    planner.finish([])
    first = planner.next()
    assert first == Span(0, 30 * second)
    planner.advance(first.end)
    assert planner.next() == Span(30 * second, 40 * second)


def test_the_padding_behind_the_last_speech_is_no_window() -> None:
    planner = WindowPlanner()
    planner.feed(
        np.zeros(31 * SAMPLE_RATE, np.float32),
        [Span(0, round(30.3 * SAMPLE_RATE))],
        None,
        31 * SAMPLE_RATE,
    )
    planner.finish([])
    planner.advance(30 * SAMPLE_RATE)
    assert planner.next() is None
