from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echocli.bench.assertions import METRICS
from tests.conftest import ROOT, Corpus, RunEchocli

Script = Callable[..., list[str]]


def measured(run: RunEchocli, *args: str | Path, **more: Any) -> dict[str, Any]:
    """Return what ``bench --json`` says of something that can be measured."""
    done = run("bench", "--json", *args, **more)
    assert done.code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
class TestSamples:
    def test_without_files_the_samples_are_measured(self, run_echocli: RunEchocli) -> None:
        found = measured(run_echocli, "--model", "tiny.en", cwd=ROOT)
        files = [Path(one["file"]).name for one in found["files"]]
        assert files == ["meeting.flac", "pauses.flac"]
        assert all(found["overall"][metric] is not None for metric in METRICS)
        assert found["overall"]["wer"] <= 5

    def test_figures_of_a_file_agree_with_each_other(
        self, run_echocli: RunEchocli, samples: Path
    ) -> None:
        found = measured(run_echocli, "-n", "2", samples / "meeting.flac", "--model", "tiny.en")
        (file,) = found["files"]
        assert found["runs"] == 2
        assert file["audio_seconds"] == pytest.approx(21.125, abs=0.01)
        assert file["rtf"] * file["speed"] == pytest.approx(1, rel=0.01)
        assert 0 < file["p50_ms"] <= file["p95_ms"] <= file["p99_ms"]
        assert 0 < file["first_text_ms"] <= 1000 * file["wall_seconds"] * 1.5
        assert 0.5 < file["vad_share"] <= 1
        assert file["memory_mb"] > 100
        assert (file["language"], file["reference_words"]) == ("en", file["words"])

    def test_people_see_a_table_and_assertions_that_hold(
        self, run_echocli: RunEchocli, samples: Path
    ) -> None:
        demands = ["--assert", "rtf<5", "--assert", "speed > 0.2", "--assert", "wer<=5"]
        done = run_echocli("bench", samples / "meeting.flac", "--model", "tiny.en", *demands)
        assert done.code == 0, done.stderr
        assert done.stdout.startswith("file ")
        assert str(samples / "meeting.flac") in done.stdout
        assert "WER         0.00 %" in done.stdout

    def test_without_voice_detection_its_share_cannot_be_asserted(
        self, run_echocli: RunEchocli, samples: Path
    ) -> None:
        demand = ["--assert", "vad_share>0", "--no-vad", "--model", "tiny.en"]
        done = run_echocli("bench", samples / "meeting.flac", *demand)
        assert done.code == 6
        assert "vad_share could not be measured" in done.stderr


