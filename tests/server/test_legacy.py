"""The contract of the original system, message by message."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import (
    Backfill,
    Failover,
    Final,
    Gap,
    Level,
    Notice,
    Partial,
    SpeechStarted,
)
from echocli.server.desk import Limits, Refused, refusal
from echocli.server.legacy import LegacyConversation
from echocli.types import Segment
from echocli.wire.codes import Code
from tests.server.seats import Line, MemoryDesk, types

pytestmark = pytest.mark.unit

START: dict[str, Any] = {
    "type": "start",
    "session_id": "meeting one",
    "attempt_id": "try-1",
    "connection_id": "line-1",
    "sample_rate": 16000,
    "format": "pcm_s16le",
    "channels": 1,
    "client_features": {"client_vad_enabled": False},
}
IDS = {key: START[key] for key in ("session_id", "attempt_id", "connection_id")}
SEGMENT = Segment(3, 1.5, 2.25, " Hello.", confidence=0.75, language="en", source="mic")


def connected(desk: MemoryDesk | None = None) -> Line:
    desk = desk or MemoryDesk()
    return Line(LegacyConversation(desk, Limits(), 0.0), desk)


def begun() -> Line:
    line = connected()
    line.send(json.dumps(START))
    line.desk.session.warm()
    line.later()
    return line


def audio(data: bytes, source: str = "mic") -> str:
    return json.dumps({"type": "audio", "source": source, "data": base64.b64encode(data).decode()})


def states(sent: list[dict[str, Any]]) -> list[str]:
    return [one["state"] for one in sent if one.get("type") == "status"]


class TestBeginning:
    def test_a_connection_is_greeted(self) -> None:
        (hello,) = connected().sent()
        assert (hello["type"], hello["state"]) == ("status", "connected")
        assert hello["message"] == "connected, waiting for start"

    def test_streaming_is_said_only_when_the_model_is_ready(self) -> None:
        line = connected()
        assert states(line.send(json.dumps(START))) == ["connected", "connected"]
        line.desk.session.told.add(Notice("slow", "loading takes long"))
        assert states(line.later()) == ["connected"], "a warning would let the client send"
        line.desk.session.warm()
        (status,) = line.later()
        assert status == {
            "type": "status",
            "state": "streaming",
            "message": "scripted with m is ready",
            "dropped_frames": 0,
            "dropped_seconds": 0.0,
            "backlog_seconds": 0.0,
            "degrade_level": "NORMAL",
            "action": None,
            **IDS,
        }

    @pytest.mark.parametrize(
        ("level", "state"),
        [("WARNING", "buffering"), ("DEGRADE", "buffering"), ("EMERGENCY", "overloaded")],
    )
    def test_a_level_that_is_in_force_is_said_at_the_start(self, level: str, state: str) -> None:
        line = connected()
        line.send(json.dumps(START))
        line.desk.session.level = level
        line.desk.session.warm()
        sent = line.later()
        assert states(sent) == ["streaming", state]
        assert [one["degrade_level"] for one in sent] == [level, level]

    @pytest.mark.parametrize(
        "changes",
        [{"sample_rate": 44100}, {"format": "opus"}, {"channels": 2}, {"channels": True}],
        ids=str,
    )
    def test_another_format_is_an_error_and_a_close(self, changes: dict[str, Any]) -> None:
        sent = connected().send(json.dumps(START | changes))
        assert types(sent) == ["status", "status", "error", 1003]
        assert "only 16000 Hz, pcm_s16le, 1 channel" in sent[2]["message"]

    def test_what_start_leaves_out_is_as_it_must_be(self) -> None:
        line = connected()
        assert states(line.send('{"type": "start"}')) == ["connected"] * 2
        assert line.desk.session.start.session is None

    def test_a_server_that_is_full_says_so(self) -> None:
        line = connected(MemoryDesk(refused=Refused(Code.TOO_MANY_SESSIONS, "ten are open", 5.0)))
        sent = line.send(json.dumps(START))
        assert types(sent)[-2:] == ["error", 1013]
        assert sent[-2]["retry_after"] == 5.0

    def test_who_says_nothing_is_sent_away(self) -> None:
        line = connected()
        line.sent()
        assert types(line.later(10)) == ["status", "error", 4408]


class TestSound:
    def test_it_comes_in_three_forms(self) -> None:
        line = begun()
        line.send(audio(b"\x01\x02", "mic"))
        line.send(audio(b"\x03\x04", "system"))
        line.send(b"EP\x01\x01" + b"\x05\x06")
        line.send(b"EP\x01\x00" + b"\x07\x08")
        line.send(b"\x09\x0a\x0b\x0c")
        line.send(audio(b"\x0d\x0e", "Microphone"))
        assert line.desk.session.fed == [
            (0, 0, b"\x01\x02"),
            (1, 0, b"\x03\x04"),
            (0, 1, b"\x05\x06"),
            (1, 1, b"\x07\x08"),
            (1, 2, b"\x09\x0a\x0b\x0c"),
            (0, 2, b"\x0d\x0e"),
        ]

    @given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6), st.integers(0, 2))
    def test_however_it_is_cut_the_samples_are_the_same(
        self, data: bytes, cuts: list[int], form: int
    ) -> None:
        line = begun()
        edges = [0, *sorted(cuts), len(data)]
        for start, end in pairwise(edges):
            piece = data[start:end]
            # A piece that begins like a header would be read as one.
            forms = (b"EP\x01\x00" + piece, audio(piece, "system"), b"\xff\xff" + piece)
            line.send(forms[form])
        fed = line.desk.session.fed
        assert all(len(piece) % 2 == 0 for _, _, piece in fed)
        if form < 2:
            assert b"".join(piece for _, _, piece in fed) == data[: len(data) // 2 * 2]
        at = 0
        for _, index, piece in fed:
            assert index == at
            at += len(piece) // 2

    @pytest.mark.parametrize(
        ("message", "close"),
        [
            (audio(b"", "loudspeaker"), 1002),
            ('{"type": "audio", "data": "%%%"}', 1002),
            ('{"type": "audio", "data": "é"}', 1002),
            ('{"type": "audio", "data": 4}', 1002),
            ('{"type": "audio", "source": 4, "data": ""}', 1002),
            (bytes(320_001), 1009),
            (audio(bytes(320_002)), 1009),
            ('"' + "a" * 2_000_000 + '"', 1009),
            ("no json", 1007),
            ("[]", 1002),
            (json.dumps(START), 1002),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_what_does_not_belong_here_closes(self, message: str | bytes, close: int) -> None:
        line = begun()
        assert types(line.send(message)) == ["status", "error", close]
        assert line.desk.session.detached == 1

    @pytest.mark.parametrize("message", [b"\x00\x00", audio(b"\x00\x00"), '{"type": "stop"}'])
    def test_nothing_but_start_comes_first(self, message: str | bytes) -> None:
        assert types(connected().send(message))[-2:] == ["error", 1002]

    def test_what_the_original_passed_over_is_passed_over(self) -> None:
        assert begun().send('{"type": "voice_note_start", "session_id": "v"}') == []


class TestText:
    def test_partials_and_finals(self) -> None:
        line = begun()
        line.desk.session.told.add(Partial(SEGMENT, ""))
        (partial,) = line.later(0.1)
        line.desk.session.told.add(Final(SEGMENT))
        (final,) = line.later(0.1)
        assert final == {
            "type": "asr_final",
            "text": "Hello.",
            "t0": 1.5,
            "t1": 2.25,
            "confidence": 0.75,
            "stable": True,
            "source": "mic",
            "language": "en",
            "segment_id": "mic-3",
        }
        assert partial == final | {"type": "asr_partial", "stable": False}

    def test_text_that_was_put_aside_is_a_final_too(self) -> None:
        line = begun()
        line.desk.session.told.add(Backfill(SEGMENT))
        assert types(line.later(0.1)) == ["asr_final"]

    def test_what_was_told_is_not_kept(self) -> None:
        line = begun()
        for ident in range(10):
            line.desk.session.say(ident)
        line.later(0.1)
        assert line.desk.session.told.gone == 10

    def test_events_it_has_no_word_for_are_left_out(self) -> None:
        line = begun()
        line.desk.session.told.add(SpeechStarted(1, 0.0, "mic"))
        assert line.later(0.1) == []


class TestStatus:
    def test_lost_sound_is_counted(self) -> None:
        line = begun()
        line.desk.session.told.add(Gap(1.0, 2.5, "lost on the way", "mic"))
        line.desk.session.told.add(Gap(4.0, 5.0, "spooled: too slow", "mic"))
        lost, kept = line.later(0.1)
        assert (lost["state"], lost["dropped_frames"], lost["dropped_seconds"]) == (
            "warning",
            1,
            1.5,
        )
        assert (kept["action"], kept["dropped_frames"]) == ("SPOOL", 1)

    @pytest.mark.parametrize(
        ("level", "state"),
        [
            ("NORMAL", "streaming"),
            ("WARNING", "buffering"),
            ("DEGRADE", "buffering"),
            ("EMERGENCY", "overloaded"),
            ("FAILOVER", "overloaded"),
        ],
    )
    def test_levels_are_told(self, level: str, state: str) -> None:
        line = begun()
        line.desk.session.told.add(Level("NORMAL", level, "RTF 1.3", 1.3, 4.0, ("greedy",)))
        (status,) = line.later(0.1)
        assert (status["state"], status["degrade_level"], status["action"]) == (
            state,
            level,
            "greedy",
        )
        assert status["backlog_seconds"] == 4.0

    def test_a_failover_lets_the_client_go_on_at_once(self) -> None:
        line = begun()
        line.desk.session.told.add(Failover("a:m", "b:m", "it died"))
        assert states(line.later(0.1)) == ["reconnecting", "streaming"]

    def test_pressure_is_told_with_hysteresis(self) -> None:
        line = begun()
        found = []
        for fill in (0.84, 0.85, 0.96, 0.9, 0.75, 0.69, 1.3):
            line.desk.session.fill = fill
            found.append(states(line.later(0.01)))
        assert found == [
            [],
            ["backpressure"],
            ["overloaded"],
            [],
            [],
            ["streaming"],
            ["overloaded"],
        ]

    def test_metrics_come_once_a_second_of_each_source_that_was_heard(self) -> None:
        line = begun()
        assert line.later(1.0) == []
        line.send(audio(b"\x00\x00", "system"))
        (metrics,) = line.later(1.0)
        assert metrics == {
            "type": "metrics",
            "source": "system",
            "queue_bytes": 0,
            "queue_fill_ratio": 0.0,
            "backlog_seconds": 0.0,
            "dropped_total": 0,
            "avg_infer_ms": 9.0,
            "realtime_factor": 0.1,
            "provider": "scripted",
            "model_id": "m",
            "vad_enabled": True,
            "degrade_level": "NORMAL",
            "rtf_avg_10s": None,
            **IDS,
        }


class TestEnd:
    def test_a_stop_gives_the_summary_and_closes(self) -> None:
        line = begun()
        line.desk.session.told.add(Final(Segment(1, 61.0, 62.0, " Later.", source="system")))
        line.desk.session.told.add(Final(SEGMENT))
        line.later(0.1)
        assert line.send('{"type": "stop", "session_id": "meeting one"}') == []
        assert line.desk.session.finished is True
        assert line.send(audio(b"\x00\x00")) == line.send('{"type": "stop"}') == []
        assert line.desk.session.fed == []
        line.desk.session.over = True
        summary, close = line.later(0.1)
        assert close == {"close": 1000, "reason": ""}
        assert summary["type"] == "final_summary"
        assert summary["segments"] == 2
        assert summary["markdown"].splitlines()[2:] == [
            "- [0:01] mic: Hello.",
            "- [1:01] system: Later.",
        ]
        assert [one["text"] for one in summary["json"]["transcript"]] == ["Hello.", "Later."]
        assert summary["json"]["session_id"] == "meeting one"

    def test_a_lost_connection_ends_the_session(self) -> None:
        line = begun()
        line.talk.lost()
        assert line.desk.session.finished is False
        assert line.desk.session.detached == 1

    @pytest.mark.parametrize(
        ("code", "state", "close"),
        [
            (Code.PROVIDER_FAILED, "no_asr_provider", 1011),
            (Code.NOT_READY, "no_asr_provider", 1013),
            (Code.IDLE, "error", 4408),
        ],
    )
    def test_a_failure_is_told_and_there_is_no_summary(
        self, code: Code, state: str, close: int
    ) -> None:
        line = begun()
        line.desk.session.over, line.desk.session.failure = True, refusal(code, "why")
        sent = line.later(0.1)
        assert types(sent) == ["status", "error", close]
        assert states(sent) == [state]

    def test_the_server_says_goodbye(self) -> None:
        line = begun()
        line.talk.leave(1.0)
        assert types(line.sent()) == ["status", "error", 1001]
