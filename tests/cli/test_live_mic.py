"""``echocli live --mic`` at a real sound server, as a person uses it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from tests.cli.conftest import Script, Start
from tests.cli.stream import Stream, assert_is_in_order, cut, word_errors
from tests.conftest import ROOT, RunEchocli
from tests.pulse import Pulse

Listen = Callable[..., Stream]

FIRST = "Good morning and thank you for joining this short meeting."
"""The first sentence of the sample, from 0.86 to 3.55 s."""


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run the program as a process: its start and its end are what is shown here."""
    return run_program


@pytest.fixture
def variables(pulse: Pulse) -> list[str]:
    """Return the command that leads the one behind it to the sound server."""
    return ["env", *(f"{name}={value}" for name, value in pulse.env.items())]


@pytest.fixture
def listen(start_echocli: Start, variables: list[str]) -> Listen:
    """Return ``listen(*args, sources=1) -> Stream`` of a run that hears already."""

    def start(*args: str | Path, sources: int = 1) -> Stream:
        command = ["live", *args, "-f", "jsonl"]
        stream = Stream(start_echocli(*command, prefix=variables))
        for _ in range(sources):
            stream.until("ready")
        return stream

    return start


@pytest.fixture
def sentence(samples: Path, tmp_path: Path) -> Path:
    """Return the first sentence alone."""
    return cut(samples / "meeting.flac", tmp_path / "sentence.wav", 0.4, 3.8)


@pytest.fixture
def playing(pulse: Pulse) -> Iterator[Callable[[Path, str], float]]:
    """Return ``play(path, sink) -> clock`` when it began; what still plays at the end is ended."""
    started = []

    def play(path: Path, sink: str) -> float:
        began = time.perf_counter()
        started.append(pulse.start_playing(path, sink))
        return began

    yield play
    for process in started:
        process.terminate()
        process.wait()


Play = Callable[[Path, str], float]


@pytest.mark.model
@pytest.mark.audio_device
@pytest.mark.slow
@pytest.mark.usefixtures("tiny_model")
class TestWithTheModel:
    def test_what_is_played_is_written_with_its_words_and_times(
        self, listen: Listen, playing: Play, samples: Path, tmp_path: Path
    ) -> None:
        kept = tmp_path / "kept.wav"
        options = ["-m", "tiny.en", "--stop-after", "10.5", "--record", kept]
        stream = listen("--mic", *options)
        began = playing(samples / "meeting.flac", "first") - stream.events[0]["at"]
        assert stream.end() == (0, "")
        assert_is_in_order(stream.events)
        reference = (samples / "meeting.ref.txt").read_text(encoding="utf-8")
        assert word_errors(reference[: reference.index(" Today")], stream.texts[:2]) <= 0.05
        starts = [event["start"] for event in stream.of("final")]
        # Where the sentences begin in the file, as a paced run of it says.
        assert starts[0] == pytest.approx(began + 0.864, abs=0.5)
        assert starts[1] - starts[0] == pytest.approx(4.384 - 0.864, abs=0.3)
        assert stream.of("gap") == []
        assert stream.of("stats")[0]["stats"]["lost_seconds"] == 0
        assert stream.events[-1]["duration"] == pytest.approx(10.5, abs=0.2)
        assert soundfile.info(kept).duration >= stream.events[-1]["duration"]
        assert stream.of("partial")[0]["at"] < stream.of("final")[0]["at"]

    def test_an_interrupt_ends_it_well_with_the_last_words(
        self, listen: Listen, playing: Play, samples: Path
    ) -> None:
        stream = listen("--mic", "-m", "tiny.en")
        playing(samples / "meeting.flac", "first")
        stream.until_words(7)
        stream.running.process.send_signal(signal.SIGINT)
        assert stream.end() == (0, "")
        assert_is_in_order(stream.events)
        assert stream.texts[-1].startswith("Good morning")

    def test_transcribe_listens_too(
        self, start_echocli: Start, variables: list[str], playing: Play, sentence: Path
    ) -> None:
        command = ["transcribe", "--mic", "--stop-after", "silence:1.5", "-m", "tiny.en"]
        stream = Stream(start_echocli(*command, "-f", "jsonl", prefix=variables))
        stream.until("ready")
        playing(sentence, "first")
        assert stream.end() == (0, "")
        assert word_errors(FIRST, stream.texts) <= 0.1

    def test_two_devices_are_two_sources(
        self, pulse: Pulse, listen: Listen, playing: Play, sentence: Path
    ) -> None:
        pulse.add_sink("second", rate=44_100, channels=1)
        devices = [
            word
            for name in ("second", "first")
            for word in ("--input-device", f"pulse:{name}.monitor")
        ]
        stream = listen(*devices, "-m", "tiny.en", "--stop-after", "5", sources=2)
        for sink in ("first", "second"):
            playing(sentence, sink)
        assert stream.end() == (0, "")
        assert_is_in_order(stream.events)
        for source in ("system", "system-2"):
            texts = [event["text"] for event in stream.of("final", source)]
            assert word_errors(FIRST, texts) <= 0.1
            assert stream.of("meter", source)


