"""``--remote`` as a user runs it, against a server that is played."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from echocli.remote.outbox import to_pcm
from echocli.wire.codes import Close, Code
from echocli.wire.messages import Refusal
from tests.cli.conftest import PATIENCE, Start, interrupt_until_it_ends
from tests.cli.stream import Stream
from tests.conftest import RunEchocli
from tests.remote.fake import Fake, Hangup, running, speech
from tests.remote.test_files import WHOLE, Answers, refuse, serving, stream

pytestmark = [pytest.mark.unit, pytest.mark.network]

NOBODY = "127.0.0.1:9"
"""The port of `discard`, where nobody listens any more."""

LINES = "".join(f"{number}\n" for number in range(1, 9))


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def url(fake: Fake) -> Iterator[str]:
    with running(fake) as port:
        yield f"ws://127.0.0.1:{port}"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    soundfile.write(path, speech(1, 8), 16000, subtype="PCM_16")
    return path


@pytest.fixture
def kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where processes keep what has no text."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


class TestLive:
    def test_a_file_is_decoded_by_the_server(
        self, run_echocli: RunEchocli, url: str, talk: Path
    ) -> None:
        done = run_echocli("live", "--file", talk, "--remote", url)
        assert (done.code, done.stdout, done.stderr) == (0, LINES, "")

    def test_a_lost_connection_is_said_and_costs_no_word(
        self, run_echocli: RunEchocli, fake: Fake, url: str, talk: Path
    ) -> None:
        def mishap(connection: int, frames: int) -> None:
            if connection == 1 and frames == 5:
                fake.forget()
                raise Hangup

        fake.mishap = mishap
        done = run_echocli("live", "--file", talk, "--remote", url)
        assert (done.code, done.stdout) == (0, LINES)
        lost, back = done.stderr.splitlines()
        assert re.search(r"connection to .* lost: it broke off; trying again in \d", lost)
        assert "connected to" in back

    def test_the_transcript_names_who_served(
        self, run_echocli: RunEchocli, url: str, talk: Path
    ) -> None:
        done = run_echocli("live", "--file", talk, "--remote", url, "-f", "json")
        assert '"provider": "fake"' in done.stdout

    def test_a_pipe_whose_server_stays_away_is_left_as_a_file_to_send_later(
        self, run_echocli: RunEchocli, url: str, tmp_path: Path
    ) -> None:
        done = run_echocli(
            *("live", "-", "--remote", NOBODY, "--retries", "0"),
            stdin=to_pcm(speech(1, 8)),
            env={"TMPDIR": str(tmp_path)},
        )
        assert (done.code, done.stdout) == (1, "")
        assert "connection lost" not in done.stderr  # there never was one
        assert "Connection refused" in done.stderr
        found = re.search(r"send it later: echocli transcribe (\S+) --remote", done.stderr)
        assert found is not None
        later = run_echocli("live", "--file", found[1], "--remote", url)
        assert (later.code, later.stdout) == (0, LINES)

    def test_a_file_whose_server_stays_away_is_a_gap(
        self, run_echocli: RunEchocli, talk: Path
    ) -> None:
        away = ("--remote", NOBODY, "--retries", "0")
        done = run_echocli("live", "--file", talk, *away, "-f", "jsonl")
        assert done.code == 1
        gap, stats, end = [json.loads(line) for line in done.stdout.splitlines()][-3:]
        assert (gap["type"], stats["type"], end["type"]) == ("gap", "stats", "end")
        assert (gap["start"], gap["end"], end["duration"]) == (0.0, 8.0, 8.0)
        assert gap["reason"] == "remote: Connection refused"

    def test_ctrl_c_ends_a_recording_that_nobody_takes_within_the_last_chance(
        self, start_echocli: Start, url: str
    ) -> None:
        program = start_echocli("live", "-", "--remote", url, stdin=subprocess.PIPE)
        program.write(to_pcm(speech(1, 3)))
        assert program.wait_for_line(3) == "1\n2\n3\n"
        program.signal_group(signal.SIGINT)
        code, out, err = program.end()
        assert (code, out, err) == (130, "1\n2\n3\n", "")

    @pytest.mark.usefixtures("kept_here")
    def test_a_second_ctrl_c_does_not_wait(self, start_echocli: Start) -> None:
        program = start_echocli("live", "-", "--remote", NOBODY, stdin=subprocess.PIPE)
        program.write(to_pcm(speech(1, 1)))
        stderr = program.process.stderr
        assert stderr is not None
        assert b"cannot be reached" in stderr.readline()
        began = time.monotonic()
        interrupt_until_it_ends(program.process)
        code, _, _ = program.end()
        assert code == 130
        assert time.monotonic() - began < 10

    def test_what_is_kept_is_told_where_the_reader_went_away_after_the_server(
        self, start_echocli: Start, kept_here: Path
    ) -> None:
        away = ("--remote", NOBODY, "--retries", "0")
        program = start_echocli("live", "-", *away, "-f", "jsonl", stdin=subprocess.PIPE)
        stream = Stream(program)
        stream.until("notice", code="connection_lost")
        program.write(to_pcm(speech(1, 3)))
        while stream.until("meter")["position"] < 2:
            pass
        assert program.process.stdout is not None
        program.process.stdout.close()
        code, _, told = program.end()
        assert code == 0
        (kept,) = kept_here.glob("echocli-*/stdin.wav")
        assert f"send it later: echocli transcribe {kept} --remote" in told

    def test_nothing_is_kept_for_a_reader_that_went_away_before_the_server(
        self, start_echocli: Start, fake: Fake, url: str, kept_here: Path
    ) -> None:
        unread, ended = threading.Event(), threading.Event()

        def mishap(*_: int) -> None:
            said = [len(talk.numbered) for talk in fake.talks.values()]
            if said >= [2]:  # where a second begins, and its text
                unread.wait(PATIENCE)
            if said >= [4]:  # it decodes no more
                ended.wait(PATIENCE)

        fake.mishap = mishap
        program = start_echocli("live", "-", "--remote", url, stdin=subprocess.PIPE)
        program.write(to_pcm(speech(1, 8)))
        program.wait_for_line()
        assert program.process.stdout is not None
        program.process.stdout.close()
        unread.set()
        code = program.process.wait(PATIENCE)
        ended.set()
        assert program.process.stderr is not None
        assert (code, program.process.stderr.read()) == (0, b"")
        assert list(kept_here.glob("echocli-*/*.wav")) == []


def test_a_token_that_is_wrong_ends_it_with_the_next_step(
    run_echocli: RunEchocli, fake: Fake, url: str, talk: Path
) -> None:
    fake.refuse = lambda _: (401, {})
    done = run_echocli("live", "--file", talk, "--remote", url)
    assert done.code == 1
    assert "401" in done.stderr
    assert "--token-file" in done.stderr
    assert len(fake.handshakes) == 1


def test_an_option_that_the_server_refuses_is_a_usage_error(
    run_echocli: RunEchocli, fake: Fake, url: str, talk: Path
) -> None:
    def mishap(*_: int) -> None:
        refusal = Refusal(Code.BAD_MESSAGE, "tiny.en understands English only", retryable=False)
        raise Hangup(Close.PROTOCOL, refusal)

    fake.mishap = mishap
    done = run_echocli("live", "--file", talk, "--remote", url, "--language", "de")
    assert (done.code, done.stdout) == (2, "")
    assert "understands English only" in done.stderr
    assert len(fake.handshakes) == 1


class TestStandIn:
    def test_a_model_that_is_not_here_is_said_before_anybody_listens(
        self, run_echocli: RunEchocli, fake: Fake, url: str, talk: Path
    ) -> None:
        here = ("--fallback", "local", "--model", "large-v3", "--offline")
        done = run_echocli("live", "--file", talk, "--remote", url, *here)
        assert (done.code, done.stdout) == (4, "")
        assert "large-v3" in done.stderr
        assert fake.handshakes == []

    def test_a_token_that_is_wrong_is_said_where_this_machine_goes_on(
        self, run_echocli: RunEchocli, fake: Fake, url: str, talk: Path, tmp_path: Path
    ) -> None:
        script = tmp_path / "script.json"
        script.write_text("{}", encoding="utf-8")
        fake.refuse = lambda _: (401, {})
        here = ("--fallback", "local", "--provider", "scripted", "--model", script)
        done = run_echocli("live", "--file", talk, "--remote", url, *here)
        assert done.code == 0, done.stderr
        lost, failover = done.stderr.splitlines()
        assert "HTTP 401" in lost
        assert "HTTP 401" in failover


class TestFiles:
    def test_each_format_is_made_of_the_answer(
        self, run_echocli: RunEchocli, talk: Path, tmp_path: Path
    ) -> None:
        with serving(Answers([stream(*WHOLE)])) as http:
            done = run_echocli("transcribe", talk, "--remote", http)
            assert (done.code, done.stdout, done.stderr) == (0, "word0\nword1\n", "")
            out = tmp_path / "out"
            done = run_echocli("transcribe", talk, "--remote", http, "-f", "all", "-o", out)
        assert (done.code, done.stderr) == (0, "")
        assert "00:00:01,000 --> 00:00:01,500" in (out / "talk.srt").read_text(encoding="utf-8")
        assert {path.suffix for path in out.iterdir()} >= {".txt", ".json", ".vtt", ".tsv"}

    def test_one_that_is_refused_does_not_stop_the_others(
        self, run_echocli: RunEchocli, talk: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.wav"
        other.write_bytes(talk.read_bytes())
        bad = refuse(400, "invalid_audio", "invalid_request_error")
        with serving(Answers([bad, stream(*WHOLE)])) as http:
            done = run_echocli("transcribe", talk, other, "--remote", http)
        assert done.code == 5
        assert done.stdout == "word0\nword1\n"
        assert "said so" in done.stderr

    def test_standard_input_is_sent_too(self, run_echocli: RunEchocli, talk: Path) -> None:
        answers = Answers([refuse(503, Retry_After="0"), stream(*WHOLE)])
        with serving(answers) as http:
            done = run_echocli("transcribe", "-", "--remote", http, stdin=talk.read_bytes())
        assert (done.code, done.stdout) == (0, "word0\nword1\n")
        assert all(talk.read_bytes() in body for body in answers.bodies)

    def test_nobody_there_is_said_once_for_all_files(
        self, run_echocli: RunEchocli, talk: Path
    ) -> None:
        done = run_echocli("transcribe", talk, "--remote", NOBODY, "--retries", "0")
        assert done.code == 1
        assert "Connection refused" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["live", "--file", "x.wav", "--remote", "ftp://host"],
        ["live", "--file", "x.wav", "--remote", "host", "-m", "tiny.en"],
        ["live", "--file", "x.wav", "--remote", "host", "--fallback", "tiny.en"],
        ["live", "--file", "x.wav", "--fallback", "local"],
        ["live", "--file", "x.wav", "--token", "x"],
        ["live", "--file", "x.wav", "--retries", "3"],
        ["live", "--file", "x.wav", "--remote", "host", "--token-file", "none"],
        ["live", "--file", "x.wav", "--remote", "wss://host", "--ca-file", "none"],
        ["transcribe", "README.md", "--remote", "host", "--jobs", "2"],
        ["transcribe", "README.md", "--remote", "host", "--clip", "1-2"],
        ["transcribe", "README.md", "--remote", "host", "--dry-run"],
        ["transcribe", "README.md", "--remote", "host", "--fallback", "local"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run_echocli: RunEchocli, words: list[str]) -> None:
    done = run_echocli(*words)
    assert done.code == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 2
