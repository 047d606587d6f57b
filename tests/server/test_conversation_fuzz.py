"""A hundred thousand messages that nobody would send, through both protocols of the server."""

from __future__ import annotations

import base64
import gc
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from echocli.events import Partial
from echocli.server.conversation import Conversation
from echocli.server.desk import Close, Limits, Send, refusal
from echocli.server.legacy import LegacyConversation
from echocli.server.talk import BATCH, Talk
from echocli.types import Segment
from echocli.wire.codes import Close as CloseCode
from echocli.wire.codes import Code
from echocli.wire.frames import Frame, encode
from echocli.wire.messages import Finish, Resume, Seen, parse_server, to_text
from tests.server.seats import START, MemoryDesk

pytestmark = pytest.mark.unit

MESSAGES = 100_000
"""Through each protocol."""

AT_ONCE = BATCH + 20
"""Actions that one take gives at most."""

CODES = {int(code) for code in CloseCode}

ODD = ["", "\x00", "null", "[]", "{}", '{"type":', '{"type": 4}', "é" * 40, "[" * 2000]
VALUES: list[Any] = [None, True, -1, 0, 2**53, 1e308, "", "a" * 300, [], {}, [{}], {"a": [None]}]

BEGIN, FINISH = to_text(START), to_text(Finish())
SEEN = [to_text(Seen(seq)) for seq in (0, 1, 5)]
RESUMES = [to_text(Resume("talk", "secret", seq)) for seq in (0, 3)]

LEGACY_BEGIN = '{"type": "start", "session_id": "s", "sample_rate": 16000, "channels": 1}'


