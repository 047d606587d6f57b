from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.decoding.guards import Thresholds
from echocli.decoding.packing import PackOptions
from echocli.decoding.pipeline import CONTEXT_TOKENS, Pipeline, PipelineOptions
from echocli.events import Gap
from echocli.providers.base import Hypothesis, Piece, Window
from echocli.types import SAMPLE_RATE, Segment, Span, seconds

pytestmark = pytest.mark.unit

RATE = SAMPLE_RATE
LOOP = " again and again" * 30
Answer = Callable[[Window], Hypothesis]
Spoken = Sequence[tuple[float, float]]


def says(
    text: str,
    *,
    logprob: float = -0.2,
    no_speech: float = 0.0,
    until: float | None = None,
    tokens: Sequence[int] = (1, 2),
    language: str = "en",
) -> Answer:
    """Answer with one text that accounts for ``until`` seconds of the window."""

    def answer(window: Window) -> Hypothesis:
        length = len(window.samples)
        reach = length if until is None else min(length, round(until * RATE))
        return Hypothesis(
            window.id,
            (Piece(0, reach, text, tuple(tokens)),),
            reach,
            logprob,
            no_speech,
            window.temperature,
            language=window.language or language,
        )

    return answer


def tells(*pieces: tuple[float, float, str]) -> Answer:
    """Answer with these pieces (seconds from the start of the window)."""

    def answer(window: Window) -> Hypothesis:
        found = tuple(Piece(round(a * RATE), round(b * RATE), text) for a, b, text in pieces)
        return Hypothesis(window.id, found, min(found[-1].end, len(window.samples)), -0.2)

    return answer


def fed(
    *spoken: tuple[float, float],
    condition: bool = False,
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6),
    longest: float = 20,
    tail: float | None = 7,
) -> Pipeline:
    """Return a pipeline that has had all the sound, with speech at these seconds."""
    pipeline = Pipeline(
        PipelineOptions(
            packing=PackOptions(longest=round(longest * RATE), pad=0),
            tail=None if tail is None else round(tail * RATE),
            thresholds=Thresholds(temperatures=temperatures),
            condition_on_previous_text=condition,
        )
    )
    islands = [Span(round(a * RATE), round(b * RATE)) for a, b in spoken]
    total = islands[-1].end if islands else RATE
    loud = np.full(total, 0.1, np.float32)
    pipeline.feed(loud, islands, None, total)
    pipeline.finish([])
    return pipeline


def play(pipeline: Pipeline, *answers: Answer) -> tuple[list[Window], list[Segment | Gap]]:
    """Answer one request after the other, with the last answer for ever."""
    asked: list[Window] = []
    out: list[Segment | Gap] = []
    turns = itertools.chain(answers, itertools.repeat(answers[-1]))
    while windows := pipeline.requests(1):
        asked += windows
        pipeline.accept(next(turns)(windows[0]))
        out += pipeline.release()
    return asked, out


def texts(out: Sequence[Segment | Gap]) -> list[str]:
    return [item.text if isinstance(item, Segment) else item.reason for item in out]


def starts(windows: Sequence[Window]) -> list[float]:
    return [seconds(window.start) for window in windows]


THREE = ((0, 5), (10, 20), (40, 45))


def test_each_window_becomes_segments_on_the_time_line_of_the_input() -> None:
    pipeline = fed(*THREE)
    asked, out = play(pipeline, says(" one"), says(" two"), says(" three"))
    segments = [item for item in out if isinstance(item, Segment)]
    assert [(s.id, s.start, s.end, s.text) for s in segments] == [
        (0, 0, 5, "one"),
        (1, 10, 20, "two"),
        (2, 40, 45, "three"),
    ]
    assert starts(asked) == [0, 10, 40]
    assert all(window.tail == 7 * RATE for window in asked)
    assert (pipeline.windows, pipeline.buffered) == (3, 0)


