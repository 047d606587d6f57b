"""Wherever connections break: each message once, in order, and nothing promised too early."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.server.conversation import Conversation
from echocli.server.desk import Close, Limits, Send
from echocli.server.talk import State
from echocli.wire.messages import Finish, Resume, Seen, to_text
from tests.server.seats import START, MemoryDesk

pytestmark = pytest.mark.unit


@dataclass
class Client:
    """Holds what it gets against the rules, over all its connections."""

    desk: MemoryDesk
    talk: Conversation = field(init=False)
    now: float = 0.0
    seq: int = 0
    """The last numbered message it has."""
    ends: dict[str, int] = field(default_factory=lambda: {"mic": 0, "system": 0})
    """Source → end of its last final."""
    finished: bool = False
    closed: int | None = None
    ready: bool = False

    def __post_init__(self) -> None:
        self.connect(to_text(START))

    def connect(self, first: str) -> None:
        self.talk, self.ready = Conversation(self.desk, Limits(), self.now), False
        self.talk.receive(first, self.now)

    def read(self, most: int | None = None) -> None:
        """Pump and read ``most`` messages; the rest is lost with the connection."""
        self.now += 0.25
        self.talk.pump(self.now)
        actions = self.talk.take()
        for action in actions[:most]:
            self.take(action)
        if most is not None and most < len(actions):
            self.break_off()

    def break_off(self) -> None:
        if self.talk.state is not State.CLOSED:
            self.talk.lost()
        self.closed = None
        self.connect(to_text(Resume("talk", "secret", self.seq)))
        if self.finished:
            self.finish()

    def finish(self) -> None:
        self.finished = True
        self.talk.receive(to_text(Finish()), self.now)

    def take(self, action: Send | Close) -> None:
        assert self.closed is None, "nothing follows a close"
        if isinstance(action, Close):
            self.closed = action.code
            return
        found = json.loads(action.data)
        if "seq" in found:
            assert found["seq"] == self.seq + 1
            self.seq += 1
        self.check(found)

    def check(self, found: dict[str, Any]) -> None:
        match found["type"]:
            case "final":
                self.ends[found["source"]] = round(found["end"] * 16_000)
            case "ack" | "accepted":
                assert all(found["final"][name] <= end for name, end in self.ends.items())
            case "ready":
                assert not self.ready
                self.ready = True


STEPS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["mic", "system"])),
    st.tuples(st.just("read"), st.none() | st.integers(0, 4)),
    st.tuples(st.just("break"), st.none()),
    st.tuples(st.just("seen"), st.integers(0, 3)),
    st.tuples(st.just("warm"), st.none()),
)


def do(client: Client, step: str, value: Any, ident: int) -> None:
    session = client.desk.session
    match step:
        case "say":
            session.say(ident, value)
        case "read":
            client.read(value)
        case "break":
            client.break_off()
        case "seen":
            client.talk.receive(to_text(Seen(max(0, client.seq - value))), client.now)
        case "warm":
            session.warm()


@given(st.lists(STEPS, max_size=40))
def test_each_message_comes_once_wherever_connections_break(steps: list[tuple[str, Any]]) -> None:
    client = Client(MemoryDesk())
    for ident, (step, value) in enumerate(steps):
        do(client, step, value, ident)
    client.finish()
    client.desk.session.over = True
    client.read()
    client.read()
    assert client.closed == 1000
    assert client.seq == client.desk.session.told.last
    assert client.ends == client.desk.session.final