class Noise:
    """Messages of one protocol, most of them valid, some changed, some nothing at all."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.index = 0
        self.wrong = 0.0
        """How much of it is wrong; another share for each connection."""

    def begin(self) -> None:
        """Begin a connection."""
        self.index, self.wrong = 0, self.random.choice([0.01, 0.05, 0.3])

    def message(self) -> str | bytes:
        """Return the next message."""
        found = self.valid()
        if self.random.random() >= self.wrong:
            return found
        return self.torn(found) if isinstance(found, bytes) else self.garbled(found)

    def valid(self) -> str | bytes:
        """Return a message as a client of version 1 might send it."""
        chance = self.random.random()
        if chance < 0.6:
            return self.frame()
        return self.random.choices([*SEEN, FINISH, BEGIN], [20, 5, 5, 1, 1])[0]

    def first(self) -> str | bytes:
        """Return how a connection begins."""
        return self.random.choices([BEGIN, *RESUMES, self.message()], [8, 1, 1, 1])[0]

    def frame(self) -> bytes:
        """Return a frame that goes on, repeats or leaves out."""
        samples = self.random.randrange(0, 200)
        self.index = max(0, self.index + self.random.choice([0, samples, samples, 500, -500]))
        return encode(Frame(self.random.randrange(2), 0, self.index, bytes(samples * 2)))

    def torn(self, data: bytes) -> bytes:
        """Return bytes that were cut, grown or changed."""
        found = bytearray(data[: self.random.randrange(len(data) + 1)] or b"\x00")
        for _ in range(self.random.randrange(4)):
            found[self.random.randrange(len(found))] = self.random.randrange(256)
        return bytes(found) + self.random.randbytes(self.random.choice([0, 0, 1, 30]))

    def garbled(self, text: str) -> str:
        """Return text that was cut or changed, or an object with a field that is wrong."""
        if self.random.random() < 0.5:
            found = json.loads(text)
            found[self.random.choice(list(found))] = self.random.choice(VALUES)
            return json.dumps(found)
        at = self.random.randrange(len(text))
        torn = text[:at] + chr(self.random.choice([0, 34, 92, 125, 0xD800, 0x1F600])) + text[at:]
        return self.random.choice([torn, text[:at], self.random.choice(ODD)])


class LegacyNoise(Noise):
    """The same in the contract of the original system."""

    def valid(self) -> str | bytes:
        """Return a message as a client of that system might send it."""
        sound = self.random.randbytes(self.random.randrange(0, 99))
        text = base64.b64encode(sound).decode()
        audio = {"type": "audio", "source": self.random.choice(["system", "mic"]), "data": text}
        choices: list[str | bytes] = [sound, b"EP\x01\x01" + sound, json.dumps(audio)]
        choices += [LEGACY_BEGIN, '{"type": "stop"}', '{"type": "ocr_text"}']
        return self.random.choices(choices, [20, 20, 20, 0.3, 0.3, 1])[0]

    def first(self) -> str | bytes:
        """Return how a connection begins."""
        return self.random.choices([LEGACY_BEGIN, self.message()], [8, 1])[0]


def stir(desk: MemoryDesk, noise: Noise, ident: int) -> None:
    """Let something happen to the session, or not."""
    chance, session = noise.random.random(), desk.kept
    if session is None or chance > 0.2:
        return
    if chance < 0.1:
        session.say(ident, noise.random.choice(["mic", "system"]))
    elif chance < 0.15:
        session.told.add(Partial(Segment(ident, 0, 1, " a", source="mic"), ""))
    elif chance < 0.17:
        session.fill = noise.random.random() * 1.2
        session.warm()
    elif chance > 0.19:
        session.over = noise.random.random() < 0.2
        wrong = refusal(noise.random.choice(list(Code)), "why")
        session.failure = noise.random.choice([None, wrong]) if session.over else None


def converse(make: Callable[[MemoryDesk, float], Talk], noise: Noise) -> Iterator[list[Any]]:
    """Yield what is sent after each message; a connection that is closed is followed by another."""
    desk, now = MemoryDesk(keeps_sound=False), 0.0
    talk, first = make(desk, now), True
    for ident in range(MESSAGES):
        now += 0.05
        if first:
            noise.begin()
        talk.receive(noise.first() if first else noise.message(), now)
        stir(desk, noise, ident)
        talk.pump(now)
        actions = talk.take()
        yield actions
        first = False
        if actions and isinstance(actions[-1], Close):
            talk, first = make(desk, now), True
        elif noise.random.random() < 0.002:
            talk.lost()
            talk, first = make(desk, now), True


def check(actions: list[Any], parse: Callable[[str], object]) -> CloseCode | None:
    """Hold what is sent against the rules, and return the close code."""
    assert len(actions) <= AT_ONCE
    for action in actions[:-1]:
        assert isinstance(action, Send), "nothing follows a close"
    for action in actions:
        if isinstance(action, Close):
            assert action.code in CODES
            assert len(action.reason.encode()) <= 123
            return CloseCode(action.code)
        assert isinstance(action.data, str)
        assert parse(action.data) is not None
    return None


@pytest.mark.parametrize(
    ("make", "noise", "parse"),
    [
        (lambda desk, now: Conversation(desk, Limits(), now), Noise(1), parse_server),
        (lambda desk, now: LegacyConversation(desk, Limits(), now), LegacyNoise(2), json.loads),
    ],
    ids=["v1", "legacy"],
)
def test_no_message_breaks_the_server_or_makes_it_grow(
    make: Callable[[MemoryDesk, float], Talk], noise: Noise, parse: Callable[[str], object]
) -> None:
    closes: dict[CloseCode, int] = {}
    objects = []
    for count, actions in enumerate(converse(make, noise)):
        if (close := check(actions, parse)) is not None:
            closes[close] = closes.get(close, 0) + 1
        if count in (MESSAGES // 2, MESSAGES - 1):
            gc.collect()
            objects.append(len(gc.get_objects()))
    assert closes.keys() >= {CloseCode.DONE, CloseCode.PROTOCOL, CloseCode.INVALID}
    # What one session keeps of events is bounded by itself, and differs from one to the next.
    assert objects[1] - objects[0] < 5000, objects


def test_a_long_connection_does_not_grow() -> None:
    desk, objects = MemoryDesk(keeps_sound=False), []
    talk = Conversation(desk, Limits(), 0.0)
    talk.receive(BEGIN, 0.0)
    assert len(talk.take()) == 1
    desk.session.warm()
    for number in range(10_000):
        now = number * 0.1
        talk.receive(encode(Frame(0, number, number * 1600, bytes(3200))), now)
        desk.session.say(number)
        talk.pump(now)
        assert check(talk.take(), parse_server) is None
        talk.receive(to_text(Seen(number + 1)), now)
        if number in (5_000, 9_999):
            gc.collect()
            objects.append(len(gc.get_objects()))
    assert desk.session.told.gone == 10_000
    assert objects[1] - objects[0] < 500