def test_windows_are_given_together_and_none_twice() -> None:
    pipeline = fed(*THREE)
    assert starts(pipeline.requests(2)) == [0, 10]
    assert starts(pipeline.requests(2)) == [40]
    assert pipeline.requests(2) == []


def test_segments_wait_for_those_before_them() -> None:
    pipeline = fed(*THREE)
    first, second, third = pipeline.requests(3)
    pipeline.accept(says(" three")(third))
    pipeline.accept(says(" two")(second))
    assert pipeline.release() == []
    pipeline.accept(says(" one")(first))
    assert texts(pipeline.release()) == ["one", "two", "three"]
    assert pipeline.release() == []


def test_position_is_the_start_of_what_is_not_final() -> None:
    pipeline = fed(*THREE)
    first, _, _ = pipeline.requests(3)
    assert pipeline.position == 0
    pipeline.accept(says(" one")(first))
    pipeline.release()
    assert pipeline.position == 10 * RATE


def test_silence_asks_for_nothing() -> None:
    pipeline = fed()
    assert pipeline.requests(9) == []
    assert (pipeline.language, pipeline.windows) == (None, 0)


def test_the_rest_behind_a_text_that_ends_early_is_a_window_of_its_own() -> None:
    pipeline = fed((0, 20))
    asked, out = play(pipeline, says(" a", until=8), says(" b"))
    assert starts(asked) == [0, 8]
    assert len(asked[1].samples) == 12 * RATE
    assert asked[1].id != asked[0].id
    assert [(s.start, s.end) for s in out if isinstance(s, Segment)] == [(0, 8), (8, 20)]
    assert pipeline.actions == {"early": 1}


def test_the_rest_comes_before_the_windows_behind_it() -> None:
    pipeline = fed((0, 20), (30, 40))
    first, last = pipeline.requests(2)
    pipeline.accept(says(" a", until=8)(first))
    pipeline.accept(says(" c")(last))
    assert texts(pipeline.release()) == ["a"]
    (rest,) = pipeline.requests(2)
    pipeline.accept(says(" b")(rest))
    assert texts(pipeline.release()) == ["b", "c"]


def test_a_rest_without_speech_is_not_decoded() -> None:
    """Two seconds are left, but only a tenth of one is speech."""
    pipeline = fed((0, 8), (9.9, 10))
    asked, _ = play(pipeline, says(" a", until=8))
    assert starts(asked) == [0]
    assert pipeline.actions == {}


@pytest.mark.parametrize("until", [0, 0.2, 19.1])
def test_a_text_that_reaches_no_sound_or_nearly_all_ends_its_window(until: float) -> None:
    asked, _ = play(fed((0, 20)), says(" a", until=until))
    assert starts(asked) == [0]


def test_text_in_the_silence_behind_a_window_is_dropped() -> None:
    pipeline = fed((0, 10))
    _, out = play(pipeline, tells((0, 10, " a"), (10, 12, " Thank you.")))
    assert texts(out) == ["a"]
    assert pipeline.actions == {"padding": 1}


def test_a_lost_window_leaves_a_gap_and_the_rest_goes_on() -> None:
    pipeline = fed(*THREE)
    first, second, third = pipeline.requests(3)
    pipeline.lose(second.id, "it crashed")
    pipeline.accept(says(" three")(third))
    pipeline.accept(says(" one")(first))
    out = pipeline.release()
    assert texts(out) == ["one", "it crashed", "three"]
    assert out[1] == Gap(10, 20, "it crashed")


def test_the_language_of_the_first_text_stays() -> None:
    pipeline = fed(*THREE)
    asked, _ = play(
        pipeline, says(" ...", language="cy"), says(" zwei", language="de"), says(" drei")
    )
    assert [window.language for window in asked] == [None, None, "de"]
    assert pipeline.language == "de"


