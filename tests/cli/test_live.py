"""``echocli live`` on files and pipes, as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Running, Script, Start
from tests.cli.stream import Event, Stream, assert_is_in_order, cut, share_committed, word_errors
from tests.conftest import Completed, Corpus, RunEchocli, clean_environment


def succeeded(done: Completed) -> str:
    """Return what a run printed that went well and had nothing to remark."""
    assert (done.code, done.stderr) == (0, "")
    return done.stdout


def reference(path: Path) -> str:
    """Return the true text of a sample."""
    return path.with_suffix(".ref.txt").read_text(encoding="utf-8")


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
class TestFilesWithTheModel:
    @pytest.mark.parametrize("name", ["meeting.flac", "pauses.flac"])
    def test_the_same_file_gives_the_same_bytes_twice_and_the_right_words(
        self, run_echocli: RunEchocli, samples: Path, name: str
    ) -> None:
        command = ["live", "--file", samples / name, "-m", "tiny.en"]
        first, second = (succeeded(run_echocli(*command)) for _ in range(2))
        assert first == second
        assert word_errors(reference(samples / name), [first]) <= 0.02

    @pytest.mark.parametrize(
        "clip", ["noise_keyboard", "noise_speechbrain_2", "silence_digital_30s"]
    )
    def test_where_nobody_speaks_there_is_no_word(
        self, run_echocli: RunEchocli, corpus: Corpus, clip: str
    ) -> None:
        command = ["live", "--file", corpus[clip].path, "-m", "tiny.en", "-q"]
        assert succeeded(run_echocli(*command)) == ""

    def test_recorded_speech_becomes_text(self, run_echocli: RunEchocli, corpus: Corpus) -> None:
        clip = corpus["en_lj001_0001"]
        text = succeeded(run_echocli("live", "--file", clip.path, "-m", "tiny.en", "-q"))
        assert clip.reference is not None
        assert word_errors(clip.reference, [text]) <= 0.1


@pytest.fixture(scope="module")
def paced(samples: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """Return all events of three sentences that were played at their own speed."""
    home = tmp_path_factory.mktemp("home")
    file = cut(samples / "meeting.flac", home / "three.wav", 0, 12.4)
    command = [sys.executable, "-m", "echocli", "live", "--file", str(file)]
    process = subprocess.Popen(
        [*command, "--pace", "-f", "jsonl", "-m", "tiny.en"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(home),
    )
    with process:
        stream = Stream(Running(process))
        assert stream.end() == (0, "")
    return stream


@pytest.mark.model
@pytest.mark.slow
class TestAPacedFile:
    def test_its_events_are_in_order_and_what_is_committed_stays(self, paced: Stream) -> None:
        assert_is_in_order(paced.events)
        (source,) = {event["source"] for event in paced.of("final")}
        assert source.endswith("three.wav")

    def test_half_of_the_words_are_committed_before_their_final(self, paced: Stream) -> None:
        assert share_committed(paced.events) >= 0.5

    def test_text_comes_while_it_is_played(self, paced: Stream) -> None:
        duration = paced.events[-1]["duration"]
        assert paced.events[-1]["at"] - paced.of("ready")[0]["at"] >= duration - 1
        for kind in ("partial", "final"):
            assert paced.events[-1]["at"] - paced.of(kind)[0]["at"] > duration / 2

    def test_it_has_the_right_words(self, paced: Stream, samples: Path) -> None:
        true = reference(samples / "meeting.flac").partition(" First,")[0]
        assert word_errors(true, paced.texts) <= 0.05

    def test_its_latencies_are_counted(self, paced: Stream) -> None:
        figures = paced.of("stats")[0]["stats"]["live"]
        assert figures["finals"] == len(paced.of("final"))
        assert figures["partials"] == len(paced.of("partial"))
        assert figures["ttfs_ms"]["count"] == figures["finals"]


class TestPipes:
    pytestmark = pytest.mark.unit

    @pytest.fixture
    def open_pipe(self, start_echocli: Start, script: Script) -> Running:
        options = ["live", "-", "--raw", "s16le,16000,1", "-f", "jsonl", *script("Hello there.")]
        return start_echocli(*options, stdin=subprocess.PIPE)

    def test_text_comes_while_a_pipe_stays_open(self, open_pipe: Running, samples: Path) -> None:
        stream = Stream(open_pipe)
        open_pipe.write(pcm(samples / "meeting.flac")[: 5 * 32_000])
        assert stream.until("final")["text"] == "Hello there."
        assert open_pipe.process.stdin is not None
        open_pipe.process.stdin.close()
        open_pipe.process.stdin = None
        assert stream.end() == (0, "")
        assert_is_in_order(stream.events)
        assert stream.events[-1]["duration"] == 5.0

    def test_an_interrupt_ends_a_pipe_that_stays_open(
        self, open_pipe: Running, samples: Path
    ) -> None:
        stream = Stream(open_pipe)
        open_pipe.write(pcm(samples / "meeting.flac")[: 2 * 32_000])
        stream.until("speech_started")
        open_pipe.process.send_signal(signal.SIGINT)
        assert stream.end() == (130, "")
        assert stream.texts == ["Hello there."]
        assert_is_in_order(stream.events)

    def test_a_wav_gives_text_while_the_pipe_stays_open(
        self, start_echocli: Start, script: Script, wav_bytes: bytes
    ) -> None:
        running = start_echocli("live", "-", *script(), stdin=subprocess.PIPE)
        running.write(wav_bytes[: len(wav_bytes) // 4])
        assert running.wait_for_line().startswith("Hello there.\n")
        running.write(wav_bytes[len(wav_bytes) // 4 :])
        code, text, errors = running.end()
        assert (code, errors) == (0, "")
        assert set(text.splitlines()) == {"Hello there."}

    def test_no_sound_is_lost_on_a_pipe_that_is_faster_than_the_model(
        self, run_echocli: RunEchocli, script: Script, samples: Path
    ) -> None:
        sound = pcm(samples / "meeting.flac") * 3
        options = ["-", "--raw", "s16le,16000,1", *script(delay_ms=60), "-f", "jsonl"]
        events = lines(succeeded(run_echocli("live", *options, stdin=sound)))
        assert_is_in_order(events)
        kinds = [event["type"] for event in events]
        assert "gap" not in kinds
        assert kinds.count("final") == kinds.count("speech_started") > 10
        assert events[-1]["duration"] == pytest.approx(len(sound) / 32_000)


class TestOutput:
    pytestmark = pytest.mark.unit

    @pytest.mark.parametrize("name", ["srt", "json"])
    def test_other_formats_go_to_standard_output(
        self, run_echocli: RunEchocli, script: Script, samples: Path, name: str
    ) -> None:
        file = samples / "meeting.flac"
        printed = succeeded(run_echocli("live", "--file", file, *script("Hello."), "-f", name))
        assert "Hello." in printed

    def test_stop_after_ends_a_file_in_time(
        self, run_echocli: RunEchocli, script: Script, samples: Path
    ) -> None:
        command = ["live", "--file", samples / "meeting.flac", *script(), "-f", "jsonl"]
        events = lines(succeeded(run_echocli(*command, "--stop-after", "0:05")))
        assert events[-1]["duration"] == pytest.approx(5, abs=0.05)

    def test_a_silence_can_end_it(
        self, run_echocli: RunEchocli, script: Script, samples: Path
    ) -> None:
        command = ["live", "--file", samples / "pauses.flac", *script(), "-f", "jsonl"]
        events = lines(succeeded(run_echocli(*command, "--stop-after", "silence:3")))
        spoken = max(event["end"] for event in events if event["type"] == "final")
        assert events[-1]["duration"] == pytest.approx(spoken + 3, abs=0.1)

    def test_the_sound_is_recorded_as_it_was(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        kept = tmp_path / "kept.wav"
        command = ["live", "--file", samples / "meeting.flac", *script(), "--record", kept]
        succeeded(run_echocli(*command))
        was, _ = soundfile.read(samples / "meeting.flac", dtype="int16")
        now, _ = soundfile.read(kept, dtype="int16")
        assert np.array_equal(was, now)


FILE = ("--file", "meeting.flac")


class TestRefusals:
    pytestmark = pytest.mark.unit

    @pytest.mark.parametrize(
        ("args", "code", "message"),
        [
            ((), 2, "nothing to listen to"),
            (("--pace", "--mic"), 2, "--pace needs --file"),
            (("--mic", *FILE), 2, "several sources of different kinds"),
            (("meeting.flac",), 2, "a file is named with --file"),
            ((*FILE, "-f", "srt", "-f", "vtt"), 2, "standard output takes one format, not 2"),
            ((*FILE, "--stop-after", "rubbish"), 2, "cannot stop after 'rubbish'"),
            (("-", "--raw", "s17le,16000,1"), 2, "unknown sample format 's17le'"),
            (("--mic", "--raw", "s16le,16000,1"), 2, "--raw is for files and pipes"),
            ((*FILE, "--record", "kept.wav"), 2, "kept.wav: exists and is not overwritten"),
            ((*FILE, "--record", "new.flac"), 2, "new.flac: sound is not recorded in this format"),
            ((*FILE, "--record", "no/dir.wav"), 1, "cannot record to no/dir.wav: No such file"),
            ((*FILE, "-o", "kept.wav/out"), 1, "cannot write kept.wav/out"),
            ((*FILE, "--channel", "3"), 2, "there is no channel 3, the sound has 1"),
            (("-",), 3, "nothing arrived on standard input"),
            (("--file", "gone.wav"), 3, "gone.wav: no such file"),
            (("--file", "."), 3, "is a directory"),
            (("--file", "words.txt"), 3, "is not a sound or video file"),
            (("--file", "empty.wav"), 3, "empty"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_a_bad_request_is_one_message_and_the_right_code(
        self,
        run_echocli: RunEchocli,
        script: Script,
        samples: Path,
        tmp_path: Path,
        args: tuple[str, ...],
        code: int,
        message: str,
    ) -> None:
        (tmp_path / "meeting.flac").symlink_to(samples / "meeting.flac")
        (tmp_path / "kept.wav").write_bytes(b"kept")
        (tmp_path / "empty.wav").touch()
        (tmp_path / "words.txt").write_text("Not a sound.\n")
        done = run_echocli("live", *args, *script(), cwd=tmp_path)
        assert (done.code, done.stdout) == (code, "")
        assert done.stderr.startswith("echocli: error: ")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) <= 2
        assert (tmp_path / "kept.wav").read_bytes() == b"kept"
        assert not (tmp_path / "new.flac").exists()

    def test_a_file_that_cannot_be_read_leaves_no_recording(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path
    ) -> None:
        kept = tmp_path / "kept.wav"
        assert run_echocli("live", "--file", "gone.wav", *script(), "--record", kept).code == 3
        assert not kept.exists()


def lines(text: str) -> list[Event]:
    """Return the objects of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def pcm(path: Path) -> bytes:
    """Return a sample as headerless s16le, 16 kHz, mono."""
    sound, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000
    return bytes(sound.tobytes())
