"""The client of the protocol with a server of the same process, and a wire that can be cut."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from echocli.events import End, Event, Final, StatsEvent
from echocli.remote.actions import Connect, HangUp, Phase, Send
from echocli.remote.core import Core
from echocli.remote.outbox import to_pcm
from echocli.remote.policy import Loss, Policy
from echocli.remote.spool import Spool
from echocli.wire import frames
from echocli.wire.codes import Close, Code
from echocli.wire.messages import (
    Accepted,
    Finish,
    Message,
    Ready,
    Refusal,
    Resume,
    Seen,
    Start,
    parse_client,
    to_text,
)
from tests.remote.fake import Talk, second

BROKEN = Loss("it broke off", 1006)


class Network:
    """A core, a server of the same process, and a wire between them that can be cut."""

    def __init__(self, spool: Spool, names: tuple[str, ...] = ("mic",), retries: int = 15) -> None:
        self.now = 0.0
        self.spool = spool
        self.core = Core(names, "host", Policy(lambda: 0.5, retries), spool)
        self.events: list[Event] = []
        self.heard: list[Message] = []
        self.frames: list[frames.Frame] = []
        self.talks: dict[str, Talk] = {}
        self.talk: Talk | None = None
        self.sent = 0
        self.up = True
        self.wants = False
        self.said = 0
        """Seconds captured of each source so far."""

    def capture(self, secs: int = 1) -> None:
        for _ in range(secs):
            for place, _ in enumerate(self.core.courses):
                self.core.captured(place, to_pcm(second(self.said)))
            self.said += 1

    def step(self, secs: float = 0.5) -> None:
        """Let time pass and do what the core wants."""
        self.now += secs
        self.core.tick(self.now)
        self.act()
        while (data := self.core.next_frame()) is not None:
            frame = frames.decode(data)
            self.frames.append(frame)
            if self.talk is not None:
                self.talk.feed(frame)
                self.answer()
        self.act()

    def act(self) -> None:
        for action in self.core.take():
            match action:
                case Connect() if self.up:
                    self.core.connected(self.now)
                    self.act()
                case Connect():
                    self.core.lost(Loss("Connection refused"), self.now)
                case Send():
                    self.take(action.data)
                case HangUp():
                    self.cut(Loss(action.reason))
                case _:
                    self.events.append(action)

    def take(self, text: str) -> None:
        message = parse_client(text)
        self.heard.append(message)
        match message:
            case Resume() if message.session not in self.talks:
                self.tell(Refusal(Code.UNKNOWN_SESSION, "no such session", retryable=True))
                self.cut(Loss("", Close.UNKNOWN_SESSION))
                return
            case Resume():
                self.talk, self.sent = self.talks[message.session], message.seq
                self.accept(resumed=True)
            case Start():
                self.begin(message)
                self.accept(resumed=False)
            case Finish() if self.talk is not None:
                self.talk.say(StatsEvent({}))
                self.talk.say(End(1.0, None))
            case Seen():
                return
        self.answer()

    def begin(self, start: Start) -> None:
        self.talk = Talk(start, f"s{len(self.heard)}", next_id=start.first_id)
        for place, source in enumerate(start.sources):
            self.talk.sound[place] = bytearray()
            self.talk.begun[place] = self.talk.done[place] = source.start
        self.talks[self.talk.name], self.sent = self.talk, 0

    def accept(self, *, resumed: bool) -> None:
        assert self.talk is not None
        ack = self.talk.ack()
        self.tell(Accepted(self.talk.name, "t", resumed, ack.received, ack.final, {}))
        names = tuple(one.name for one in self.talk.start.sources)
        self.tell(Ready(self.talk.name, "fake", "numbers", None, None, names))

    def answer(self) -> None:
        if self.talk is None:
            return
        for one in self.talk.numbered[self.sent :]:
            self.tell(one)
        if self.talk is not None:
            self.sent = len(self.talk.numbered)
            self.tell(self.talk.ack())

    def tell(self, message: Message) -> None:
        self.core.received(to_text(message), self.now)

    def cut(self, loss: Loss = BROKEN) -> None:
        self.talk = None
        if self.core.phase not in (Phase.WAITING, Phase.LOST, Phase.OVER):
            self.core.lost(loss, self.now)

    def finish(self) -> None:
        for place, _ in enumerate(self.core.courses):
            self.core.over(place)
        for _ in range(4000):
            if self.core.done:
                return
            self.step()
        raise AssertionError(f"it never ended: {self.core.phase}")

    def texts(self, name: str = "mic") -> list[int]:
        finals = [one.segment for one in self.events if isinstance(one, Final)]
        return [int(one.text) for one in finals if one.source == name]


@contextmanager
def network(*names: str, retries: int = 15) -> Iterator[Network]:
    with tempfile.TemporaryDirectory() as place:
        spool = Spool(10**9, Path(place))
        yield Network(spool, names or ("mic",), retries)
        spool.close()
