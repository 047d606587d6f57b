from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from echocli.clock import SteppingClock, SystemClock
from echocli.errors import ModelError
from echocli.providers.base import DecodeOptions, Hypothesis, Window
from echocli.runtime.decoder import Answered, Decoder, decode
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.runtime.live_session import LiveSession, Request
from echocli.runtime.supervisor import Lost, Supervisor
from echocli.runtime.utterance import Utterance
from tests.runtime.conftest import Script, Supervise, window

pytestmark = pytest.mark.unit

LONG = 30.0
"""Seconds in which a worker process must have answered."""


def request(*windows: Window) -> Request:
    (source,) = LiveSession(["mic"], LiveOptions()).sources
    utterance = Utterance(0, 0, 0)
    jobs = tuple((source, Job(Kind.FINAL, utterance, one, 16_000)) for one in windows)
    return Request(Kind.FINAL, jobs, DecodeOptions(), int(Kind.FINAL))


@contextmanager
def decoding(supervisor: Supervisor) -> Iterator[tuple[Decoder, queue.SimpleQueue[Answered]]]:
    """Yield a decoder and its answers; its thread has ended afterwards."""
    before = set(threading.enumerate())
    answers: queue.SimpleQueue[Answered] = queue.SimpleQueue()
    decoder = Decoder(supervisor, SystemClock(), answers.put)
    (thread,) = [one for one in threading.enumerate() if one not in before]
    try:
        yield decoder, answers
    finally:
        decoder.stop()
        thread.join(LONG)
        assert not thread.is_alive()


def test_outcomes_come_in_the_order_of_the_windows(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["one", "two"]))
    done = decode(request(window(1), window(2)), supervisor, SystemClock())
    texts = [found.text for found in done.outcomes if isinstance(found, Hypothesis)]
    assert texts == ["one", "two"]
    assert done.error is None
    assert done.secs > 0


def test_the_time_is_that_of_the_clock(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["one"]))
    assert decode(request(window(1)), supervisor, SteppingClock()).secs == 0.0


def test_an_error_comes_back_as_a_value(supervise: Supervise, script: Script) -> None:
    asked = request(window(1))
    done = decode(asked, supervise(script(load_error="out of order")), SystemClock())
    assert done.request is asked
    assert done.outcomes == ()
    assert isinstance(done.error, ModelError)


def test_a_window_that_was_given_up_is_an_outcome(supervise: Supervise, script: Script) -> None:
    steps = {str(n): "error" for n in range(1, 4)}
    done = decode(request(window(1)), supervise(script(steps=steps)), SystemClock())
    assert [type(outcome) for outcome in done.outcomes] == [Lost]
    assert done.error is None


def test_requests_are_answered_one_after_the_other(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["one", "two"]))
    with decoding(supervisor) as (decoder, answers):
        assert not decoder.busy
        for number in (1, 2):
            asked = request(window(number))
            decoder.ask(asked)
            assert decoder.busy
            assert answers.get(timeout=LONG).request is asked
            decoder.answered()


def test_the_thread_outlives_an_error(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(load_error="out of order"))
    with decoding(supervisor) as (decoder, answers):
        for _ in range(2):
            decoder.ask(request(window(1)))
            assert isinstance(answers.get(timeout=LONG).error, ModelError)


def test_a_request_that_was_asked_for_is_answered_before_the_thread_ends(
    supervise: Supervise, script: Script
) -> None:
    with decoding(supervise(script(texts=["one"]))) as (decoder, answers):
        decoder.ask(request(window(1)))
    assert answers.get(timeout=LONG).error is None