@pytest.mark.parametrize("bad", [says(LOOP), says(" hm", logprob=-1.5)])
def test_a_bad_text_is_decoded_again_wider_and_then_hotter(bad: Answer) -> None:
    pipeline = fed((0, 5))
    asked, out = play(pipeline, bad, bad, says(" good"))
    assert [(w.tail, w.temperature) for w in asked] == [(7 * RATE, 0), (None, 0), (None, 0.2)]
    assert texts(out) == ["good"]
    assert (pipeline.actions["wider"], pipeline.actions["hotter"]) == (1, 1)
    assert pipeline.windows == 3


def test_other_windows_do_not_wait_for_one_that_is_decoded_again() -> None:
    pipeline = fed((0, 5), (10, 15))
    (first,) = pipeline.requests(1)
    pipeline.accept(says(LOOP)(first))
    again, second = pipeline.requests(2)
    assert (again.id, again.tail) == (first.id, None)
    assert second.start == 10 * RATE


def test_windows_know_nothing_of_one_another_by_default() -> None:
    asked, _ = play(fed(*THREE), says(" a"))
    assert [window.previous for window in asked] == [(), (), ()]


def test_with_previous_text_each_window_waits_for_the_one_before() -> None:
    pipeline = fed(*THREE, condition=True)
    (first,) = pipeline.requests(9)
    assert pipeline.requests(9) == []
    pipeline.accept(says(" a", tokens=[1, 2])(first))
    (second,) = pipeline.requests(9)
    assert second.previous == (1, 2)
    pipeline.accept(says(" b", tokens=[3])(second))
    assert pipeline.requests(9)[0].previous == (1, 2, 3)


def test_the_rest_of_a_window_knows_the_text_before_it() -> None:
    asked, _ = play(
        fed((0, 20), (30, 40), condition=True), says(" a", until=8, tokens=[1]), says(" b")
    )
    assert starts(asked) == [0, 8, 30]
    assert asked[1].previous == (1,)


def test_previous_text_is_bounded() -> None:
    spoken = [(i * 10.0, i * 10.0 + 5) for i in range(10)]
    asked, _ = play(fed(*spoken, condition=True), says(" x", tokens=range(100)))
    assert max(len(window.previous) for window in asked) == CONTEXT_TOKENS


def test_tokens_of_empty_pieces_are_no_previous_text() -> None:
    asked, _ = play(fed(*THREE, condition=True), says(" .", tokens=[5]), says(" a"))
    assert asked[1].previous == ()


@pytest.mark.parametrize(("bad", "kept"), [(3, True), (4, False)])
def test_hot_text_is_no_previous_text(bad: int, kept: bool) -> None:
    """One answer at its own length, one wide, then 0.2, 0.4 and 0.6."""
    pipeline = fed((0, 5), (10, 15), condition=True)
    asked, _ = play(pipeline, *[says(LOOP)] * bad, says(" good", tokens=[9]), says(" next"))
    assert asked[-1].previous == ((9,) if kept else ())


def test_a_lost_window_ends_the_previous_text() -> None:
    pipeline = fed(*THREE, condition=True)
    (first,) = pipeline.requests(1)
    pipeline.accept(says(" a")(first))
    (second,) = pipeline.requests(1)
    pipeline.lose(second.id, "it crashed")
    assert pipeline.requests(1)[0].previous == ()


def test_the_last_window_has_to_be_better_than_a_crumb() -> None:
    pipeline = fed((0, 5), (10, 15), temperatures=(0.0,), tail=None)
    weak = says(" Thank you.", logprob=-1.5)
    _, out = play(pipeline, weak, weak)
    assert texts(out) == ["Thank you."], "the rule is for the last window only"
    assert pipeline.actions["weak_tail"] == 1


def test_the_rest_of_the_last_window_is_the_last_one_then() -> None:
    weak = says(" you", logprob=-1.5)
    pipeline = fed((0, 15), temperatures=(0.0,), tail=None)
    _, out = play(pipeline, says(" Good.", logprob=-1.5, until=8), weak)
    assert texts(out) == ["Good."]
    assert pipeline.actions["weak_tail"] == 1