@pytest.mark.audio_device
@pytest.mark.slow
class TestADeviceThatGoes:
    def test_it_comes_back_with_one_gap_and_true_times(
        self, pulse: Pulse, listen: Listen, playing: Play, script: Script, sentence: Path
    ) -> None:
        stream = listen("--mic", *script())
        before = playing(sentence, "first")
        stream.until("partial")
        pulse.remove_sink("first")
        stream.until("notice", code="device_lost")
        # The words that were heard do not wait for a device that may never come back.
        stream.until("final")
        assert stream.of("gap") == []
        pulse.add_sink("first")
        stream.until("notice", code="device_back")
        after = playing(sentence, "first")
        stream.until("final")
        stream.running.process.send_signal(signal.SIGINT)
        assert stream.end()[0] == 0
        first, second = stream.of("final")
        assert second["start"] - first["start"] == pytest.approx(after - before, abs=0.5)
        (gap,) = stream.of("gap")
        assert first["end"] <= gap["start"] < gap["end"] <= second["start"]
        assert gap["end"] - gap["start"] == pytest.approx(stream.lost_seconds, abs=0.01)
        assert_is_in_order(stream.events)

    def test_a_stream_that_is_moved_goes_on_with_true_times(
        self, pulse: Pulse, listen: Listen, playing: Play, script: Script, sentence: Path
    ) -> None:
        pulse.add_sink("second")
        stream = listen("--mic", *script())
        before = playing(sentence, "first")
        stream.until("final")
        pulse.remove_sink("first")
        stream.until("gap")
        after = playing(sentence, "second")
        stream.until("final")
        stream.running.process.send_signal(signal.SIGINT)
        assert stream.end()[0] == 0
        first, second = stream.of("final")
        assert second["start"] - first["start"] == pytest.approx(after - before, abs=0.5)
        assert len(stream.of("gap")) == 1

    def test_an_interrupt_ends_it_while_the_device_is_away(
        self, pulse: Pulse, listen: Listen, script: Script
    ) -> None:
        stream = listen("--mic", *script())
        pulse.remove_sink("first")
        stream.until("notice", code="device_lost")
        stream.running.process.send_signal(signal.SIGINT)
        code, errors = stream.end()
        assert code == 0
        assert "is lost; waiting for it" in errors
        (gap,) = stream.of("gap")
        assert gap["end"] == stream.events[-1]["duration"]


@pytest.mark.audio_device
@pytest.mark.slow
def test_a_kill_leaves_whole_files(
    start_echocli: Start,
    variables: list[str],
    playing: Play,
    script: Script,
    sentence: Path,
    tmp_path: Path,
) -> None:
    command = ["live", "--mic", "-f", "jsonl", "--record", tmp_path / "kept.wav"]
    stream = Stream(start_echocli(*command, *script(), prefix=variables))
    stream.until("ready")
    playing(sentence, "first")
    stream.until("final")
    stream.running.process.kill()
    assert stream.end()[0] == -signal.SIGKILL  # and each line was whole
    heard = stream.of("meter")[-1]["position"]
    assert soundfile.info(tmp_path / "kept.wav").duration >= heard - 1


@pytest.mark.audio_device
def test_silence_ends_it_where_that_is_asked_for(
    run_echocli: RunEchocli, pulse: Pulse, script: Script
) -> None:
    done = run_echocli("live", "--mic", "--stop-after", "silence:1", *script(), env=pulse.env)
    assert (done.code, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.audio_device
@pytest.mark.parametrize("command", [["live"], ["transcribe", "--mic"]], ids=" ".join)
def test_an_unknown_device_is_named_with_those_there_are(
    run_echocli: RunEchocli, pulse: Pulse, script: Script, command: list[str]
) -> None:
    done = run_echocli(*command, "--input-device", "nope", *script(), env=pulse.env)
    assert (done.code, done.stdout) == (3, "")
    message, hint = done.stderr.splitlines()
    assert message == "echocli: error: there is no input device 'nope'"
    assert "pulse:first.monitor" in hint


class TestWithoutPortAudio:
    pytestmark = pytest.mark.unit

    @pytest.fixture
    def without(self, tmp_path: Path) -> dict[str, str]:
        """Return variables of a machine where sounddevice finds no library."""
        # What the real module does there.
        folder = tmp_path / "without"
        folder.mkdir()
        (folder / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
        return {"PYTHONPATH": f"{folder}:{ROOT}"}

    def test_a_microphone_is_one_message_and_how_to_install_it(
        self, run_echocli: RunEchocli, script: Script, without: dict[str, str]
    ) -> None:
        done = run_echocli("live", "--mic", *script(), env=without)
        assert (done.code, done.stdout) == (3, "")
        message, hint = done.stderr.splitlines()
        assert message == "echocli: error: microphones need PortAudio: PortAudio library not found"
        assert "install" in hint

    def test_a_file_needs_none(
        self, run_echocli: RunEchocli, script: Script, samples: Path, without: dict[str, str]
    ) -> None:
        command = ["live", "--file", samples / "meeting.flac", *script(), "-f", "jsonl"]
        done = run_echocli(*command, "--stop-after", "5", env=without)
        assert (done.code, done.stderr) == (0, "")
        assert json.loads(done.stdout.splitlines()[-1])["type"] == "end"
