"""What tools print is understood, and processes are measured from outside."""

from __future__ import annotations

import json

import pytest

from benchmarks.heard import Dialect, listen
from benchmarks.processes import Line, ProcessFailed, python, run, variables

pytestmark = pytest.mark.unit


def stamped(*texts: str) -> list[Line]:
    return [Line(float(number), text) for number, text in enumerate(texts)]


def test_json_lines_give_text_and_time_of_each_file() -> None:
    events = [
        {"type": "ready"},
        {"type": "final", "text": " And so"},
        {"type": "final", "text": "on."},
        {"type": "end"},
        {"type": "stats"},
        {"type": "end"},
    ]
    heard = listen(Dialect.JSON_LINES, stamped(*map(json.dumps, events)))
    assert (heard.texts, heard.ends, heard.first) == (("And so on.", ""), (3.0, 5.0), 1.0)
    assert heard.durations == (2.0,)


def test_ctranslate2_lines_give_text_and_time_of_each_file() -> None:
    heard = listen(
        Dialect.CTRANSLATE2,
        stamped(
            "",
            "File: 'a.wav (transcribe)'",
            "Detected language 'English' with probability 1.000000",
            "[00:00.000 --> 00:08.000]  And so",
            "[00:08.000 --> 01:00:11.000]  on.",
            "File: 'b.wav (transcribe)'",
            "Transcription results written to 'x' directory",
        ),
    )
    assert (heard.texts, heard.ends, heard.first) == (("And so on.", ""), (5.0, 6.0), 3.0)


def test_one_file_of_ctranslate2_has_no_heading() -> None:
    lines = stamped("[00:00.000 --> 00:01.000]  Yes.", "Transcription results written to 'x'")
    assert listen(Dialect.CTRANSLATE2, lines).texts == ("Yes.",)


def test_a_half_done_file_is_none() -> None:
    lines = stamped(json.dumps({"type": "final", "text": "a"}))
    assert listen(Dialect.JSON_LINES, lines).texts == ()


def test_a_process_is_timed_and_weighed() -> None:
    script = "import subprocess, sys; print('one'); sum(range(3_000_000)); print('two')"
    done = run(python("-c", script), 60)
    assert [line.text for line in done.lines] == ["one", "two"]
    assert 0 < done.lines[0].at < done.lines[1].at <= done.seconds
    assert done.cpu_seconds > 0
    assert done.peak_mb > 1
    assert done.others >= 0


@pytest.mark.parametrize(
    ("script", "limit", "why"),
    [
        ("import sys; sys.exit('an Error: it broke')", 60.0, "status 1: an Error: it broke"),
        ("import signal; signal.pause()", 0.2, "took more than 0 s"),
    ],
)
def test_a_process_that_fails_says_why(script: str, limit: float, why: str) -> None:
    with pytest.raises(ProcessFailed, match=why):
        run(python("-c", script), limit)


def test_a_program_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(ProcessFailed, match="No such file"):
        run(["/no/such/program"], 1)


def test_nobodys_settings_reach_a_measured_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOCLI_MODEL", "large")
    monkeypatch.setenv("ECHOPANEL_ASR_VAD", "1")
    assert not {"ECHOCLI_MODEL", "ECHOPANEL_ASR_VAD"} & set(variables())
