from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.events import Final
from echocli.providers.base import DecodeOptions
from echocli.runtime.live_options import Kind, LiveOptions
from echocli.runtime.live_session import LiveSession, Request
from echocli.types import SAMPLE_RATE, to_samples
from tests.runtime.playing import Conditions, Feeder, conditions, play
from tests.runtime.recogniser import Listener, Speech, hypothesis, speech, speeches

pytestmark = pytest.mark.unit

SOME = settings(deadline=None, max_examples=15)
PATIENT = LiveOptions(backlog=3600 * SAMPLE_RATE)

GOES_ON = speech([(9, 1)])
PAUSES = speech([(2, 0.45), (6, 1)])
ENDS = speech([(2, 1), (6, 1)])


class Hall:
    """A session whose sources are fed by hand, up to one time for all."""

    def __init__(self, *said: Speech, options: LiveOptions | None = None) -> None:
        self.said = said
        names = [f"source {n}" for n in range(len(said))]
        self.session = LiveSession(names, options or LiveOptions())
        pairs = zip(self.session.sources, said, strict=True)
        self._feeders = [Feeder(source, one, Conditions()) for source, one in pairs]

    def feed(self, until: float) -> None:
        for feeder in self._feeders:
            feeder.feed(to_samples(until), until)

    def ask(self, most: int = 4) -> Request:
        request = self.session.request(most)
        assert request is not None
        return request


def asked(request: Request) -> list[tuple[str, Kind]]:
    return [(source.name, job.kind) for source, job in request.jobs]


def test_finals_go_before_early_ones_and_those_before_partials() -> None:
    hall = Hall(GOES_ON, PAUSES, ENDS)
    # The third has ended at 3.0 s, by a hangover that the second has not waited for.
    hall.feed(2.85)
    hall._feeders[2].feed(to_samples(3.3), 3.3)
    assert asked(hall.ask()) == [("source 2", Kind.FINAL)]
    assert asked(hall.ask()) == [("source 1", Kind.EARLY)]
    assert asked(hall.ask()) == [("source 0", Kind.PARTIAL)]
    assert hall.session.request(4) is None


def test_a_request_is_of_one_kind_and_the_first_source_comes_first() -> None:
    hall = Hall(ENDS, ENDS, GOES_ON)
    hall.feed(3.3)
    assert asked(hall.ask()) == [("source 0", Kind.FINAL), ("source 1", Kind.FINAL)]


def test_a_request_has_no_more_windows_than_were_asked_for() -> None:
    hall = Hall(ENDS, ENDS)
    hall.feed(3.3)
    assert asked(hall.ask(1)) == [("source 0", Kind.FINAL)]
    assert asked(hall.ask(1)) == [("source 1", Kind.FINAL)]


def test_a_partial_that_had_no_room_is_still_due() -> None:
    hall = Hall(GOES_ON, GOES_ON)
    hall.feed(1.5)
    assert asked(hall.ask(1)) == [("source 0", Kind.PARTIAL)]
    assert asked(hall.ask(1)) == [("source 1", Kind.PARTIAL)]


def test_several_utterances_of_a_source_are_decoded_together_in_order() -> None:
    hall = Hall(speech([(1, 1), (1, 1), (1, 1)]))
    hall.feed(6.0)
    request = hall.ask(2)
    assert [job.utterance.id for _, job in request.jobs] == [0, 1]
    answers = [Listener(hall.said[0])(window) for window in request.windows]
    found = hall.session.answer(request, answers, 6.0, 0.1)
    assert [event.segment.id for event in found if isinstance(event, Final)] == [0, 1]


def test_partials_are_greedy_and_not_aligned() -> None:
    decode = DecodeOptions(
        beam_size=5, foreign_beam_size=8, word_timestamps=True, initial_prompt="Names"
    )
    hall = Hall(ENDS, options=LiveOptions(decode=decode))
    hall.feed(1.5)
    partial = hall.ask().options
    assert (partial.beam_size, partial.foreign_beam_size) == (1, None)
    assert not partial.word_timestamps
    assert partial.initial_prompt == "Names"
    hall.feed(3.3)
    assert hall.ask().options == decode


def test_a_request_taken_back_is_given_again() -> None:
    hall = Hall(ENDS, ENDS)
    hall.feed(3.3)
    request = hall.ask()
    assert hall.session.request(4) is None
    hall.session.withdraw(request)
    assert hall.ask().windows == request.windows


def test_the_backlog_is_that_of_all_sources() -> None:
    hall = Hall(ENDS, ENDS)
    hall.feed(3.3)
    assert hall.session.backlog == sum(source.backlog for source in hall.session.sources)
    assert hall.session.sources[0].backlog == to_samples(2.048)
    request = hall.ask()
    answers = [hypothesis(window, " Hello.") for window in request.windows]
    hall.session.answer(request, answers, 3.3, 0.1)
    assert hall.session.backlog == 0


def test_there_is_nothing_to_do_in_silence() -> None:
    hall = Hall(speech([]))
    hall.feed(0.5)
    assert hall.session.request(4) is None


@SOME
@given(st.lists(speeches(), min_size=2, max_size=3), conditions(faults=True))
def test_sources_share_ids_and_each_keeps_its_order(said: list[Speech], how: Conditions) -> None:
    played = play(said, how)
    assert sorted(one.id for one in played.started) == list(range(len(played.started)))
    last: dict[str | None, tuple[int, float]] = defaultdict(lambda: (-1, 0.0))
    for final in played.finals:
        segment = final.segment
        before, end = last[segment.source]
        assert segment.id > before
        assert segment.start >= end
        last[segment.source] = segment.id, segment.end


@SOME
@given(speeches(), speeches(), conditions())
def test_a_source_is_heard_as_if_it_were_alone(
    first: Speech, second: Speech, how: Conditions
) -> None:
    together = play([first, second], how, PATIENT).finals
    for number, said in enumerate((first, second)):
        mine = [one.segment for one in together if one.segment.source == f"source {number}"]
        alone = [one.segment for one in play(said, how, PATIENT).finals]
        assert [(one.start, one.end, one.text) for one in mine] == [
            (one.start, one.end, one.text) for one in alone
        ]


@SOME
@given(st.lists(speeches(), min_size=1, max_size=3), conditions(faults=True))
def test_a_request_is_of_the_most_urgent_kind_and_has_one_window_an_utterance(
    said: list[Speech], how: Conditions
) -> None:
    played = play(said, how)
    names = [source.name for source in played.session.sources]
    for request in played.requests:
        assert len(request.jobs) <= how.slots
        assert {job.kind for _, job in request.jobs} == {request.kind}
        order = [names.index(source.name) for source, _ in request.jobs]
        assert order == sorted(order)
        assert len({job.utterance.id for _, job in request.jobs}) == len(request.jobs)
    assert played.session.request(8) is None


@SOME
@given(speeches(), st.integers(1, 3), st.lists(st.integers(1, 40), max_size=60))
def test_no_window_is_decoded_twice_at_once(said: Speech, most: int, steps: list[int]) -> None:
    """Somebody asks after every block and never answers."""
    hall = Hall(said)
    given_out: list[tuple[int, int]] = []
    at = 0
    for step in [*steps, 10_000]:
        at = min(at + step * 3000, said.total)
        hall.feed(at / SAMPLE_RATE)
        while (request := hall.session.request(most)) is not None:
            jobs = [job for _, job in request.jobs if job.kind is not Kind.PARTIAL]
            given_out += [(job.utterance.id, job.end) for job in jobs]
    assert len(set(given_out)) == len(given_out)
