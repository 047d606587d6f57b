"""``--clip``: only parts of the input, at the times of the input."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from echocli.cli.app import run
from echocli.environment import Environment
from tests.cli.conftest import PATIENCE, Script, Start
from tests.conftest import Completed, RunEchocli

HUM = b"\x40\x01" * 16_000
"""A second of headerless 16-bit sound that is not digital silence."""

RAW = ("--raw", "s16le,16000,1", "--no-vad")


def found(done: Completed) -> dict[str, Any]:
    """Return the JSON of a run that went well and had nothing to remark."""
    assert (done.code, done.stderr) == (0, "")
    transcript: dict[str, Any] = json.loads(done.stdout)
    return transcript


def words(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", "", text.casefold()).split())


class TestRefused:
    pytestmark = pytest.mark.unit

    @pytest.mark.parametrize(
        "option",
        [
            *(f"--clip={value}" for value in ("9-5", "5-5", "five-9", "-5-9", "nan-9", "7", "-")),
            *(f"--clip_timestamps={value}" for value in ("9,5", "5,x", "-5,9", "nan", "1,,2")),
        ],
    )
    def test_parts_that_make_no_sense_are_usage_errors_before_any_work(
        self, capsys: pytest.CaptureFixture[str], option: str
    ) -> None:
        assert run(["transcribe", "not-there.wav", option], Environment()) == 2
        out, err = capsys.readouterr()
        assert out == ""
        name, _, value = option.partition("=")
        assert f"{name.replace('_', '-')} '{value}'" in err.splitlines()[0]


class TestInputs:
    pytestmark = pytest.mark.unit

    def test_a_start_may_be_left_out(self, run_echocli: RunEchocli, script: Script) -> None:
        command = ["transcribe", "-", *script("Hi."), *RAW, "-f", "tsv"]
        done = run_echocli(*command, "--clip", "-2", stdin=5 * HUM)
        assert (done.code, done.stdout) == (0, "start\tend\ttext\n0\t2000\tHi.\n")

    def test_a_channel_of_headerless_sound_is_clipped(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path
    ) -> None:
        path = tmp_path / "two.raw"
        path.write_bytes(b"\0\0\x40\x01" * 16_000 * 6)
        command = ["transcribe", path, *script("Hi."), "--raw", "s16le,16000,2", "--no-vad"]
        done = run_echocli(*command, "--channel", "2", "--clip", "1.5-4", "-f", "json")
        (segment,) = found(done)["segments"]
        assert (segment["start"], segment["end"]) == (1.5, 4)
        assert found(done)["duration"] == 6
        assert found(done)["stats"]["audio_seconds"] == 2.5

    def test_all_files_are_clipped_alike_and_one_that_is_too_short_is_said(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path
    ) -> None:
        for name, secs in (("long.raw", 9), ("short.raw", 3), ("other.raw", 7)):
            (tmp_path / name).write_bytes(HUM * secs)
        out = tmp_path / "out"
        inputs = [tmp_path / name for name in ("long.raw", "short.raw", "other.raw")]
        done = run_echocli(
            "transcribe", *inputs, *script("Hi."), *RAW, "--clip", "4-6", "-o", out, "-f", "tsv"
        )
        assert done.code == 0
        notice = "short.raw: ends at 3.0 s, there is nothing to hear from 4.0 s on"
        assert [notice in line for line in done.stderr.splitlines()] == [True]
        for name, text in (("long", "4000\t6000\tHi.\n"), ("short", ""), ("other", None)):
            expected = "start\tend\ttext\n" + ("4000\t6000\tHi.\n" if text is None else text)
            assert (out / f"{name}.tsv").read_text() == expected

    def test_parts_that_are_all_behind_the_end_are_an_error_and_no_file(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path
    ) -> None:
        (tmp_path / "short.raw").write_bytes(HUM * 3)
        command = ["transcribe", tmp_path / "short.raw", *script("Hi."), *RAW, "-q"]
        parts = ["--clip", "1:40-200", "--clip", "5-6"]
        done = run_echocli(*command, *parts, "-o", tmp_path / "out")
        assert (done.code, done.stdout) == (2, "")
        first = done.stderr.splitlines()[0]
        assert first == "echocli: error: --clip 5-6,100-200: the recording ends at 3.0 s"
        assert not list(tmp_path.glob("out/*"))

    def test_parts_behind_the_end_of_every_file_are_an_error(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path
    ) -> None:
        inputs = [tmp_path / "a.raw", tmp_path / "b.raw"]
        for path, secs in zip(inputs, (2, 3), strict=True):
            path.write_bytes(HUM * secs)
        done = run_echocli("transcribe", *inputs, *script("Hi."), *RAW, "-q", "--clip", "5-")
        assert (done.code, done.stdout) == (2, "")
        first = done.stderr.splitlines()[0]
        assert first == "echocli: error: --clip 5-: the longest recording ends at 3.0 s"

    def test_one_part_with_sound_is_enough(self, run_echocli: RunEchocli, script: Script) -> None:
        command = ["transcribe", "-", *script("Hi."), *RAW, "-q", "--clip", "0-1", "--clip", "5-6"]
        done = run_echocli(*command, stdin=3 * HUM)
        assert (done.code, done.stdout, done.stderr) == (0, "Hi.\n", "")

    def test_a_pipe_that_stays_open_is_not_waited_for(
        self, start_echocli: Start, script: Script
    ) -> None:
        command = ["transcribe", "-", *script("Hi."), *RAW, "--clip", "0-2"]
        running = start_echocli(*command, stdin=subprocess.PIPE)
        running.write(3 * HUM)
        assert running.wait_for_line() == "Hi.\n"
        assert running.process.wait(PATIENCE) == 0


@pytest.mark.usefixtures("tiny_model")
class TestSpeech:
    pytestmark = pytest.mark.model

    @pytest.mark.parametrize("options", ["", "--no-vad", "--preset fast --word-timestamps"])
    def test_text_and_times_are_those_of_the_part(
        self, run_echocli: RunEchocli, samples: Path, options: str
    ) -> None:
        command = ["transcribe", samples / "meeting.flac", "-m", "tiny.en", "-f", "json"]
        transcript = found(run_echocli(*command, "--clip", "9.8-14.6", *options.split()))
        expected = "today we have three things to decide first who will write the summary"
        assert words(transcript["text"]) == expected
        for segment in transcript["segments"]:
            timed = [segment, *(segment.get("words") or ())]
            assert all(9.8 <= one["start"] <= one["end"] <= 14.6 for one in timed)
        assert transcript["segments"][0]["start"] == pytest.approx(10.0, abs=0.25)
        assert transcript["segments"][-1]["end"] == pytest.approx(14.2, abs=0.4)
        assert transcript["duration"] == pytest.approx(21.125, abs=0.01)
        assert transcript["stats"]["audio_seconds"] == pytest.approx(4.8)

    @pytest.mark.parametrize("vad", ["--vad", "--no-vad"])
    def test_whispers_spelling_means_the_same_on_a_pipe(
        self, run_echocli: RunEchocli, wav_bytes: bytes, vad: str
    ) -> None:
        command = ["transcribe", "-", "-m", "tiny.en", vad, "-f", "srt"]
        whole = run_echocli(*command[:-1], "json", stdin=wav_bytes)
        segments = found(whole)["segments"]
        low, high = segments[1]["start"] - 0.3, segments[1]["end"] + 0.3
        last = segments[-1]["start"] - 0.3
        listed = f"{low:.3f},{high:.3f},{last:.3f}"
        parts = ["--clip", f"{last:.3f}-", "--clip", f"{low:.3f}-{high:.3f}"]
        one = run_echocli(*command, "--clip_timestamps", listed, stdin=wav_bytes)
        two = run_echocli(*command, *parts, stdin=wav_bytes)
        assert one == two
        assert (one.code, one.stderr) == (0, "")
        assert words(segments[1]["text"]) in words(one.stdout)
        assert words(segments[-1]["text"]) in words(one.stdout)
        assert words(segments[0]["text"]) not in words(one.stdout)
        assert one.stdout.count("-->") == 2
