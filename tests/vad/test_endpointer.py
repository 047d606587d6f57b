from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import UsageError
from echocli.types import Span
from echocli.vad.endpointer import FRAME, Endpointer, VadOptions

pytestmark = pytest.mark.unit

BARE = VadOptions(min_speech_ms=0, min_silence_ms=64, pad_ms=0)
probabilities = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), max_size=120)
options = st.builds(
    VadOptions,
    min_speech_ms=st.sampled_from([0, 64, 100, 250]),
    min_silence_ms=st.sampled_from([0, 64, 300, 700]),
    pad_ms=st.sampled_from([0, 32, 100, 400]),
    max_speech_s=st.sampled_from([2.0, 1.5, float("inf")]),
)


def run(frames: list[float], chosen: VadOptions, total: int | None = None) -> list[Span]:
    pointer = Endpointer(chosen)
    length = len(frames) * FRAME if total is None else total
    return pointer.feed(frames) + pointer.finish(length)


def speech(*runs: tuple[float, int]) -> list[float]:
    return [value for value, count in runs for _ in range(count)]


def test_silence_gives_no_span() -> None:
    assert run([0.0] * 50, VadOptions()) == []


def test_speech_is_padded_on_both_sides_and_clipped_to_the_input() -> None:
    frames = speech((0, 20), (1, 20), (0, 40))
    assert run(frames, VadOptions(pad_ms=320)) == [Span(10 * FRAME, 50 * FRAME)]
    assert run([1.0] * 20, VadOptions(pad_ms=320), 20 * FRAME - 100) == [Span(0, 20 * FRAME - 100)]


def test_doubtful_frames_belong_to_speech_that_has_begun() -> None:
    assert run(speech((0.4, 10), (1, 10), (0.4, 10), (0, 20)), BARE) == [
        Span(10 * FRAME, 30 * FRAME)
    ]


def test_short_silence_does_not_end_a_span() -> None:
    frames = speech((1, 10), (0, 2), (1, 10), (0, 20))
    assert run(frames, BARE) == [Span(0, 22 * FRAME)]


def test_short_speech_is_dropped() -> None:
    chosen = VadOptions(min_speech_ms=100, min_silence_ms=64, pad_ms=0)
    assert run(speech((0, 5), (1, 3), (0, 20), (1, 4), (0, 20)), chosen) == [
        Span(28 * FRAME, 32 * FRAME)
    ]


def test_near_spans_share_the_silence_between_them() -> None:
    chosen = VadOptions(min_speech_ms=0, min_silence_ms=64, pad_ms=320)
    frames = speech((1, 10), (0, 8), (1, 10), (0, 40))
    assert run(frames, chosen) == [Span(0, 14 * FRAME), Span(14 * FRAME, 38 * FRAME)]


def test_a_click_between_spans_takes_no_padding_from_them() -> None:
    chosen = VadOptions(min_speech_ms=100, min_silence_ms=64, pad_ms=320)
    frames = speech((1, 10), (0, 6), (1, 1), (0, 40))
    assert run(frames, chosen) == [Span(0, 20 * FRAME)]


def test_long_speech_is_split_at_its_last_pause_and_keeps_every_sample() -> None:
    chosen = VadOptions(min_silence_ms=400, pad_ms=0, min_speech_ms=0, max_speech_s=2.0)
    frames = speech((1, 40), (0, 6), (1, 40), (0, 30))
    assert run(frames, chosen) == [Span(0, 40 * FRAME), Span(46 * FRAME, 86 * FRAME)]


def test_long_speech_without_a_pause_is_cut_without_a_gap() -> None:
    chosen = VadOptions(pad_ms=0, max_speech_s=1.0)
    spans = run([1.0] * 100, chosen)
    assert spans[0].start == 0
    assert spans[-1].end == 100 * FRAME
    assert all(one.end == two.start for one, two in itertools.pairwise(spans))


def test_an_open_span_is_known_before_it_closes() -> None:
    pointer = Endpointer(VadOptions(min_speech_ms=100, pad_ms=320))
    assert pointer.feed(speech((0, 20), (1, 3))) == []
    assert (pointer.open_start, pointer.decided) == (None, 10 * FRAME)
    pointer.feed([1.0] * 5)
    assert (pointer.open_start, pointer.decided) == (10 * FRAME, 18 * FRAME)


@given(probabilities, options, st.lists(st.integers(0, 120), max_size=6))
def test_cutting_the_probabilities_does_not_change_the_spans(
    frames: list[float], chosen: VadOptions, cuts: list[int]
) -> None:
    pointer = Endpointer(chosen)
    spans: list[Span] = []
    edges = [0, *sorted(min(cut, len(frames)) for cut in cuts), len(frames)]
    for start, end in itertools.pairwise(edges):
        spans += pointer.feed(frames[start:end])
    spans += pointer.finish(len(frames) * FRAME)
    assert spans == run(frames, chosen)


@given(probabilities, options, st.integers(0, FRAME - 1))
def test_spans_are_ordered_apart_and_inside_the_input(
    frames: list[float], chosen: VadOptions, missing: int
) -> None:
    total = max(0, len(frames) * FRAME - missing)
    spans = run(frames, chosen, total)
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), total]
    assert edges == sorted(edges)
    assert all(span.length > 0 for span in spans)
    limit = chosen.max_speech_s * 16_000
    assert all(span.length <= limit for span in spans)


@given(probabilities, options)
def test_what_is_decided_never_changes(frames: list[float], chosen: VadOptions) -> None:
    pointer, known, announced = Endpointer(chosen), 0, None
    total = len(frames) * FRAME
    for step in [*([frame] for frame in frames), None]:
        spans = pointer.finish(total) if step is None else pointer.feed(step)
        for span in spans:
            assert span.start >= known
            assert announced in (None, span.start)
            known, announced = span.end, None
        assert pointer.decided >= known or pointer.open_start is not None or spans
        announced = pointer.open_start
        known = max(known, pointer.decided if announced is None else known)
    assert pointer.decided == total


@given(probabilities, st.sampled_from([0, 100, 400]))
def test_without_limits_all_speech_is_inside_a_span(frames: list[float], pad: int) -> None:
    chosen = VadOptions(min_speech_ms=0, pad_ms=pad)
    covered = [False] * len(frames)
    for span in run(frames, chosen):
        for index in range(-(-span.start // FRAME), span.end // FRAME):
            covered[index] = True
    assert all(inside for inside, value in zip(covered, frames, strict=True) if value >= 0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0.0},
        {"threshold": 1.5},
        {"threshold": float("nan")},
        {"neg_threshold": 0.9},
        {"min_speech_ms": -1},
        {"min_silence_ms": float("nan")},
        {"pad_ms": float("inf")},
        {"max_speech_s": 0.5},
    ],
)
def test_options_that_make_no_sense_are_a_usage_error(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="--vad-"):
        VadOptions(**wrong)