@pytest.mark.unit
class TestScripted:
    def test_word_errors_are_counted_against_a_reference(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        text = tmp_path / "said.txt"
        text.write_text("Hello over there.", encoding="utf-8")
        # The warm-up takes the first of the script's texts.
        options = script("warm", "Hello hare")
        found = measured(run_echocli, samples / "meeting.flac", "--reference", text, *options)
        overall = found["overall"]
        assert (overall["substitutions"], overall["deletions"], overall["insertions"]) == (1, 1, 0)
        assert overall["wer"] == pytest.approx(66.6667)

    def test_a_broken_assertion_is_exit_6_and_names_its_value(
        self, run_echocli: RunEchocli, script: Script, samples: Path
    ) -> None:
        demands = ["--assert", "rtf<0", "--assert", "memory_mb>0"]
        done = run_echocli("bench", "--json", samples / "meeting.flac", *script(), *demands)
        assert done.code == 6
        (line,) = [line for line in done.stderr.splitlines() if "assertion failed" in line]
        assert "rtf<0: rtf is 0." in line
        verdicts = json.loads(done.stdout)["assertions"]
        assert [verdict["holds"] for verdict in verdicts] == [False, True]

    def test_word_errors_without_a_reference_fail_an_assertion(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy.flac"
        copy.write_bytes((samples / "meeting.flac").read_bytes())
        done = run_echocli("bench", copy, *script(), "--assert", "wer<100")
        assert done.code == 6
        assert "wer could not be measured" in done.stderr
        assert "--reference" in done.stderr

    def test_a_file_that_cannot_be_read_does_not_stop_the_others(
        self, run_echocli: RunEchocli, script: Script, samples: Path
    ) -> None:
        done = run_echocli(
            "bench", "-n", "2", "--json", "nope.wav", samples / "meeting.flac", *script()
        )
        found = json.loads(done.stdout)
        assert (done.code, len(found["files"])) == (5, 1)
        assert [failure["file"] for failure in found["failed"]] == ["nope.wav"]
        assert done.stderr.count("nope.wav") == 1

    @pytest.mark.parametrize("content", [None, b"", b"not sound" * 100])
    def test_nothing_that_can_be_read_is_exit_3(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path, content: bytes | None
    ) -> None:
        path = tmp_path / "bad.wav"
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        done = run_echocli("bench", path, *script(), "--assert", "rtf<1")
        assert (done.code, done.stdout) == (3, "")
        assert "bad.wav" in done.stderr

    def test_a_model_that_cannot_load_is_exit_4(
        self, run_echocli: RunEchocli, script: Script, samples: Path
    ) -> None:
        done = run_echocli("bench", samples / "meeting.flac", *script(load_error="no memory"))
        assert (done.code, done.stdout) == (4, "")
        assert "no memory" in done.stderr

    def test_a_gap_is_exit_1(self, run_echocli: RunEchocli, script: Script, samples: Path) -> None:
        options = script("warm", "never", crash_on="never")
        done = run_echocli("bench", "--json", samples / "meeting.flac", *options)
        assert done.code == 1, done.stderr
        assert json.loads(done.stdout)["overall"]["lost_seconds"] > 0

    def test_languages_the_model_does_not_know_are_left_out(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        lines = [
            {"file": str(samples / "meeting.flac"), "text": "x", "language": "de"},
            {"file": str(samples / "pauses.flac"), "text": "x", "language": "en"},
        ]
        path = tmp_path / "manifest.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        done = run_echocli("bench", "--json", "--manifest", path, *script())
        files = [Path(one["file"]).name for one in json.loads(done.stdout)["files"]]
        assert files == ["pauses.flac"]
        assert "1 recording is left out" in done.stderr


@pytest.mark.unit
class TestUsage:
    def test_nothing_to_measure_says_what_to_name(
        self, run_echocli: RunEchocli, tmp_path: Path
    ) -> None:
        done = run_echocli("bench", cwd=tmp_path)
        assert (done.code, done.stdout) == (2, "")
        assert "no samples in ./samples" in done.stderr
        assert "echocli bench FILE" in done.stderr

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            (("x.wav", "--assert", "p95<1"), "did you mean p95_ms?"),
            (("x.wav", "--assert", "wer"), "is no assertion"),
            (("x.wav", "--reference", "none.txt"), "none.txt cannot be read"),
            (("--manifest", "none.jsonl"), "none.jsonl cannot be read"),
            (("-n", "0", "x.wav"), "--runs"),
            (("-",), "standard input"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_what_makes_no_sense_is_exit_2(
        self, run_echocli: RunEchocli, args: tuple[str, ...], says: str
    ) -> None:
        done = run_echocli("bench", *args)
        assert (done.code, done.stdout) == (2, "")
        assert says in done.stderr


@pytest.mark.unit
def test_without_jiwer_everything_else_is_measured(
    run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
) -> None:
    # A finder of a site hook hides the library from the program, as if it were not installed.
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Hide(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        return None if name == 'jiwer' else super().find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Hide\n",
        encoding="utf-8",
    )
    path = ":".join([str(hook), str(ROOT)]) if sys.platform != "win32" else f"{hook};{ROOT}"
    done = run_echocli(
        "bench",
        "--json",
        samples / "meeting.flac",
        *script(),
        "--assert",
        "wer<100",
        env={"PYTHONPATH": path},
    )
    found = json.loads(done.stdout)
    assert done.code == 6
    assert (found["overall"]["wer"], found["overall"]["rtf"] is None) == (None, False)
    assert "pip install 'echocli[bench]'" in done.stderr


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_the_corpus_gives_its_texts_by_its_manifest(
    run_echocli: RunEchocli, corpus: Corpus
) -> None:
    clip = corpus["en_lj001_0005"]
    manifest = clip.path.parent / "manifest.jsonl"
    demands = ("--model", "tiny.en", "--assert", "wer<20")
    found = measured(run_echocli, clip.path, "--manifest", manifest, *demands)
    assert found["overall"]["reference_words"] == 25
