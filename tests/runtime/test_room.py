from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from echocli.runtime.room import Room

pytestmark = pytest.mark.unit

LONG = 10.0
"""Seconds after which a thread that must come is given up."""


class Visitor:
    """Enters rooms in a thread of its own and says when it is inside."""

    def __init__(self, room: Room, samples: int) -> None:
        self.inside = threading.Event()
        self._thread = threading.Thread(target=self._enter, args=(room, samples))
        self._thread.start()

    def _enter(self, room: Room, samples: int) -> None:
        room.enter(samples)
        self.inside.set()

    def join(self) -> None:
        self._thread.join(LONG)
        assert not self._thread.is_alive()


@contextmanager
def visitor(room: Room, samples: int = 1) -> Iterator[Visitor]:
    """Yield somebody at the door, who is let in at last whatever happens."""
    one = Visitor(room, samples)
    try:
        yield one
    finally:
        room.throw_open()
        one.join()


def test_there_is_room_up_to_the_limit_and_one_block_more() -> None:
    room = Room(10)
    room.enter(9)
    room.enter(100)
    with visitor(room) as waiting:
        assert not waiting.inside.is_set()


def test_a_block_larger_than_the_room_is_let_in_alone() -> None:
    room = Room(10)
    room.enter(1000)
    room.leave(1000, backlog=0)
    room.enter(1000)


@pytest.mark.parametrize(
    "free",
    [lambda room: room.leave(10, backlog=0), lambda room: room.throw_open()],
    ids=["left", "thrown open"],
)
def test_who_waits_is_let_in_when_there_is_room(free: Callable[[Room], None]) -> None:
    room = Room(10)
    room.enter(10)
    with visitor(room) as waiting:
        free(room)
        assert waiting.inside.wait(LONG)


def test_speech_that_waits_to_be_decoded_takes_room() -> None:
    room = Room(10)
    room.enter(5)
    room.leave(5, backlog=10)
    with visitor(room) as waiting:
        assert not waiting.inside.is_set()
        room.leave(0, backlog=9)
        assert waiting.inside.wait(LONG)


def test_all_who_wait_are_let_in_when_it_is_thrown_open() -> None:
    room = Room(1)
    room.enter(1)
    with visitor(room, 5) as first, visitor(room, 5) as second:
        room.throw_open()
        assert first.inside.wait(LONG)
        assert second.inside.wait(LONG)
    room.enter(1000)
