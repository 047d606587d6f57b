from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.decoding.guards import Thresholds
from echocli.decoding.sequential import Sequential, SequentialOptions
from echocli.decoding.windows import WindowOptions
from echocli.providers.base import Hypothesis, Piece, Window
from echocli.types import Segment, Span

pytestmark = pytest.mark.unit

RATE = 16_000
LOOP = " again and again" * 30
Answer = Callable[[Window], Hypothesis]


def says(
    text: str,
    *,
    logprob: float = -0.2,
    no_speech: float = 0.0,
    consumed: float | None = None,
    tokens: Sequence[int] = (1, 2),
) -> Answer:
    def answer(window: Window) -> Hypothesis:
        reach = len(window.samples) if consumed is None else round(consumed * RATE)
        return Hypothesis(
            window.id,
            (Piece(0, reach, text, tuple(tokens)),),
            reach,
            logprob,
            no_speech,
            window.temperature,
            language="en",
        )

    return answer


def fed(
    *spans: tuple[float, float],
    longest: float = 30,
    condition: bool = True,
    temperatures: tuple[float, ...] = Thresholds().temperatures,
) -> Sequential:
    """Return one that has had all the sound, with speech at these seconds."""
    sequence = Sequential(
        SequentialOptions(
            WindowOptions(longest=round(longest * RATE)),
            Thresholds(temperatures=temperatures),
            condition,
        )
    )
    speech = [Span(round(a * RATE), round(b * RATE)) for a, b in spans]
    total = speech[-1].end if speech else RATE
    sequence.feed(np.zeros(total, np.float32), speech, None, total)
    sequence.finish([])
    return sequence


def play(sequence: Sequential, *answers: Answer) -> tuple[list[Window], list[Segment]]:
    """Answer requests in turn, the last one for ever."""
    asked: list[Window] = []
    segments: list[Segment] = []
    turns = itertools.chain(answers, itertools.repeat(answers[-1]))
    while (window := sequence.request()) is not None:
        asked.append(window)
        segments += sequence.accept(next(turns)(window))
    return asked, segments


def test_each_window_becomes_segments_in_order() -> None:
    sequence = fed((0, 5), (10, 20), (40, 45))
    asked, segments = play(sequence, says(" one"), says(" two"), says(" three"))
    assert [(s.id, s.start, s.end, s.text) for s in segments] == [
        (0, 0, 5, "one"),
        (1, 10, 20, "two"),
        (2, 40, 45, "three"),
    ]
    assert [window.start for window in asked] == [0, 10 * RATE, 40 * RATE]
    assert sequence.windows == 3
    assert sequence.position == 45 * RATE
    assert sequence.language == "en"


def test_a_request_stays_the_same_until_it_is_answered() -> None:
    sequence = fed((0, 5))
    assert sequence.request() is sequence.request()


def test_silence_asks_for_nothing() -> None:
    sequence = fed()
    assert sequence.request() is None
    assert sequence.language is None


@pytest.mark.parametrize("bad", [says(LOOP), says(" hm", logprob=-1.5)])
def test_temperatures_are_tried_in_order_until_one_passes(bad: Answer) -> None:
    asked, segments = play(fed((0, 5)), bad, bad, says(" good"))
    assert [window.temperature for window in asked] == [0.0, 0.2, 0.4]
    assert [(s.text, s.temperature) for s in segments] == [("good", 0.4)]
    assert len({window.id for window in asked}) == 1


def test_when_all_temperatures_fail_the_best_is_chosen() -> None:
    answers = [
        says(LOOP, logprob=-0.1),
        says(" bad", logprob=-3),
        says(" best", logprob=-1.1),
        says(" poor", logprob=-2),
    ]
    sequence = fed((0, 5), temperatures=(0.0, 0.2, 0.4, 0.6))
    asked, segments = play(sequence, *answers)
    assert len(asked) == 4
    assert [segment.text for segment in segments] == ["best"]
    assert sequence.actions == {"repetitive": 1, "improbable": 3}


def test_silence_is_not_tried_again_and_leaves_no_text() -> None:
    sequence = fed((0, 5))
    asked, segments = play(sequence, says(" Thank you.", logprob=-1.5, no_speech=0.9))
    assert (len(asked), segments) == (1, [])
    assert sequence.actions == {"silence": 1}
    assert sequence.position == 5 * RATE