@pytest.mark.parametrize("late", [True, False])
def test_when_an_answer_comes_does_not_matter_to_the_last_window(late: bool) -> None:
    """A long silence follows, so the window is there before the input is known to be over."""
    options = PipelineOptions(thresholds=Thresholds(temperatures=(0.0,)), tail=None)
    pipeline = Pipeline(options)
    pipeline.feed(np.full(15 * RATE, 0.1, np.float32), [Span(0, 5 * RATE)], None, 15 * RATE)
    if late:
        pipeline.finish([])
    _, out = play(pipeline, says(" Thank you.", logprob=-1.5))
    assert texts(out) == ["Thank you."]


answers = st.builds(
    says,
    st.sampled_from([" text", LOOP, "", " x"]),
    logprob=st.sampled_from([-0.1, -0.9, -1.5]),
    no_speech=st.sampled_from([0.0, 0.9]),
    until=st.sampled_from([None, 0.0, 0.001, 0.5, 2.0, 99.0]),
)
spoken = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=6).map(
    lambda runs: [
        (float(end - length), float(end))
        for end, (_, length) in zip(
            itertools.accumulate(gap + length for gap, length in runs), runs, strict=True
        )
    ]
)


def scripted(window: Window, choices: Sequence[Answer]) -> Hypothesis:
    """Answer by what the window is, not by when it is asked."""
    turn = hash((window.start, len(window.samples), window.temperature, window.tail))
    return choices[turn % len(choices)](window)


def run(pipeline: Pipeline, choices: Sequence[Answer], at_once: int, seed: int) -> list[Segment]:
    """Keep ``at_once`` windows in flight and answer any of them."""
    chance, flying, out = random.Random(seed), list[Window](), list[Segment | Gap]()
    for turn in itertools.count():
        assert turn < 2000, "it goes on for ever"
        flying += pipeline.requests(at_once - len(flying))
        if not flying:
            break
        window = flying.pop(chance.randrange(len(flying)))
        pipeline.accept(scripted(window, choices))
        out += pipeline.release()
    return [item for item in out if isinstance(item, Segment)]


@settings(deadline=None, max_examples=60)
@given(spoken, st.lists(answers, min_size=1, max_size=8), st.integers(2, 8), st.integers())
def test_the_same_segments_whatever_is_in_flight_and_answered_first(
    speech: Spoken, choices: list[Answer], at_once: int, seed: int
) -> None:
    one, many = fed(*speech, longest=4), fed(*speech, longest=4)
    assert run(one, choices, 1, 0) == run(many, choices, at_once, seed)
    assert one.actions == many.actions
    assert one.windows == many.windows


@settings(deadline=None, max_examples=60)
@given(spoken, st.lists(answers, min_size=1, max_size=8), st.booleans())
def test_any_answers_end_with_segments_in_order(
    speech: Spoken, choices: list[Answer], condition: bool
) -> None:
    pipeline = fed(*speech, longest=4, condition=condition)
    segments = run(pipeline, choices, 3, 1)
    assert [segment.id for segment in segments] == list(range(len(segments)))
    edges = [edge for segment in segments for edge in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= speech[-1][1] for edge in edges)
    assert pipeline.buffered == 0


@settings(deadline=None, max_examples=60)
@given(spoken, st.sampled_from([0.5, 1.0, 2.0, None]))
def test_nothing_is_decoded_twice_and_no_speech_is_left_out(
    speech: Spoken, until: float | None
) -> None:
    pipeline = fed(*speech, longest=4)
    heard = np.zeros(round(speech[-1][1]) * RATE, int)
    for _ in range(1000):
        if not (windows := pipeline.requests(3)):
            break
        for window in windows:
            hypothesis = says(" a", until=until)(window)
            used = hypothesis.consumed
            rest = len(window.samples) - used
            heard[window.start : window.start + (used if rest > RATE else used + rest)] += 1
            pipeline.accept(hypothesis)
    assert heard.max() == 1
    for start, end in speech:
        missing = int((heard[round(start * RATE) : round(end * RATE)] == 0).sum())
        assert missing <= 3 * RATE // 10, "more than too little to decode is missing"
