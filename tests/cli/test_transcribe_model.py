"""``echocli transcribe`` with a real model."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from itertools import pairwise
from pathlib import Path

import jiwer
import pytest

from tests.cli.conftest import Script, Start, assert_all_end
from tests.conftest import Completed, RunEchocli


@pytest.fixture
def meeting(samples: Path) -> Path:
    """Return the sample that is spoken without long pauses."""
    return samples / "meeting.flac"


def plain(text: str) -> str:
    """Return a text without case, punctuation and line ends."""
    return " ".join(re.sub(r"[^\w\s']", "", text.casefold()).split())


def succeeded(done: Completed) -> str:
    """Return what a run printed that went well and had nothing to remark."""
    assert (done.code, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.usefixtures("tiny_model")
class TestWithTheModel:
    pytestmark = pytest.mark.model

    def test_speech_becomes_text(self, run_echocli: RunEchocli, meeting: Path) -> None:
        text = succeeded(run_echocli("transcribe", meeting, "-m", "tiny.en"))
        reference = meeting.with_suffix(".ref.txt").read_text()
        assert jiwer.wer(plain(reference), plain(text)) <= 0.02

    def test_the_same_file_gives_the_same_text_twice(
        self, run_echocli: RunEchocli, samples: Path
    ) -> None:
        command = ["transcribe", samples / "pauses.flac", "-m", "tiny.en", "-f", "srt"]
        assert succeeded(run_echocli(*command)) == succeeded(run_echocli(*command))

    def test_a_pipe_gives_the_text_of_the_file(
        self, run_echocli: RunEchocli, samples: Path, wav_bytes: bytes
    ) -> None:
        piped = run_echocli("transcribe", "-", "-m", "tiny.en", stdin=wav_bytes)
        filed = run_echocli("transcribe", samples / "pauses.flac", "-m", "tiny.en")
        assert plain(succeeded(piped)) == plain(succeeded(filed))

    @pytest.mark.parametrize(
        "options", ["--beam_size 1", "--vad_filter False", "--no_condition_on_previous_text"]
    )
    def test_options_keep_the_words(
        self, run_echocli: RunEchocli, meeting: Path, options: str
    ) -> None:
        done = run_echocli("transcribe", meeting, "-m", "tiny.en", *options.split())
        reference = meeting.with_suffix(".ref.txt").read_text()
        assert jiwer.wer(plain(reference), plain(succeeded(done))) <= 0.1

    def test_words_follow_each_other_inside_their_segments(
        self, run_echocli: RunEchocli, samples: Path
    ) -> None:
        command = ["transcribe", samples / "pauses.flac", "-m", "tiny.en", "-f", "json"]
        found = json.loads(succeeded(run_echocli(*command, "--word_timestamps", "True")))
        for segment in found["segments"]:
            joined = "".join(word["text"] for word in segment["words"])
            assert joined.split() == segment["text"].split()
            assert segment["words"][0]["start"] >= segment["start"] - 0.01
            assert segment["words"][-1]["end"] <= segment["end"] + 0.01
        words = [word for segment in found["segments"] for word in segment["words"]]
        assert all(word["start"] <= word["end"] for word in words)
        assert all(one["end"] <= two["start"] + 0.001 for one, two in pairwise(words))
        assert all(0 <= word["probability"] <= 1 for word in words)

    def test_text_comes_out_before_the_pipe_ends(
        self, start_echocli: Start, wav_bytes: bytes
    ) -> None:
        running = start_echocli("transcribe", "-", "-m", "tiny.en", stdin=subprocess.PIPE)
        running.write(wav_bytes)
        assert running.wait_for_line().strip()
        code, _, _ = running.end()
        assert code == 0

    def test_an_interrupt_in_the_middle_of_inference(
        self, start_echocli: Start, long_file: Path
    ) -> None:
        running = start_echocli("transcribe", long_file, "-m", "tiny.en")
        running.wait_for_line()
        workers = running.workers()
        running.signal_group(signal.SIGINT)
        code, text, errors = running.end()
        assert code == 130
        assert text.startswith("Good morning")
        assert "Traceback" not in errors
        assert_all_end(workers)

    def test_a_language_the_model_does_not_know_is_a_usage_error(
        self, run_echocli: RunEchocli, meeting: Path
    ) -> None:
        done = run_echocli("transcribe", meeting, "-m", "tiny.en", "--language", "de")
        assert (done.code, done.stdout) == (2, "")
        assert "model 'tiny.en' knows English only, not German" in done.stderr
        assert "--model tiny" in done.stderr


@pytest.mark.unit
def test_a_named_file_may_be_headerless(
    run_echocli: RunEchocli, script: Script, tmp_path: Path
) -> None:
    path = tmp_path / "sound.raw"
    path.write_bytes(b"\x40\x01" * 16_000)  # a second that is not digital silence
    done = run_echocli("transcribe", *script("Hi."), "--no-vad", "--raw", "s16le,16000,1", path)
    assert (done.code, done.stdout) == (0, "Hi.\n")