def test_previous_text_is_given_to_the_next_window() -> None:
    sequence = fed((0, 5), (10, 15), (20, 25))
    asked, _ = play(sequence, says(" a", tokens=[1, 2]), says(" b", tokens=[3]))
    assert [window.previous for window in asked] == [(), (1, 2), (1, 2, 3)]


def test_previous_text_is_bounded() -> None:
    spans = [(i * 10.0, i * 10.0 + 5) for i in range(10)]
    asked, _ = play(fed(*spans), says(" x", tokens=range(100)))
    assert max(len(window.previous) for window in asked) == 224


def test_previous_text_can_be_switched_off() -> None:
    asked, _ = play(fed((0, 5), (10, 15), condition=False), says(" a"))
    assert [window.previous for window in asked] == [(), ()]


@pytest.mark.parametrize(("tries", "kept"), [(3, True), (4, False)])
def test_hot_text_is_no_context(tries: int, kept: bool) -> None:
    bad = [says(LOOP)] * (tries - 1)
    sequence = fed((0, 5), (10, 15))
    asked, _ = play(sequence, *bad, says(" good", tokens=[9]), says(" next"))
    assert asked[-1].previous == ((9,) if kept else ())


def test_text_that_no_temperature_could_mend_is_no_context() -> None:
    sequence = fed((0, 5), (10, 15), temperatures=(0.0, 1.0))
    asked, _ = play(sequence, says(LOOP), says(LOOP), says(" next"))
    assert asked[-1].previous == ()


def test_tokens_of_empty_pieces_are_no_context() -> None:
    asked, _ = play(fed((0, 5), (10, 15)), says("  ", tokens=[5]), says(" a"))
    assert asked[1].previous == ()


def test_a_lost_window_is_a_gap_and_ends_the_context() -> None:
    sequence = fed((0, 5), (10, 15), (20, 25))
    first = sequence.request()
    assert first is not None
    sequence.accept(says(" a")(first))
    sequence.request()
    gap = sequence.lose("it crashed")
    assert (gap.start, gap.end, gap.reason) == (10, 15, "it crashed")
    last = sequence.request()
    assert last is not None
    assert (last.start, last.previous) == (20 * RATE, ())


def test_the_next_window_starts_where_the_text_ended() -> None:
    asked, segments = play(fed((0, 20)), says(" a", consumed=8), says(" b"))
    assert [window.start for window in asked] == [0, 8 * RATE]
    assert [(s.start, s.end) for s in segments] == [(0, 8), (8, 20)]


answers = st.builds(
    says,
    st.sampled_from([" text", LOOP, "", " x"]),
    logprob=st.sampled_from([-0.1, -0.9, -1.5]),
    no_speech=st.sampled_from([0.0, 0.9]),
    consumed=st.sampled_from([None, 0.0, 0.001, 0.5, 2.0, 99.0]),
)
speech = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=5)


@given(speech, st.lists(answers, min_size=1, max_size=8))
def test_any_answers_end_with_ordered_segments_and_bounded_work(
    lengths: list[tuple[int, int]], scripted: list[Answer]
) -> None:
    spans, at = [], 0
    for gap, length in lengths:
        spans.append((float(at + gap), float(at + gap + length)))
        at += gap + length
    sequence = fed(*spans, longest=4)
    turns = itertools.cycle(scripted)
    segments: list[Segment] = []
    asked = 0
    while (window := sequence.request()) is not None:
        asked += 1
        assert len(window.samples) <= 4 * RATE
        segments += sequence.accept(next(turns)(window))
        # Six temperatures for each 20 ms, the least that counts as an answer.
        assert asked <= 6 * 50 * at
    assert [segment.id for segment in segments] == list(range(len(segments)))
    edges = [edge for segment in segments for edge in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= at for edge in edges)


def test_a_model_that_accounts_for_nothing_does_not_stop_the_run() -> None:
    asked, _ = play(fed((0, 5), (10, 15)), says(" a", consumed=0))
    assert [window.start for window in asked] == [0, 10 * RATE]
