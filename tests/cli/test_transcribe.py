"""``echocli transcribe`` from end to end, as a user runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from echocli.output.writers import FORMATS, expand_formats
from tests.cli.conftest import Script, Start
from tests.conftest import Completed, RunEchocli

ALL = expand_formats(["all"])


@pytest.fixture
def meeting(samples: Path) -> Path:
    """Return the sample that is spoken without long pauses."""
    return samples / "meeting.flac"


def lines(text: str) -> list[dict[str, Any]]:
    """Return the objects of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def succeeded(done: Completed) -> str:
    """Return what a run printed that went well and had nothing to remark."""
    assert (done.code, done.stderr) == (0, "")
    return done.stdout


def without_link(page: str) -> str:
    """Return a page without the place of its recording."""
    return re.sub(' src="[^"]*meeting.flac"', "", page)


class TestFormats:
    pytestmark = pytest.mark.unit

    @pytest.mark.parametrize("name", FORMATS)
    def test_standard_output_and_the_file_have_the_same_text(
        self, run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path, name: str
    ) -> None:
        command = ["transcribe", meeting, *script("One.", "Two.", consumed=3), "-f", name]
        printed = succeeded(run_echocli(*command))
        assert succeeded(run_echocli(*command, "-o", tmp_path / "out")) == ""
        written = (tmp_path / "out" / f"meeting.{name}").read_text(encoding="utf-8")
        if name in ("json", "jsonl"):  # these carry the times of this very run
            assert without_stats(written) == without_stats(printed)
        elif name == "html":  # links to the recording from where it lies
            assert without_link(written) == without_link(printed)
        else:
            assert written == printed
        assert "One." in printed

    def test_all_writes_every_format_of_every_input(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        inputs = [samples / "meeting.flac", samples / "pauses.flac"]
        succeeded(run_echocli("transcribe", *inputs, *script(), "-f", "all", "-o", tmp_path / "o"))
        names = {path.name for path in (tmp_path / "o").iterdir()}
        assert names == {f"{path.stem}.{name}" for path in inputs for name in ALL}

    def test_several_inputs_follow_each_other_on_standard_output(
        self, run_echocli: RunEchocli, script: Script, samples: Path
    ) -> None:
        inputs = [samples / "meeting.flac", samples / "pauses.flac"]
        command = ["transcribe", *inputs, *script("Hi."), "--no-vad", "-f", "jsonl"]
        events = lines(succeeded(run_echocli(*command)))
        ready = [event["source"] for event in events if event["type"] == "ready"]
        assert ready == [str(path) for path in inputs]

    def test_a_stream_begins_with_ready_and_ends_with_end(
        self, run_echocli: RunEchocli, script: Script, meeting: Path
    ) -> None:
        command = ["transcribe", meeting, *script("One.", "Two.", consumed=4), "-f", "jsonl"]
        events = lines(succeeded(run_echocli(*command)))
        kinds = [event["type"] for event in events]
        assert kinds[0] == "ready"
        assert kinds[-2:] == ["stats", "end"]
        assert set(kinds[1:-2]) == {"final"}
        assert [event["id"] for event in events[1:-2]] == list(range(len(kinds) - 3))
        assert events[-1]["duration"] == pytest.approx(21.125, abs=0.01)


def without_stats(text: str) -> list[dict[str, Any]]:
    """Return every object of JSON or JSON lines but the figures of the run."""
    try:
        objects = [json.loads(text)]
    except ValueError:
        objects = lines(text)
    return [{key: value for key, value in found.items() if key != "stats"} for found in objects]


class TestFiles:
    pytestmark = pytest.mark.unit

    def test_equal_stems_are_refused_before_work_starts(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path
    ) -> None:
        done = run_echocli(
            "transcribe", "a/talk.wav", "b/talk.mp3", *script(), "-o", tmp_path / "out"
        )
        assert done.code == 2
        assert "a/talk.wav and b/talk.mp3 would be written to the same file" in done.stderr
        assert not (tmp_path / "out").exists()

    def test_existing_outputs_are_left_alone_on_demand(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "meeting.txt").write_text("mine\n")
        inputs = [samples / "meeting.flac", samples / "pauses.flac"]
        done = run_echocli("transcribe", *inputs, *script("New."), "-o", out, "--skip-existing")
        assert done.code == 0
        assert f"{inputs[0]}: skipped" in done.stderr
        assert (out / "meeting.txt").read_text() == "mine\n"
        assert "New." in (out / "pauses.txt").read_text()

    def test_an_output_is_replaced_otherwise(
        self, run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "meeting.txt").write_text("old\n")
        succeeded(run_echocli("transcribe", meeting, *script("New."), "-o", tmp_path))
        assert set((tmp_path / "meeting.txt").read_text().split()) == {"New."}

    def test_a_file_that_fails_does_not_stop_the_others(
        self, run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        inputs = [tmp_path / "gone.wav", meeting]
        done = run_echocli("transcribe", *inputs, *script(), "-o", tmp_path / "out")
        assert done.code == 5
        assert "gone.wav: no such file" in done.stderr
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["meeting.txt"]

    def test_a_name_that_no_file_can_have_does_not_stop_the_others(
        self, run_echocli: RunEchocli, script: Script, meeting: Path
    ) -> None:
        done = run_echocli("transcribe", meeting, "x" * 300 + ".wav", *script())
        assert done.code == 5
        assert "Hello there." in done.stdout
        assert "defect" not in done.stderr

    def test_a_file_called_like_an_option_works_behind_dashes(
        self, run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "--vad_filter").symlink_to(meeting)
        done = run_echocli("transcribe", *script(), "--", "--vad_filter", cwd=tmp_path)
        assert "Hello there." in succeeded(done)

    def test_standard_input_becomes_a_file_called_stdin(
        self, run_echocli: RunEchocli, script: Script, meeting: Path, tmp_path: Path
    ) -> None:
        command = ["transcribe", "-", *script(), "-o", tmp_path / "out"]
        succeeded(run_echocli(*command, stdin=meeting.read_bytes()))
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["stdin.txt"]


class TestInput:
    pytestmark = pytest.mark.unit

    def test_headerless_sound_on_standard_input(
        self, run_echocli: RunEchocli, script: Script, wav_bytes: bytes
    ) -> None:
        command = ["transcribe", "-", "--raw", "s16le,16000,1", *script(), "-f", "json"]
        found = json.loads(succeeded(run_echocli(*command, stdin=wav_bytes[44:])))
        assert found["duration"] == pytest.approx(len(wav_bytes[44:]) / 32000, abs=0.001)

    def test_a_channel_is_taken_alone(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        import numpy as np
        import soundfile

        sound, rate = soundfile.read(samples / "meeting.flac", dtype="int16")
        soundfile.write(tmp_path / "two.flac", np.stack([sound, np.zeros_like(sound)], 1), rate)
        command = ["transcribe", tmp_path / "two.flac", *script("Speech.")]
        assert "Speech." in succeeded(run_echocli(*command, "--channel", "1"))
        other = run_echocli(*command, "--channel", "2")
        assert (other.code, other.stdout) == (0, "")
        assert "two.flac: no speech was found; --vad-threshold 0.3" in other.stderr
        assert succeeded(run_echocli(*command, "--channel", "2", "-q")) == ""
        done = run_echocli(*command, "--channel", "3")
        assert done.code == 2
        assert "two.flac" in done.stderr

    @pytest.mark.parametrize("as_fifo", [False, True], ids=["stdin", "fifo"])
    def test_text_comes_out_while_the_pipe_is_still_open(
        self, start_echocli: Start, script: Script, wav_bytes: bytes, tmp_path: Path, as_fifo: bool
    ) -> None:
        fifo = tmp_path / "fifo.wav"
        os.mkfifo(fifo)
        argument = str(fifo) if as_fifo else "-"
        running = start_echocli("transcribe", argument, *script("Hi."), stdin=subprocess.PIPE)
        if as_fifo:
            with fifo.open("wb") as writer:
                writer.write(wav_bytes)
                writer.flush()
                assert running.wait_for_line().startswith("Hi.\n")
        else:
            running.write(wav_bytes)
            assert running.wait_for_line().startswith("Hi.\n")
        code, _, errors = running.end()
        assert (code, errors) == (0, "")


class TestOptions:
    pytestmark = pytest.mark.unit

    @pytest.mark.parametrize(
        "options",
        [
            "--beam_size 1",
            "--vad_filter False",
            "--vad_filter True",
            "--word_timestamps True",
            "--vad_min_silence_duration_ms 500",
            "--temperature_increment_on_fallback None",
            "--condition_on_previous_text False",
            "--compression_ratio_threshold 2.4 --logprob_threshold -1 --no_speech_threshold 0.6",
            "--initial_prompt Names: --hotwords Ann --suppress_tokens -1 --patience 1.5",
            "--max_line_width 40 --max_line_count 2 --output_format srt",
            "--task transcribe --language en --device cpu --compute_type int8 --threads 1",
        ],
    )
    def test_spellings_of_other_tools_are_accepted(
        self, run_echocli: RunEchocli, script: Script, meeting: Path, options: str
    ) -> None:
        done = run_echocli("transcribe", meeting, *script("Hi."), *options.split())
        assert "Hi." in succeeded(done)

    def test_quiet_says_nothing_and_verbose_tells_where_settings_come_from(
        self, run_echocli: RunEchocli, script: Script, meeting: Path
    ) -> None:
        command = ["transcribe", meeting, *script("Hi.")]
        assert run_echocli(*command, "-q").stderr == ""
        assert "provider: scripted [flag]" in run_echocli(*command, "-v").stderr

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            (["-f", "pdf"], "pdf"),
            (["-f", "srt", "-f", "vtt"], "standard output takes one format"),
            (["--skip-existing"], "--output-dir"),
            (["--raw", "s16le"], "--raw"),
            (["--suppress-tokens", "x"], "--suppress-tokens"),
            (["--temperature-increment-on-fallback", "0"], "--temperature-increment-on-fallback"),
            (["--task", "sing"], "sing"),
            (["--language", "klingon"], "klingon"),
        ],
    )
    def test_options_that_make_no_sense_are_usage_errors(
        self, run_echocli: RunEchocli, script: Script, meeting: Path, options: list[str], text: str
    ) -> None:
        done = run_echocli("transcribe", meeting, *script(), *options)
        assert (done.code, done.stdout) == (2, "")
        assert text in done.stderr.splitlines()[0]
