"""Sound that is kept, handed on once more to whoever stands in."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from echocli.audio.capture import Captured, Item, Missing, Over
from echocli.clock import SystemClock
from echocli.remote import reading
from echocli.remote.course import Course
from echocli.remote.outbox import Outbox, to_pcm
from echocli.remote.reading import KeptSound
from echocli.remote.spool import Spool
from echocli.types import SAMPLE_RATE
from tests.remote.fake import SCALE, second

pytestmark = pytest.mark.unit

Call = Callable[[float], None]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    made = Course("mic", "source0", Outbox("mic", Spool(0, tmp_path)), over=True)
    for value in (1, 2):
        made.outbox.append(to_pcm(second(value)))
    made.outbox.skip(SAMPLE_RATE)
    made.outbox.append(to_pcm(second(4)))
    return made


class Listening:
    """What is handed on, until it is over."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.over = threading.Event()

    def __call__(self, item: Item) -> None:
        self.items.append(item)
        if isinstance(item, Over):
            self.over.set()

    @property
    def values(self) -> list[int]:
        """The value of every sample, in order."""
        sound = [one.samples for one in self.items if isinstance(one, Captured)]
        return [round(value * SCALE) for piece in sound for value in piece.tolist()]


SAID = [1] * SAMPLE_RATE + [2] * SAMPLE_RATE + [4] * SAMPLE_RATE


def test_all_of_it_comes_in_order_and_a_hole_is_said(course: Course) -> None:
    heard = Listening()
    KeptSound(course, 0, SystemClock(), lambda call: call(0.0)).start(heard)
    assert heard.over.wait(10)
    assert heard.values == SAID
    assert [one.samples for one in heard.items if isinstance(one, Missing)] == [SAMPLE_RATE]


def test_an_answer_that_takes_long_does_not_make_sound_come_twice(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.001)
    calls: queue.SimpleQueue[Call] = queue.SimpleQueue()
    heard = Listening()
    KeptSound(course, 0, SystemClock(), calls.put).start(heard)
    while not heard.over.is_set():
        call = calls.get(timeout=10)
        heard.over.wait(0.02)  # much longer than its patience
        call(0.0)
        heard.over.wait(0.02)
    assert heard.values == SAID


def test_it_ends_when_nobody_answers_any_more(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.001)
    heard = Listening()
    kept = KeptSound(course, 0, SystemClock(), lambda _: None)
    kept.start(heard)
    kept.stop()
    assert heard.over.wait(10)
    assert heard.values == []
