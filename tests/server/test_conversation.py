"""The server's side of the protocol, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from echocli.events import Final, Gap, Notice, Partial, SpeechStarted
from echocli.server.desk import Limits, Refused, refusal
from echocli.server.talk import BATCH, State
from echocli.server.told import Told
from echocli.types import Segment
from echocli.wire.codes import CLOSES, FRAME_SECONDS, MAX_TEXT, Close, Code
from echocli.wire.frames import Frame, encode
from echocli.wire.messages import Finish, Format, Resume, Seen, SourceStart, to_text
from tests.server.seats import START, Line, MemoryDesk, begun, connected, sound, started, types

pytestmark = pytest.mark.unit


def partial(ident: int, source: str = "mic") -> Partial:
    return Partial(Segment(ident, 0.0, 1.0, f" {ident}…", source=source), "")


def resumed(line: Line, seq: int) -> Line:
    again = connected(line.desk)
    again.send(to_text(Resume("talk", "secret", seq)))
    return again


def errors(sent: list[dict[str, Any]]) -> tuple[str, int]:
    error, close = sent[-2:]
    assert error["type"] == "error"
    assert error["message"]
    assert close["reason"] == error["code"]
    return error["code"], close["close"]


class TestBeginning:
    def test_a_start_is_accepted_at_once(self) -> None:
        (accepted,) = connected().send(to_text(START))
        assert accepted == {
            "type": "accepted",
            "version": 1,
            "session": "talk",
            "token": "secret",
            "resumed": False,
            "received": {"mic": 0, "system": 0},
            "final": {"mic": 0, "system": 0},
            "limits": {
                "frame_bytes": 1048576,
                "frame_seconds": 10,
                "keep_seconds": 60,
                "idle_seconds": 60,
                "session_seconds": 14400,
            },
        }

    def test_ready_comes_only_when_the_model_is_warm(self) -> None:
        line = connected()
        line.send(to_text(START))
        assert line.later(30) == []
        line.desk.session.warm()
        ready, metrics = line.later()
        assert ready["type"] == "ready"
        assert metrics["sources"]["mic"]["degrade_level"] == "NORMAL"  # the level at the start
        assert "ready" not in types(line.later())

    def test_sound_may_come_before_that(self) -> None:
        line = connected()
        line.send(to_text(START))
        assert line.send(sound()) == []
        assert line.desk.session.fed == [(0, 0, bytes(3200))]

    def test_who_says_nothing_is_sent_away(self) -> None:
        line = connected()
        assert line.later(9.9) == []
        assert errors(line.later(0.1)) == ("idle", 4408)

    def test_a_refusal_is_passed_on_with_its_retry_time(self) -> None:
        line = connected(MemoryDesk(refused=Refused(Code.TOO_MANY_SESSIONS, "ten are open", 5.0)))
        sent = line.send(to_text(START))
        assert sent[0] == {
            "type": "error",
            "code": "too_many_sessions",
            "message": "ten are open",
            "retryable": True,
            "retry_after": 5.0,
        }
        assert sent[1] == {"close": 1013, "reason": "too_many_sessions"}


@pytest.mark.parametrize("message", [sound(), to_text(Seen(0)), to_text(Finish())])
def test_nothing_but_start_or_resume_comes_first(message: str | bytes) -> None:
    assert errors(connected().send(message)) == ("bad_message", 1002)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", ("bad_message", 1007)),
        ("{", ("bad_message", 1007)),
        ("[" * 50_000, ("bad_message", 1007)),
        ('{"type": "seen", "seq": NaN}', ("bad_message", 1007)),
        ('{"type": "seen", "seq": 1e999}', ("bad_message", 1007)),
        ('{"type": "' + "a" * MAX_TEXT + '"}', ("too_large", 1009)),
        ("[]", ("bad_message", 1002)),
        ('{"type": "hello"}', ("bad_message", 1002)),
        ('{"type": "seen"}', ("bad_message", 1002)),
        ('{"type": "seen", "seq": 1}', ("bad_message", 1002)),
        (to_text(START), ("bad_message", 1002)),
        (to_text(Resume("talk", "secret")), ("bad_message", 1002)),
        (b"", ("bad_message", 1002)),
        (b"EC\x02" + bytes(13), ("bad_message", 1002)),
        (b"EP\x01" + bytes(13), ("bad_message", 1002)),
        (sound(source=2), ("bad_message", 1002)),
        (sound(1)[:-1], ("bad_message", 1002)),
        (sound(FRAME_SECONDS * 16_000 + 1), ("too_large", 1009)),
        (sound(600_000), ("too_large", 1009)),
        (sound(index=2**53), ("bad_message", 1002)),
        (sound(index=86_400 * 16_000 + 1), ("bad_message", 1002)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_belong_here_closes(message: str | bytes, expected: tuple[str, int]) -> None:
    line = begun()
    assert errors(line.send(message)) == expected
    assert line.desk.session.detached == 1
    assert line.talk.state is State.CLOSED


def test_a_session_that_broke_off_so_can_be_resumed() -> None:
    line = begun()
    line.send(b"")
    assert resumed(line, 0).talk.state is State.STREAMING


def test_nothing_is_taken_or_sent_after_a_close() -> None:
    line = begun()
    line.send("")
    line.desk.session.say(0)
    assert line.send(to_text(START)) == line.later(60) == []
    line.talk.leave(61)
    line.talk.lost()
    assert line.sent() == []
    assert line.desk.session.detached == 1


class TestSound:
    def test_frames_may_have_any_whole_number_of_samples(self) -> None:
        start = replace(START, format=Format.PCM_F32LE, channels=2)
        line = begun(start)
        assert line.send(encode(Frame(1, 7, 3, bytes(16)))) == []
        assert line.desk.session.fed == [(1, 3, bytes(16))]
        assert errors(line.send(encode(Frame(1, 8, 5, bytes(4))))) == ("bad_message", 1002)

    def test_a_frame_without_samples_says_how_far_a_gap_goes(self) -> None:
        line = begun()
        assert line.send(sound(0, index=16_000)) == []
        assert line.later(1.0)[0]["received"] == {"mic": 16_000, "system": 0}

    def test_the_connection_is_not_read_while_the_buffer_is_full(self) -> None:
        line = begun()
        line.desk.session.fill = 1.0
        assert line.talk.paused
        line.desk.session.fill = 0.99
        assert not line.talk.paused

    def test_sound_after_finish_closes(self) -> None:
        line = begun()
        line.send(to_text(Finish()))
        assert errors(line.send(sound())) == ("bad_message", 1002)


class TestAcknowledgement:
    def test_what_was_received_is_told_once_a_second_while_it_changes(self) -> None:
        line = begun()
        line.send(sound())
        assert line.later(0.7) == []
        assert types(line.later(0.3)) == ["ack", "metrics"]
        assert types(line.later(1.0)) == ["metrics"]

    def test_a_final_is_followed_by_its_ack_at_once(self) -> None:
        line = begun()
        line.desk.session.say(0)
        final, ack = line.later()
        assert (final["type"], final["seq"], final["text"]) == ("final", 1, " 0")
        assert ack["final"] == {"mic": 1600, "system": 0}

    @pytest.mark.parametrize("event", [Gap(0, 1, "lost", "mic"), started(3)])
    def test_a_gap_too_and_nothing_else(self, event: Any) -> None:
        line = begun()
        line.desk.session.told.add(event)
        line.desk.session.final["mic"] = 16_000
        assert ("ack" in types(line.later())) is isinstance(event, Gap)

    def test_seen_lets_go_of_messages(self) -> None:
        line = begun()
        line.desk.session.say(0)
        line.later()
        assert line.send(to_text(Seen(1))) == []
        assert line.desk.session.told.gone == 1


class TestPressure:
    def test_it_is_told_with_hysteresis(self) -> None:
        line = begun()
        found = []
        for fill in (0.84, 0.85, 0.9, 0.7, 0.69, 0.84, 1.2):
            line.desk.session.fill = fill
            found += [(one["active"], one["fill"]) for one in line.later(0.01)]
        assert found == [(True, 0.85), (False, 0.69), (True, 1.0)]

    def test_metrics_come_once_a_second(self) -> None:
        line = begun()
        assert [types(line.later()) for _ in range(8)] == [[], [], [], ["metrics"]] * 2


class TestEvents:
    def test_they_are_numbered_but_for_partials(self) -> None:
        line = begun()
        line.desk.session.told.add(partial(5))
        line.desk.session.told.add(Notice("code", "text"))
        line.desk.session.told.add(SpeechStarted(5, 0.0, "mic"))
        sent = line.later()
        assert [(one["type"], one.get("seq")) for one in sent] == [
            ("notice", 1),
            ("speech_started", 2),
            ("partial", None),
        ]

    def test_no_partial_follows_its_final(self) -> None:
        line = begun()
        line.desk.session.say(5)
        line.later()
        line.desk.session.told.add(partial(5))
        line.desk.session.told.add(partial(5, "system"))
        assert [(one["type"], one["source"]) for one in line.later()] == [("partial", "system")]

    def test_many_come_batch_by_batch_and_only_then_what_they_say_is_final(self) -> None:
        line = begun()
        for ident in range(BATCH + 1):
            line.desk.session.say(ident)
        assert types(line.later(0.01)) == ["final"] * BATCH
        assert types(line.later(0.01)) == ["final", "ack"]

    def test_a_peer_that_does_not_read_gets_no_more(self) -> None:
        line = begun()
        for ident in range(100):
            line.desk.session.say(ident)
            line.talk.pump(float(ident))
        assert types(line.sent()).count("final") == 1
        assert types(line.later()).count("final") == 99

    def test_messages_that_were_not_read_for_too_long_end_the_connection(self) -> None:
        line = begun()
        line.desk.session.told = Told(most_events=1)
        line.desk.session.say(0)
        line.desk.session.say(1)
        assert errors(line.later()) == ("unknown_session", 4404)


class TestEnd:
    def test_after_finish_everything_is_sent_and_the_connection_is_closed(self) -> None:
        line = begun()
        assert line.send(to_text(Finish(catch_up=False))) == []
        assert line.desk.session.finished is False
        line.desk.session.say(0)
        assert types(line.later()) == ["final", "ack"]
        line.desk.session.final["mic"] = 3200
        line.desk.session.over = True
        assert line.later(0.1) == [
            {
                "type": "ack",
                "received": {"mic": 0, "system": 0},
                "final": {"mic": 3200, "system": 0},
            },
            {"close": 1000, "reason": ""},
        ]

    def test_a_finish_may_be_said_again(self) -> None:
        line = begun()
        line.send(to_text(Finish()))
        assert line.send(to_text(Finish())) == []
        assert line.talk.state is State.FINISHING

    @pytest.mark.parametrize("code", Code)
    def test_a_failure_is_passed_on_after_what_was_told(self, code: Code) -> None:
        line = begun()
        line.desk.session.say(0)
        line.desk.session.over, line.desk.session.failure = True, refusal(code, "why")
        sent = line.later()
        assert types(sent)[:3] == ["final", "ack", "error"]
        assert errors(sent) == (code, CLOSES[code])

    def test_the_server_says_goodbye(self) -> None:
        line = begun()
        for ident in range(3 * BATCH):
            line.desk.session.say(ident)
        line.talk.leave(line.now)
        sent = line.sent()
        assert types(sent).count("final") == 3 * BATCH
        assert errors(sent) == ("going_away", 1001)
        assert line.desk.session.detached == 1

    def test_a_finished_session_ends_well_even_then(self) -> None:
        line = begun()
        line.send(to_text(Finish()))
        line.desk.session.over = True
        line.talk.leave(line.now)
        assert line.sent() == [{"close": 1000, "reason": ""}]

    def test_before_a_session_began_it_says_so_too(self) -> None:
        line = connected()
        line.talk.leave(0.0)
        assert errors(line.sent()) == ("going_away", 1001)


class TestResume:
    def test_it_goes_on_where_the_connection_was_lost(self) -> None:
        line = begun()
        line.send(sound())
        for ident in range(3):
            line.desk.session.say(ident)
        line.talk.lost()
        assert line.desk.session.detached == 1
        again = connected(line.desk)
        (accepted,) = again.send(to_text(Resume("talk", "secret", 1)))
        assert (accepted["resumed"], accepted["received"]["mic"]) == (True, 1600)
        assert accepted["final"] == {"mic": 0, "system": 0}, "text that says so is yet to be sent"
        sent = again.later()
        assert [one.get("seq") for one in sent] == [None, 2, 3, None, None]
        assert types(sent) == ["ready", "final", "final", "ack", "metrics"]

    def test_what_was_told_already_is_final_at_once(self) -> None:
        line = begun()
        line.desk.session.say(0)
        line.talk.lost()
        again = connected(line.desk)
        (accepted,) = again.send(to_text(Resume("talk", "secret", 1)))
        assert accepted["final"] == {"mic": 1600, "system": 0}

    def test_the_older_connection_is_closed_and_does_not_disturb(self) -> None:
        line = begun()
        resumed(line, 0)
        assert errors(line.later()) == ("replaced", 4409)
        assert line.desk.session.detached == 0

    @pytest.mark.parametrize(
        "wrong", [Resume("talk", "guess"), Resume("talk", "secret", 9)], ids=["token", "seq"]
    )
    def test_what_is_not_known_is_begun_anew(self, wrong: Resume) -> None:
        line = begun()
        line.talk.lost()
        assert errors(connected(line.desk).send(to_text(wrong))) == ("unknown_session", 4404)

    def test_a_session_begun_anew_starts_where_the_old_one_was_final(self) -> None:
        start = replace(START, sources=(SourceStart("mic", 48_000),), first_id=7)
        line = connected()
        (accepted,) = line.send(to_text(start))
        assert accepted["received"] == accepted["final"] == {"mic": 48_000}


def test_limits_are_told_and_held() -> None:
    line = connected(limits=Limits(frame_bytes=100, keep_seconds=5, start_seconds=1))
    (accepted,) = line.send(to_text(START))
    assert (accepted["limits"]["frame_bytes"], accepted["limits"]["keep_seconds"]) == (100, 5)
    assert errors(line.send(sound(51))) == ("too_large", 1009)


def test_every_code_has_a_close_code() -> None:
    assert set(CLOSES) == set(Code)
    assert set(CLOSES.values()) <= set(Close)


def test_a_final_without_a_source_is_told() -> None:
    line = begun()
    line.desk.session.told.add(Final(Segment(0, 0.0, 1.0, " a")))
    assert types(line.later()) == ["final"]
