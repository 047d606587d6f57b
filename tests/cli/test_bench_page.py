"""``echocli bench --html FILE`` writes a page, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.browser import Browser
from tests.conftest import RunEchocli

Script = Callable[..., list[str]]


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_a_real_benchmark_is_a_page_with_its_figures(
    run_echocli: RunEchocli, samples: Path, tmp_path: Path, browser: Browser
) -> None:
    pytest.importorskip("jiwer")
    path = tmp_path / "new" / "bench.html"
    text = tmp_path / "said.txt"
    said = (samples / "meeting.ref.txt").read_text(encoding="utf-8")
    text.write_text(said.replace("morning", "evening", 1), encoding="utf-8")
    sound = samples / "meeting.flac"
    args = ["--model", "tiny.en", "--reference", text, "--html", path, "--json", "--assert"]
    done = run_echocli("bench", sound, *args, "rtf<5")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    page = browser.open(path)
    assert (page.asked_outside(), page.complaints) == ([], [])
    shown = page.text()
    assert f"{found['overall']['rtf']:.4f}" in shown
    assert str(found["machine"]["memory_mb"]) in shown
    assert "evening→morning" in shown.replace("\n", "").replace(" ", "")
    assert "✓ holds" in shown
    assert "No ladder ran" in shown
    assert found["files"][0]["course"]["seconds"][-1] == found["overall"]["audio_seconds"]
    assert sum(found["latencies"]["counts"]) == found["overall"]["windows"]
    memory = found["memory"]
    assert len(memory["seconds"]) == len(memory["parent_mb"]) == len(memory["workers_mb"])
    assert max(memory["workers_mb"]) > 100
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.unit
def test_levels_of_the_ladder_are_drawn(
    run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
) -> None:
    sound, rate = soundfile.read(samples / "meeting.flac", dtype="float32")
    soundfile.write(tmp_path / "short.wav", sound[: round(4.2 * rate)], rate)
    page = tmp_path / "p.html"
    slow = script("Good morning.", delay_ms=400)
    ladder = "rtf=0.01/9/10,recovery=0.005,hopeless=20,dwell=0.1"
    args = ["--live", "--degrade", "--ladder", ladder, "--json", "--html", page]
    done = run_echocli("bench", tmp_path / "short.wav", *slow, *args)
    assert done.code == 0, done.stderr
    (file,) = json.loads(done.stdout)["live"]["files"]
    levels = [one["level"] for one in file["course"]["levels"]]
    assert levels[:2] == ["NORMAL", "WARNING"]
    assert 'class="level WARNING"' in page.read_text(encoding="utf-8")


@pytest.mark.unit
class TestScripted:
    def test_an_assertion_that_fails_still_leaves_the_page(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        page = tmp_path / "p.html"
        args = ["--assert", "rtf<0", "--html", page]
        done = run_echocli("bench", samples / "meeting.flac", *script(), *args)
        assert done.code == 6
        assert "✗ fails" in page.read_text(encoding="utf-8")

    def test_what_could_not_be_measured_leaves_an_older_page(
        self, run_echocli: RunEchocli, script: Script, tmp_path: Path
    ) -> None:
        page = tmp_path / "p.html"
        page.write_text("older", encoding="utf-8")
        (tmp_path / "bad.wav").write_bytes(b"no sound")
        done = run_echocli("bench", tmp_path / "bad.wav", *script(), "--html", page)
        assert (done.code, page.read_text(encoding="utf-8")) == (3, "older")
        assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".p.html*"))

    def test_without_jiwer_texts_are_not_compared_but_the_rest_is_there(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        hook = tmp_path / "hook"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(
            "import sys\nfrom importlib.machinery import PathFinder as Finder\n"
            "class Hide(Finder):\n"
            "    @classmethod\n"
            "    def find_spec(cls, name, path=None, target=None):\n"
            "        return None if name == 'jiwer' else super().find_spec(name, path, target)\n"
            "sys.meta_path[sys.meta_path.index(Finder)] = Hide\n",
            encoding="utf-8",
        )
        page = tmp_path / "p.html"
        root = Path(__file__).parents[2]
        done = run_echocli(
            *("bench", samples / "meeting.flac", *script(), "--html", page),
            env={"PYTHONPATH": os.pathsep.join([str(hook), str(root)])},
        )
        assert done.code == 0, done.stderr
        html = page.read_text(encoding="utf-8")
        assert "Errors need jiwer" in html
        assert "<svg" in html


@pytest.mark.unit
@pytest.mark.parametrize(
    ("place", "code", "says"),
    [
        ("-", 2, "not standard output"),
        ("folder", 1, "cannot write"),
        ("file.txt/p.html", 1, "cannot write"),
        ("sound.wav", 2, "would replace what is read"),
        ("said.txt", 2, "would replace what is read"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(
    run_echocli: RunEchocli, tmp_path: Path, place: str, code: int, says: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").touch()
    (tmp_path / "sound.wav").write_bytes(b"no sound")
    (tmp_path / "said.txt").write_text("Nothing.")
    args = ["bench", "sound.wav", "--reference", "said.txt", "--model", "no-such-model"]
    args += ["--html", place]
    done = run_echocli(*args, cwd=tmp_path)
    assert (done.code, done.stdout) == (code, "")
    assert says in done.stderr
    assert "no-such-model" not in done.stderr
    assert "--output-dir" not in done.stderr


@pytest.mark.unit
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--degrade",), "--degrade needs --live"),
        (("--live", "--simulate-load", "3"), "--simulate-load needs --degrade"),
        (("--live", "--full"), "do not go together"),
    ],
)
def test_options_that_say_nothing_without_others_are_exit_2(
    run_echocli: RunEchocli, args: tuple[str, ...], says: str
) -> None:
    done = run_echocli("bench", "x.wav", *args)
    assert (done.code, done.stdout) == (2, "")
    assert says in done.stderr
