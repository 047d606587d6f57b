"""``echocli bench --compare A.json B.json`` finds what got worse, without measuring anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, RunEchocli

Doctored = Callable[..., Path]


@pytest.fixture
def doctored(tmp_path: Path) -> Doctored:
    """Return ``make(facts, name, **overall) -> path`` of a report with other figures."""

    def make(facts: dict[str, Any], name: str, **overall: Any) -> Path:
        path = tmp_path / name
        changed = {**facts, "overall": {**facts["overall"], **overall}}
        path.write_text(json.dumps(changed), encoding="utf-8")
        return path

    return make


REPORT: dict[str, Any] = {
    "schema": "echocli/bench/1",
    "echocli": "1.0",
    "provider": "faster-whisper",
    "model": "tiny.en",
    "overall": {"rtf": 0.1, "wer": 2.0},
    "files": [{"file": "a.wav", "audio_seconds": 3.0, "rtf": 0.1}],
}


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_a_real_report_is_held_against_a_doctored_one(
    run_echocli: RunEchocli, samples: Path, doctored: Doctored
) -> None:
    done = run_echocli("bench", "--json", samples / "meeting.flac", "--model", "tiny.en")
    assert done.code == 0, done.stderr
    facts = json.loads(done.stdout)
    a = doctored(facts, "a.json")
    same = run_echocli("bench", "--compare", a, a)
    assert (same.code, same.stderr) == (0, "")
    assert " 0 worse, 0 better" in same.stdout
    slower = doctored(facts, "b.json", rtf=facts["overall"]["rtf"] * 1.5)
    worse = run_echocli("bench", "--compare", a, slower)
    assert worse.code == 6
    assert "rtf is worse" in worse.stderr
    assert "+50.0 %" in worse.stdout
    assert run_echocli("bench", "--compare", slower, a).code == 0
    assert run_echocli("bench", "--compare", a, slower, "--tolerance", "60").code == 0


@pytest.mark.unit
def test_error_rates_have_a_tolerance_of_their_own(
    run_echocli: RunEchocli, doctored: Doctored
) -> None:
    a, b = doctored(REPORT, "a.json"), doctored(REPORT, "b.json", wer=2.4)
    assert run_echocli("bench", "--compare", a, b).code == 0
    done = run_echocli("bench", "--compare", a, b, "--wer-tolerance", "0.3", "--json")
    found = json.loads(done.stdout)
    assert (done.code, found["worse"], found["wer_tolerance_points"]) == (6, 1, 0.3)


@pytest.mark.unit
def test_what_is_not_measured_any_more_does_not_pass(
    run_echocli: RunEchocli, doctored: Doctored
) -> None:
    two = [REPORT["files"][0], {**REPORT["files"][0], "file": "b.wav"}]
    a = doctored({**REPORT, "files": two}, "a.json")
    failed = [{"file": "b.wav", "error": "b.wav: is empty"}]
    b = doctored({**REPORT, "failed": failed}, "b.json")
    done = run_echocli("bench", "--compare", a, b)
    assert done.code == 6
    assert "only the one recording both have is compared" in done.stderr
    assert "error: b.wav failed in B (b.wav: is empty)" in done.stderr
    added = run_echocli("bench", "--compare", b, a)
    assert added.code == 0
    assert "without b.wav" in added.stderr
    done = run_echocli("bench", "--compare", b, doctored(REPORT, "c.json", wer=None))
    assert done.code == 6
    assert "wer is known of A only" in done.stderr


@pytest.mark.unit
def test_another_model_is_warned_of_and_compared(
    run_echocli: RunEchocli, doctored: Doctored
) -> None:
    a = doctored(REPORT, "a.json")
    b = doctored({**REPORT, "model": "base.en"}, "b.json")
    done = run_echocli("bench", "--compare", a, b)
    assert done.code == 0
    assert "the model differs: tiny.en and base.en" in done.stderr
    assert run_echocli("bench", "--compare", a, b, "-q").stderr == ""


@pytest.mark.unit
def test_names_of_strangers_do_not_reach_the_terminal_unescaped(
    run_echocli: RunEchocli, doctored: Doctored
) -> None:
    a = doctored(REPORT, "a.json")
    b = doctored({**REPORT, "model": "\x1b]0;x\x07"}, "b.json")
    done = run_echocli("bench", "--compare", a, b)
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.unit
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--compare", "a.json", "none.json"), "none.json cannot be read"),
        (("--compare", "a.json", "."), "cannot be read"),
        (("--compare", "a.json", "text.json"), "text.json is no bench report"),
        (("--compare", "a.json", "other.json"), "no recording in common"),
        (("--compare", "a.json"), "2 arguments"),
        (("--compare", "a.json", "a.json", "x.wav"), "FILE and --compare"),
        (("--compare", "a.json", "a.json", "--html", "x.html"), "--html and --compare"),
        (("--compare", "a.json", "a.json", "--assert", "rtf<1"), "--assert and --compare"),
        (("--compare", "a.json", "a.json", "--tolerance", "-1"), "--tolerance"),
        (("--compare", "a.json", "a.json", "--tolerance", "inf"), "--tolerance"),
        (("--tolerance", "1", "x.wav"), "--tolerance needs --compare"),
    ],
)
def test_what_cannot_be_compared_is_exit_2(
    run_echocli: RunEchocli,
    doctored: Doctored,
    tmp_path: Path,
    args: tuple[str, ...],
    says: str,
) -> None:
    doctored(REPORT, "a.json")
    other = {**REPORT["files"][0], "file": "b.wav"}
    doctored({**REPORT, "files": [other]}, "other.json")
    (tmp_path / "text.json").write_text("rtf 0.1", encoding="utf-8")
    done = run_echocli("bench", *args, cwd=tmp_path)
    assert (done.code, done.stdout) == (2, "")
    assert says in done.stderr


@pytest.mark.unit
def test_nothing_that_decodes_is_imported(doctored: Doctored) -> None:
    a = doctored(REPORT, "a.json")
    code = (
        "import sys; from echocli.cli.entry import main\n"
        f"sys.argv = ['echocli', 'bench', '--compare', {str(a)!r}, {str(a)!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([n for n in ('av', 'ctranslate2', 'onnxruntime', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
