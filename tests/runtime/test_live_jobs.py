"""What a live source wants decoded, when, and what becomes of the answers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from echocli.events import Final, Gap, Partial, SpeechEnded, SpeechStarted
from echocli.providers.base import Hypothesis, TimedWord, Window
from echocli.runtime.live import LiveSource
from echocli.runtime.live_options import Kind, LiveOptions
from echocli.types import SAMPLE_RATE, Span, seconds, to_samples
from echocli.vad.endpointer import FRAME, VadOptions
from echocli.vad.turns import TurnOptions
from tests.runtime.playing import Conditions, listening, only, play
from tests.runtime.recogniser import Listener, hypothesis, speech

pytestmark = pytest.mark.unit

WORDS = LiveOptions(keep_words=True)


# How often there is a partial


@pytest.mark.parametrize("interval", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("length", [4.0, 11.0])
def test_an_utterance_is_decoded_once_an_interval(interval: float, length: float) -> None:
    samples = to_samples(interval)
    options = LiveOptions(least_interval=samples, most_interval=samples)
    count = play(speech([(length, 1)]), options=options).count(Kind.PARTIAL)
    # A frame later than due, at the most.
    assert length / (interval + 0.032) - 1 <= count <= length / interval + 1


@pytest.mark.parametrize(
    ("delay", "interval"), [(0.1, 0.5), (1.0, 1.2), (1.5, 1.8), (1.9, 2.0), (0.0, 0.5)]
)
def test_a_slow_decode_stretches_the_interval_up_to_its_bound(
    delay: float, interval: float
) -> None:
    played = play(speech([(12, 1)]), Conditions(delay=(delay, delay)))
    ends = [job.end for one in played.requests if one.kind is Kind.PARTIAL for _, job in one.jobs]
    steps = [(b - a) / SAMPLE_RATE for a, b in itertools.pairwise(ends)]
    assert steps
    assert all(interval <= step <= interval + 0.065 for step in steps[1:])


def test_finals_do_not_stretch_the_interval() -> None:
    source, feed = listening(speech([(2, 1), (2, 1)]))
    feed(2.7)
    source.decoded(Kind.EARLY, 5.0)
    source.decoded(Kind.FINAL, 5.0)
    assert source.pace.interval == LiveOptions().least_interval


def test_partials_that_nobody_had_time_for_are_counted() -> None:
    source, feed = listening(speech([(8, 1)]))
    feed(1.5)
    assert len(source.jobs(Kind.PARTIAL, 1)) == 1
    assert source.pace.skipped == 2
    feed(4.2)
    assert len(source.jobs(Kind.PARTIAL, 1)) == 1
    assert source.pace.skipped == 10


# One utterance by hand


def test_an_early_decode_is_the_final_when_the_utterance_ends() -> None:
    said = speech([(2, 1)])
    source, feed = listening(said)
    feed(2.8)
    early = only(source, Kind.EARLY)
    shown = source.answer(early, Listener(said)(early.window), 2.8)
    assert [type(event) for event in shown] == [Partial]
    ended, final = feed(3.2)
    assert isinstance(ended, SpeechEnded)
    assert isinstance(final, Final)
    assert source.jobs(Kind.FINAL, 4) == []
    assert len(final.segment.text.split()) == len(said.words)


def test_an_early_decode_that_comes_late_is_the_final_too() -> None:
    said = speech([(2, 1)])
    source, feed = listening(said)
    feed(2.8)
    early = only(source, Kind.EARLY)
    assert [type(event) for event in feed(3.3)] == [SpeechEnded]
    assert source.jobs(Kind.FINAL, 4) == []
    (final,) = source.answer(early, Listener(said)(early.window), 3.4)
    assert isinstance(final, Final)


def test_an_early_decode_is_not_the_final_of_an_utterance_that_goes_on() -> None:
    said = speech([(2, 0.4), (2, 1)])
    source, feed = listening(said)
    feed(2.8)
    early = only(source, Kind.EARLY)
    feed(3.5)
    assert [type(e) for e in source.answer(early, Listener(said)(early.window), 3.5)] == [Partial]
    assert [type(event) for event in feed(5.8)] == [SpeechEnded]
    last = only(source, Kind.FINAL)
    (final,) = source.answer(last, Listener(said)(last.window), 5.8)
    assert isinstance(final, Final)
    assert len(final.segment.text.split()) == len(said.words)


def test_an_answer_about_a_pause_before_the_last_is_left_aside() -> None:
    said = speech([(2, 0.4), (1, 1)])
    source, feed = listening(said)
    feed(2.8)
    first = only(source, Kind.EARLY)
    feed(4.2)
    second = only(source, Kind.EARLY)
    assert source.answer(first, "the worker broke", 4.2) == []
    source.withdraw(first)
    assert source.jobs(Kind.EARLY, 4) == []
    feed(4.5)
    (final,) = source.answer(second, Listener(said)(second.window), 4.5)
    assert isinstance(final, Final)


def test_a_speech_that_is_decoded_at_once_is_decoded_once_at_its_end() -> None:
    played = play(speech([(2, 1), (3, 1), (0.5, 1)]))
    assert played.count(Kind.EARLY) == 3
    assert played.count(Kind.FINAL) == 0
    assert len(played.finals) == 3


def test_a_withdrawn_window_is_given_again_and_only_then() -> None:
    source, feed = listening(speech([(2, 1)]))
    feed(3.3)
    job = only(source, Kind.FINAL)
    assert source.jobs(Kind.FINAL, 4) == []
    source.withdraw(job)
    assert only(source, Kind.FINAL) == job


def test_an_answer_for_an_utterance_that_was_given_up_changes_nothing() -> None:
    said = speech([(2, 1), (2, 1)])
    source, feed = listening(said, LiveOptions(backlog=SAMPLE_RATE))
    feed(3.3)
    job = only(source, Kind.FINAL)
    assert [type(event) for event in feed(6.5)] == [SpeechStarted, SpeechEnded]
    ((utterance, _),) = source.putting_off.take()
    utterance.finishing = None  # as whoever takes it leaves it
    assert source.answer(job, Listener(said)(job.window), 6.5) == []


def test_jobs_nobody_has_room_for_are_not_taken() -> None:
    source, feed = listening(speech([(2, 1)]))
    feed(1.5)
    assert source.jobs(Kind.PARTIAL, 0) == []
    assert len(source.jobs(Kind.PARTIAL, 1)) == 1


def test_an_utterance_without_words_has_no_final() -> None:
    played = play(speech([(2, 1)]), recogniser=lambda window: hypothesis(window, ""))
    assert [type(event) for event in played.events] == [SpeechStarted, SpeechEnded]
    played = play(speech([(2, 1)]), recogniser=lambda window: hypothesis(window, " … -"))
    assert [type(event) for event in played.events] == [SpeechStarted, SpeechEnded]


def test_a_window_that_is_lost_gives_a_gap_of_its_utterance() -> None:
    played = play(speech([(2, 1)]), recogniser=lambda _: "the worker broke")
    (ended,), (gap,) = played.ended, played.gaps
    assert (gap.start, gap.end, gap.reason) == (ended.start, ended.end, "the worker broke")
    assert gap.source == "source 0"
    assert played.session.sources[0].lost_samples == to_samples(gap.end - gap.start)
    assert played.finals == []


def test_lost_sound_ends_the_utterance_and_what_follows_is_another() -> None:
    how = Conditions(lost=(Span(20_000, 30_000),))
    said = speech([(3, 1)])
    played = play(said, how)
    assert [(one.end, one.reason) for one in played.ended] == [(1.25, "gap"), (3.507, "silence")]
    assert [(gap.start, gap.end, gap.reason) for gap in played.gaps] == [(1.25, 1.875, "lost")]
    assert played.started[1].start == 1.875
    assert len(played.finals) == 2
    assert played.session.sources[0].lost_samples == 10_000


def test_lost_sound_in_silence_is_only_a_gap() -> None:
    source, feed = listening(speech([]))
    feed(0.2)
    (gap,) = source.lose(5, "the device fell behind", 0.3)
    assert gap == Gap(0.2, seconds(3205), "the device fell behind", "mic")
    assert source.position == 3205


def test_what_is_said_at_the_end_of_the_source_has_a_final() -> None:
    said = speech([(2, 1)])
    source, feed = listening(said)
    feed(1.504)
    (ended,) = source.finish(1.504)
    assert ended == SpeechEnded(0, 0.48, 1.504, "end", "mic")
    last = only(source, Kind.FINAL)
    (final,) = source.answer(last, Listener(said)(last.window), 1.6)
    assert isinstance(final, Final)
    assert source.finish(1.7) == []


def test_an_utterance_is_not_split_behind_the_end_of_the_sound() -> None:
    whole = np.full(TurnOptions().longest // FRAME * FRAME, 0.5, np.float32)
    source = LiveSource("mic", LiveOptions(), itertools.count())
    source.feed(whole, np.ones(len(whole) // FRAME, np.float32), 14.0)
    # The frame that makes it too long is hardly there, and it is the quietest.
    source.feed(np.zeros(10, np.float32), np.ones(1, np.float32), 14.1)
    (last,) = source.finish(14.1)
    assert isinstance(last, SpeechEnded)
    assert last.reason == "end"
    assert last.end == seconds(source.position)


def test_the_sound_behind_an_utterance_holds_nothing_that_was_not_looked_at() -> None:
    """A hangover shorter than what is decoded behind speech, and a block with the next words."""
    said = speech([(1, 0.1), (1, 1)])
    options = LiveOptions(turns=TurnOptions.of(VadOptions(min_silence_ms=32)))
    played = play(said, Conditions(block=(said.total, said.total)), options)
    assert len(played.finals) == 2
    heard = " ".join(final.segment.text for final in played.finals).replace(".", "")
    assert heard == "".join(word.text for word in said.words).strip()


def test_a_loop_is_not_shown() -> None:
    played = play(speech([(5, 1)]), recogniser=lambda window: hypothesis(window, " no" * 40))
    assert played.partials == []


def test_a_final_keeps_what_was_committed_although_the_last_decode_hears_nothing() -> None:
    said = speech([(4, 1)])
    heard = Listener(said)

    def at_last_deaf(window: Window) -> Hypothesis:
        return heard(window) if window.beam_size == 1 else hypothesis(window, "")

    played = play(said, options=WORDS, recogniser=at_last_deaf)
    committed = played.partials[-1].committed
    assert committed
    assert [final.segment.text.rstrip(".") for final in played.finals] == [committed]
    assert played.finals[0].segment.words is None


def test_the_language_of_a_final_is_that_of_the_windows_behind_it() -> None:
    said = speech([(1, 1), (1, 1)])
    languages = []

    def french(window: Window) -> Hypothesis:
        languages.append(window.language)
        return replace(Listener(said)(window), language="fr")

    played = play(said, recogniser=french)
    assert played.session.sources[0].language == "fr"
    assert languages[0] is None
    assert languages[-1] == "fr"


def test_a_text_that_stops_early_is_gone_on_with() -> None:
    said = speech([(6, 1)])
    heard = Listener(said)

    def half(window: Window) -> Hypothesis:
        known = heard(window)
        words = (known.pieces[0].words or ()) if known.pieces else ()
        if window.beam_size == 1 or len(window.samples) < 4 * SAMPLE_RATE:
            return known
        kept: tuple[TimedWord, ...] = words[: len(words) // 2]
        text = "".join(word.text for word in kept)
        return hypothesis(window, text, kept, consumed=kept[-1].end)

    played = play(said, options=WORDS, recogniser=half)
    (final,) = played.finals
    assert final.segment.text.rstrip(".").split() == [word.text.strip() for word in said.words]
    assert played.session.sources[0].actions["early"] >= 1


def test_lost_sound_does_not_count_as_speech_for_who_waits_for_silence() -> None:
    source, _ = listening(speech([(8, 1)]))
    before = source.quiet_since
    source.lose(SAMPLE_RATE, "overrun", 1.0)
    assert (before, source.quiet_since) == (0, 0)
