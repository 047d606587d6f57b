"""How ``echocli live`` ends: signals, closed pipes, full disks, crashes, death."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
import soundfile

from echocli.output.writers import FORMATS
from tests.cli.conftest import (
    PATIENCE,
    Script,
    Start,
    assert_all_end,
    eventually,
    interrupt_until_it_ends,
)
from tests.cli.stream import Event, Stream, assert_is_in_order, cut


@pytest.fixture
def meeting(samples: Path) -> Path:
    """Return the sample of six sentences in 21 s."""
    return samples / "meeting.flac"


class TestEnds:
    pytestmark = pytest.mark.unit

    @pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
    def test_a_reader_that_goes_away_ends_it_quietly_and_nothing_is_kept(
        self,
        start_echocli: Start,
        script: Script,
        meeting: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        piped: bool,
    ) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        # A file goes in step; of a pipe sentences wait while one is decoded.
        source = ["-"] if piped else ["--file", meeting]
        with meeting.open("rb") as sound:
            running = start_echocli("live", *source, *script(delay_ms=100), stdin=sound)
        running.wait_for_line()
        workers = running.workers()
        assert running.process.stdout is not None
        running.process.stdout.close()
        assert running.process.wait(PATIENCE) == 0
        assert running.process.stderr is not None
        assert running.process.stderr.read() == b""
        assert list(tmp_path.glob("echocli-*/*.wav")) == []
        assert_all_end(workers)

    @pytest.mark.parametrize("name", ["txt", "json"])
    def test_a_full_disk_is_a_failure(
        self, start_echocli: Start, script: Script, meeting: Path, name: str
    ) -> None:
        command = ["live", "--file", meeting, *script(), "-f", name]
        with Path("/dev/full").open("wb") as full:
            code, _, errors = start_echocli(*command, stdout=full).end()
        assert code == 1
        assert "cannot write to standard output: No space left on device" in errors

    def test_a_recording_that_fails_does_not_stop_the_text_and_is_a_failure(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        # Fails when more than 64 KiB are written to a file, as a full disk does.
        limit = ["prlimit", "--fsize=65536"]
        command = ["live", "--file", meeting, *script(), "--record", tmp_path / "kept.wav"]
        code, text, errors = start_echocli(*command, prefix=limit).end()
        assert code == 1
        assert text.splitlines() == ["Hello there."] * 6
        assert "cannot record to " in errors
        assert soundfile.info(tmp_path / "kept.wav").duration > 1

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda it: it.name)
    def test_an_interrupt_writes_what_is_being_said_and_leaves_no_child(
        self, start_echocli: Start, script: Script, meeting: Path, number: signal.Signals
    ) -> None:
        command = ["live", "--file", meeting, "--pace", "-f", "jsonl", *script()]
        stream = Stream(start_echocli(*command))
        workers = stream.running.workers()
        stream.until("partial")
        stream.running.process.send_signal(number)
        assert stream.end() == (130, "")
        assert stream.texts == ["Hello there."]
        assert stream.of("speech_ended")[0]["reason"] == "end"
        assert_is_in_order(stream.events)
        assert_all_end(workers)

    def test_an_interrupt_while_the_model_loads_ends_it_at_once(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        command = ["live", "--file", meeting, "-o", tmp_path / "out"]
        running = start_echocli(*command, *script(load_ms=3_600_000))
        workers = running.workers()
        eventually(lambda: any((tmp_path / "out").glob("live-*")))
        running.process.send_signal(signal.SIGINT)
        assert running.end() == (130, "", "")
        assert_all_end(workers)

    def test_a_second_interrupt_waits_for_nothing(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        # The last decode, which the first interrupt waits for, never comes back.
        options = script(steps={str(n): "hang" for n in range(3, 50)})
        stream = Stream(start_echocli("live", "--file", meeting, "--pace", "-f", "jsonl", *options))
        workers = stream.running.workers()
        eventually(lambda: decodes(tmp_path / "script.json.state") >= 3)
        stream.running.process.send_signal(signal.SIGINT)
        stream.until("speech_ended")
        began = time.monotonic()
        interrupt_until_it_ends(stream.running.process)
        code, errors = stream.end()
        assert code == 130, errors
        assert time.monotonic() - began < 5  # the hanging decode would be given up after ten
        # What the decode was for is whole.
        found = re.fullmatch(
            r"echocli: error: .* s of speech that was not decoded are kept in (.*)\n.*\n", errors
        )
        assert found, errors
        kept = list(Path(found[1]).glob("*.wav"))
        assert all(soundfile.info(path).duration > 0.3 for path in kept)
        assert kept
        shutil.rmtree(found[1])
        assert_all_end(workers)


class TestAProviderThatFails:
    pytestmark = pytest.mark.unit

    @pytest.mark.parametrize("pace", [(), ("--pace",)], ids=["", "paced"])
    def test_a_crash_costs_no_word(
        self,
        start_echocli: Start,
        script: Script,
        meeting: Path,
        tmp_path: Path,
        pace: tuple[str, ...],
    ) -> None:
        file = cut(meeting, tmp_path / "first.wav", 0, 4.2)
        options = script(steps={"3": "crash", "5": "exit"})
        stream = Stream(start_echocli("live", "--file", file, "-f", "jsonl", *pace, *options))
        code, errors = stream.end()
        assert code == 0
        assert stream.texts == ["Hello there."]
        notices = [event["code"] for event in stream.of("notice")]
        assert notices == ["worker_restarted"] * 2
        assert errors.count("the worker was restarted") == 2
        assert stream.of("gap") == []
        assert_is_in_order(stream.events)

    def test_words_that_kill_it_are_a_gap_and_a_failure(
        self, start_echocli: Start, script: Script, meeting: Path
    ) -> None:
        # One speech is decoded once: without partials each turn of the script is an utterance.
        texts = ["One.", "Two.", "Three."]
        options = [*script(*texts, crash_on="Two."), "--chunk-seconds", "30"]
        stream = Stream(start_echocli("live", "--file", meeting, "-f", "jsonl", *options))
        code, errors = stream.end()
        assert code == 1
        assert "One." in stream.texts
        assert "Three." in stream.texts
        spans = [(event["start"], event["end"]) for event in stream.of("speech_ended")]
        gaps = [(event["start"], event["end"]) for event in stream.of("gap")]
        assert len(gaps) + len(stream.texts) == len(spans)
        assert gaps
        assert set(gaps) <= set(spans)
        assert errors.count("no text from ") == len(gaps)
        assert_is_in_order(stream.events)

    def test_one_that_fails_for_good_is_a_failure_and_what_was_final_is_out(
        self, start_echocli: Start, script: Script, meeting: Path
    ) -> None:
        options = script(steps={str(n): "error" for n in range(14, 200)})
        stream = Stream(start_echocli("live", "--file", meeting, "-f", "jsonl", *options))
        code, errors = stream.end()
        assert code == 4
        assert stream.texts
        assert "no provider can decode this any more" in errors
        assert "Traceback" not in errors

    def test_one_that_does_not_load_is_unavailable(
        self, start_echocli: Start, script: Script, meeting: Path
    ) -> None:
        options = script(load_error="there is no such thing")
        code, text, errors = start_echocli("live", "--file", meeting, *options).end()
        assert (code, text) == (4, "")
        assert errors.count("there is no such thing") == 1


class TestFiles:
    pytestmark = pytest.mark.unit

    def test_files_have_their_names_while_it_runs_and_survive_a_kill(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        out, kept = tmp_path / "out", tmp_path / "kept.wav"
        command = ["live", "--file", meeting, "-o", out, "-f", "all,html", "--record", kept]
        running = start_echocli(*command, *script(delay_ms=100))
        workers = running.workers()
        eventually(lambda: len(list(out.glob("live-*"))) == len(FORMATS))
        files = {path.suffix[1:]: path for path in out.glob("live-*")}
        assert set(files) == set(FORMATS)
        # What comes behind a final comes when that is in every file.
        eventually(lambda: "final" in kinds(files["jsonl"])[:-1])
        running.process.kill()
        running.process.wait()
        finals = kinds(files["jsonl"]).count("final")
        for name in ("txt", "srt", "vtt", "tsv", "lrc"):
            text = files[name].read_text(encoding="utf-8")
            assert text.count("Hello there.") == finals
            assert text.endswith("\n")
        transcript = json.loads(files["json"].read_text(encoding="utf-8"))
        assert len(transcript["segments"]) == finals
        assert files["html"].read_text(encoding="utf-8").endswith("</html>\n")
        levels = [event for event in events(files["jsonl"]) if event["type"] == "meter"]
        assert soundfile.info(kept).duration >= levels[-1]["position"] - 1
        assert_all_end(workers)

    def test_an_opus_recording_survives_a_kill_but_for_a_second(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        kept = tmp_path / "kept.opus"
        command = ["live", "--file", meeting, "-f", "jsonl", "--record", kept]
        stream = Stream(start_echocli(*command, *script(delay_ms=100)))
        stream.until("final")
        stream.running.process.kill()
        stream.running.process.wait()
        heard = stream.of("meter")[-1]["position"]
        assert soundfile.info(kept).duration >= heard - 1.1

    def test_what_a_whole_run_leaves_is_what_is_printed(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        command = ["live", "--file", meeting, *script()]
        assert start_echocli(*command, "-o", tmp_path / "out").end() == (0, "", "")
        (file,) = (tmp_path / "out").iterdir()
        _, printed, _ = start_echocli(*command).end()
        assert file.read_text(encoding="utf-8") == printed

    @pytest.mark.skipif(
        sys.platform != "linux", reason="limits of files are set the Linux way here"
    )
    def test_a_full_disk_ends_one_file_and_neither_the_run_nor_the_others(
        self, start_echocli: Start, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        command = ["live", "-q", "--file", meeting, *script(), "-f", "json,txt", "-o", out]
        code, text, errors = start_echocli(*command, prefix=["prlimit", "--fsize=500"]).end()
        assert (code, text) == (1, "")
        part, whole = sorted(out.iterdir())
        assert (part.suffixes, whole.suffixes) == ([".json", ".part"], [".txt"])
        assert whole.read_text().splitlines() == ["Hello there."] * 6
        assert errors.count("File too large") == 1
        assert f"what there was is in {part}" in errors


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_an_interrupt_in_the_middle_of_a_word_keeps_the_words_before(
    start_echocli: Start, meeting: Path
) -> None:
    command = ["live", "--file", meeting, "--pace", "-f", "jsonl", "-m", "tiny.en"]
    stream = Stream(start_echocli(*command))
    stream.until_words(5)
    stream.running.process.send_signal(signal.SIGINT)
    assert stream.end() == (130, "")
    assert_is_in_order(stream.events)
    (text,) = stream.texts
    assert text.startswith("Good morning")
    assert len(text.split()) >= 4


def events(path: Path) -> list[Event]:
    """Return the events of a file that grows; each of its lines is whole."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def kinds(path: Path) -> list[str]:
    """Return the types of the events of a file."""
    return [event["type"] for event in events(path)]


def decodes(state: Path) -> int:
    """Return how often the scripted provider was asked."""
    return int(json.loads(state.read_text())["count"]) if state.exists() else 0
