from __future__ import annotations

from collections.abc import Callable, Iterator

import psutil
import pytest

from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec
from echocli.runtime.resting import Resting
from echocli.runtime.service import Service
from tests.runtime.conftest import gone, window

pytestmark = pytest.mark.unit


class Sleeper:
    """Notes what is asked of it."""

    def __init__(self, *, busy: bool = False) -> None:
        self.said: list[str] = []
        self.busy = busy

    def rest(self) -> bool:
        self.said.append("rest")
        return not self.busy

    def begin(self) -> None:
        self.said.append("begin")


@pytest.fixture
def service(script: Callable[..., LoadSpec]) -> Iterator[Service]:
    made = Service(script(texts=["one", "two"]))
    yield made
    made.close()


def test_a_model_nobody_needs_is_let_go_of_and_stays_so() -> None:
    """The ladder may have another one loaded in the silence."""
    sleeper = Sleeper()
    resting = Resting(sleeper, 600)
    for quiet in (0.0, 599.9, 600.0, 900.0):
        resting.observe(quiet)
    assert (sleeper.said, resting.resting) == (["rest", "rest"], True)


def test_one_that_is_needed_is_let_go_of_later() -> None:
    sleeper = Sleeper(busy=True)
    resting = Resting(sleeper, 10)
    resting.observe(10.0)
    assert not resting.resting
    sleeper.busy = False
    resting.observe(11.0)
    assert resting.resting


def test_speech_starts_the_load_and_the_next_silence_counts_anew() -> None:
    sleeper = Sleeper()
    resting = Resting(sleeper, 10)
    for quiet in (10.0, None, None, 5.0, 10.0):
        resting.observe(quiet)
    assert sleeper.said == ["rest", "begin", "rest"]


def test_speech_without_a_rest_starts_nothing() -> None:
    sleeper = Sleeper()
    Resting(sleeper, 10).observe(None)
    assert sleeper.said == []


def test_its_process_ends_and_another_one_decodes_what_comes(service: Service) -> None:
    service.ready()
    pid = service.worker_pid
    assert pid is not None
    resting = Resting(service, 10)
    resting.observe(11.0)
    assert gone(pid)
    assert not [child for child in psutil.Process().children() if not gone(child.pid, 0)]
    resting.observe(None)
    (outcome,) = service.decode([window(1)], DecodeOptions())
    assert isinstance(outcome, Hypothesis)
    assert service.worker_pid != pid
