"""Properties of a live source, heard by a recogniser that knows what was said."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.events import Final, Gap, Partial, SpeechEnded, SpeechStarted
from echocli.runtime.live import LiveSource
from echocli.runtime.live_options import Kind, LiveOptions
from echocli.types import SAMPLE_RATE, Samples, Segment, Span, seconds, to_samples
from echocli.vad.endpointer import FRAME, VadOptions
from echocli.vad.turns import TurnOptions
from tests.runtime.playing import Conditions, Played, Player, conditions, play
from tests.runtime.recogniser import Speech, adversary, speech, speeches

pytestmark = pytest.mark.unit

SOME = settings(deadline=None, max_examples=40)
"""An example is a minute of sound."""

PATIENT = LiveOptions(backlog=3600 * SAMPLE_RATE)
"""Nothing is given up."""

WORDS = LiveOptions(backlog=3600 * SAMPLE_RATE, keep_words=True)

MILLISECOND = SAMPLE_RATE // 1000


def committed_only_grows(played: Played) -> None:
    committed: dict[int, str] = defaultdict(str)
    for event in played.events:
        if isinstance(event, Partial):
            assert event.committed.startswith(committed[event.segment.id])
            assert event.segment.text.startswith(event.committed)
            committed[event.segment.id] = event.committed
        elif isinstance(event, Final):
            assert event.segment.text.startswith(committed.pop(event.segment.id, ""))


@SOME
@given(speeches(), conditions(faults=True))
def test_committed_text_only_grows_up_to_the_final(said: Speech, how: Conditions) -> None:
    committed_only_grows(play(said, how))


@SOME
@given(speeches(), conditions(faults=True), st.integers(0, 2**16))
def test_committed_text_only_grows_whatever_the_model_says(
    said: Speech, how: Conditions, seed: int
) -> None:
    committed_only_grows(play(said, how, recogniser=adversary(seed)))


def test_most_words_are_committed_before_their_final() -> None:
    played = play(speech([(10, 1)]))
    last = played.partials[-1]
    assert len(last.committed.split()) > 15
    assert played.finals[0].segment.text.startswith(last.committed)


def span(event: SpeechEnded | Gap | Segment) -> Span:
    return Span(to_samples(event.start), to_samples(event.end))


def in_order(spans: Iterable[Span], total: int) -> None:
    last = 0
    for one in spans:
        assert last <= one.start <= one.end <= total + MILLISECOND
        last = one.end


@SOME
@given(speeches(), conditions(faults=True), st.sampled_from([PATIENT, LiveOptions(backlog=1)]))
def test_utterances_and_lost_sound_do_not_overlap(
    said: Speech, how: Conditions, options: LiveOptions
) -> None:
    played = play(said, how, options)
    lost = [gap for gap in played.gaps if gap.reason == "lost"]
    spans = [*map(span, played.ended), *map(span, lost)]
    spans.sort(key=lambda one: one.start)
    in_order(spans, said.total)
    assert [one.start for one in played.started] == [one.start for one in played.ended]


@SOME
@given(speeches(), conditions(faults=True))
def test_speech_that_is_long_enough_is_in_an_utterance_or_lost(
    said: Speech, how: Conditions
) -> None:
    covered = np.zeros(said.total + FRAME, np.bool_)
    for event in play(said, how).ended:
        covered[span(event).start - MILLISECOND : span(event).end + MILLISECOND] = True
    for start, end in stretches(said, how.lost):
        heard = said.probabilities(start, -(-(end - start) // FRAME)) >= TurnOptions().threshold
        for one in runs(heard, start, end):
            assert one.length <= TurnOptions().min_speech or covered[one.start : one.end].all()


def stretches(said: Speech, lost: Iterable[Span]) -> list[tuple[int, int]]:
    """Return what comes without a break."""
    edges = [0, *(edge for one in lost for edge in (one.start, one.end)), said.total]
    edges = [min(edge, said.total) for edge in edges]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def runs(heard: np.ndarray[tuple[int], np.dtype[np.bool_]], start: int, end: int) -> list[Span]:
    found, at = [], start
    for loud, group in itertools.groupby(heard):
        after = min(at + len(list(group)) * FRAME, end)
        if loud:
            found.append(Span(at, after))
        at = after
    return found


@SOME
@given(speeches(), conditions(faults=True), st.sampled_from([PATIENT, LiveOptions(backlog=1)]))
def test_an_utterance_ends_in_a_final_or_in_a_gap_or_has_no_words(
    said: Speech, how: Conditions, options: LiveOptions
) -> None:
    played = play(said, how, options)
    finals = Counter(final.segment.id for final in played.finals)
    by_span = {(one.start, one.end): one.id for one in played.ended}
    gaps = Counter(by_span[g.start, g.end] for g in played.gaps if g.reason != "lost")
    assert set(finals) | set(gaps) <= {one.id for one in played.ended}
    assert all(count == 1 for count in (finals + gaps).values())
    for one in played.ended:
        if one.id not in finals and one.id not in gaps:
            inside = span(one)
            assert not [w for w in said.words if inside.start <= w.start and w.end <= inside.end]


@SOME
@given(speeches(), conditions())
def test_no_word_is_in_two_finals(said: Speech, how: Conditions) -> None:
    heard = [word for one in play(said, how, PATIENT).finals for word in one.segment.text.split()]
    assert len(set(heard)) == len(heard)


@SOME
@given(speeches(), conditions(faults=True))
def test_an_utterance_starts_is_shown_ends_and_is_final_in_that_order(
    said: Speech, how: Conditions
) -> None:
    order = [SpeechStarted, Partial, SpeechEnded, Final]
    stages: dict[int, int] = {}
    for event in play(said, how).events:
        if isinstance(event, SpeechStarted | Partial | SpeechEnded | Final):
            number = event.segment.id if isinstance(event, Partial | Final) else event.id
            stage = order.index(type(event))
            before = stages.get(number, -1)
            assert stage > before or stage == before == order.index(Partial)
            stages[number] = stage


@SOME
@given(speeches(), conditions(faults=True), st.one_of(st.none(), st.integers(0, 2**16)))
def test_times_never_run_backwards(said: Speech, how: Conditions, seed: int | None) -> None:
    heard = adversary(seed) if seed is not None else None
    segments = [one.segment for one in play(said, how, WORDS, heard).finals]
    in_order(map(span, segments), said.total)
    assert [one.id for one in segments] == sorted({one.id for one in segments})
    for segment in segments:
        words = segment.words or ()
        times = [time for word in words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(segment.start <= time <= segment.end for time in times)


@SOME
@given(speeches(), conditions(), conditions(), st.sampled_from([32, 100, 300, 500, 2000]))
def test_finals_depend_neither_on_blocks_nor_on_delays(
    said: Speech, first: Conditions, second: Conditions, hangover: float
) -> None:
    options = replace(WORDS, turns=TurnOptions.of(VadOptions(min_silence_ms=hangover)))
    finals = [play(said, how, options).finals for how in (first, second)]
    assert finals[0] == finals[1]


@SOME
@given(speeches(), conditions())
def test_every_word_that_no_cut_goes_through_is_in_the_final_of_its_utterance(
    said: Speech, how: Conditions
) -> None:
    played = play(said, how, PATIENT)
    texts = {one.segment.id: one.segment.text for one in played.finals}
    for one in played.ended:
        inside = span(one)
        words = [w for w in said.words if inside.start <= w.start and w.end <= inside.end]
        assert "".join(word.text for word in words).strip() in texts.get(one.id, "")


class Settling(Player):
    """Note after each step up to where everything is settled."""

    def __init__(self, said: Speech, how: Conditions) -> None:
        super().__init__([said], how)
        self.settled: list[tuple[int, int]] = []

    def _observe(self) -> None:
        (source,) = self.played.session.sources
        self.settled.append((len(self.played.timed), self.played.session.settled()[source.name]))


@SOME
@given(speeches(), conditions(faults=True))
def test_what_is_settled_is_never_heard_of_again_and_never_taken_back(
    said: Speech, how: Conditions
) -> None:
    player = Settling(said, how)
    events = player.play().events
    positions = [position for _, position in player.settled]
    assert positions == sorted(positions)
    assert all(position <= said.total for position in positions)
    for known, position in player.settled:
        later = [event for event in events[known:] if isinstance(event, Gap | SpeechStarted)]
        assert all(to_samples(event.start) >= position - MILLISECOND for event in later)
        ends = [event.segment.end for event in events[known:] if isinstance(event, Final)]
        assert all(to_samples(end) > position - MILLISECOND for end in ends)
    assert player.played.session.settled()["source 0"] > said.total - 2 * SAMPLE_RATE


def test_the_last_word_of_a_final_ends_where_it_was_said() -> None:
    said = speech([(3, 1)])
    segment = play(said, options=WORDS).finals[0].segment
    assert segment.words is not None
    assert [word.text.strip(" .") for word in segment.words] == [w.text.strip() for w in said.words]
    assert segment.words[-1].end == seconds(said.words[-1].end)


# Where long speech is cut


def test_nothing_is_committed_that_a_cut_could_leave_to_the_next_utterance() -> None:
    said = speech([(40, 1)])
    played = play(said, options=PATIENT)
    cuts = {one.id: span(one).end for one in played.ended}
    ends = {word.text.strip(): word.end for word in said.words}
    checked = 0
    for partial in played.partials:
        for word in partial.committed.split():
            assert ends[word] <= cuts[partial.segment.id]
            checked += 1
    assert checked
    assert [one.reason for one in played.ended][:2] == ["split", "split"]


# Memory


class Chatter:
    """An hour of talk or silence, a second at a time."""

    def __init__(self, *, talking: bool) -> None:
        self.block: Samples = np.full(SAMPLE_RATE, 0.1, np.float32)
        self.talking = talking
        self.frames = 0

    def probabilities(self, position: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        count = position // FRAME - self.frames
        at = np.arange(self.frames, self.frames + count)
        self.frames += count
        # Twelve seconds of talk, one of silence.
        talk = (at * FRAME // SAMPLE_RATE) % 13 < 12
        return (talk if self.talking else np.zeros(count)).astype(np.float32)


def test_memory_is_bounded_where_no_answer_comes_in_time() -> None:
    source = LiveSource("mic", LiveOptions(), itertools.count())
    chatter, events = Chatter(talking=True), []
    for second in range(1, 3601):
        events += source.feed(
            chatter.block, chatter.probabilities(second * SAMPLE_RATE), float(second)
        )
        for kind in Kind:
            source.jobs(kind, 2)
        assert source.backlog <= LiveOptions().backlog
        assert source.held < 200 * SAMPLE_RATE
    ended = [span(event) for event in events if isinstance(event, SpeechEnded)]
    # The oldest first, and all that do not fit.
    held = source.putting_off.take()
    assert [utterance.speech for utterance, _ in held] == ended[: len(held)]
    assert 9 <= len(ended) - len(held) <= 10
    assert {reason for _, reason in held} == {"too much waits"}


def test_silence_is_not_kept() -> None:
    source = LiveSource("mic", LiveOptions(), itertools.count())
    chatter = Chatter(talking=False)
    for second in range(1, 3601):
        now = float(second)
        assert not source.feed(chatter.block, chatter.probabilities(second * SAMPLE_RATE), now)
        assert source.held <= 2 * SAMPLE_RATE
    assert source.quiet_since == 0
