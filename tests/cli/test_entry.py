from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from echocli.cli.entry import wants_worker
from tests.conftest import ROOT, Completed, clean_environment

pytestmark = pytest.mark.unit

INTERRUPTED = """
import os, signal, sys
when, number, before, *words = sys.argv[1:]
if before == "ignored":
    signal.signal(int(number), signal.SIG_IGN)

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == when:
            sys.meta_path.remove(self)
            if spawning := sys.modules.get("echocli.runtime.spawning"):
                print("spare", *(one.pid for one in spawning._spare), flush=True)
            os.kill(os.getpid(), int(number))

sys.argv[1:] = words
sys.meta_path.insert(0, Finder())
from echocli.cli.entry import main
main()
"""
"""The program, with a signal in the middle of the import of some module."""


def interrupted(tmp_path: Path, *words: str) -> Completed:
    """Run :data:`INTERRUPTED`; its words are module, number, ``as ever`` or ``ignored``, the line.

    A shell may have this very process ignore signals, which its children would take over.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, *words],
            cwd=ROOT,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    return Completed(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda it: it.name)
@pytest.mark.parametrize("module", ["echocli.cli.arguments", "typer"])
def test_an_interrupt_while_it_still_loads_ends_it_quietly(
    tmp_path: Path, module: str, number: signal.Signals
) -> None:
    done = interrupted(tmp_path, module, str(int(number)), "as ever", "talk", "--provider=scripted")
    assert done == Completed(130, "", "")


def test_an_interrupt_while_it_still_loads_leaves_no_worker(tmp_path: Path) -> None:
    done = interrupted(tmp_path, "typer", str(int(signal.SIGINT)), "as ever", "transcribe", "a.wav")
    assert (done.code, done.stderr) == (130, "")
    name, *spare = done.stdout.split()
    assert name == "spare"
    assert [psutil.pid_exists(int(pid)) for pid in spare] == [False]


def test_an_interrupt_that_is_ignored_stays_ignored_while_it_loads(tmp_path: Path) -> None:
    done = interrupted(tmp_path, "typer", str(int(signal.SIGINT)), "ignored", "--version")
    assert (done.code, done.stderr) == (0, "")


def test_next_to_nothing_is_loaded_before_an_interrupt_is_taken() -> None:
    code = "import sys, echocli.cli.entry; print(*sys.modules)"
    done = subprocess.run(
        # Without site: what packages have it import is not the program's.
        [sys.executable, "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = done.stdout.split()
    own = {"echocli", "echocli.interrupts"}
    own |= {"echocli.cli", "echocli.cli.entry", "echocli.cli.leaving"}
    assert {name for name in loaded if name.partition(".")[0] == "echocli"} == own
    assert "typing" not in loaded


def test_a_transcription_starts_its_worker_before_anything_else() -> None:
    assert wants_worker(["transcribe", "talk.wav"], {})
    assert wants_worker(["transcribe", "talk.wav", "--model", "base.en"], {})
    assert wants_worker(["talk.wav"], {})


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["transcribe"],
        ["detect"],
        ["bench", "talk.wav"],
        ["transcribe", "--help"],
        ["transcribe", "talk.wav", "-h"],
        ["transcribe", "talk.wav", "--provider", "scripted"],
        ["transcribe", "talk.wav", "--provider=scripted"],
        ["transcribe", "talk.wav", "-p", "scripted"],
        ["transcribe", "talk.wav", "--dry-run"],
    ],
    ids=" ".join,
)
def test_what_may_not_need_the_default_provider_starts_none(words: list[str]) -> None:
    assert not wants_worker(words, {})


def test_a_provider_of_the_environment_starts_none() -> None:
    assert not wants_worker(["transcribe", "talk.wav"], {"ECHOCLI_PROVIDER": "scripted"})
    assert not wants_worker(["transcribe", "a.wav"], {"ECHOPANEL_ASR_PROVIDER": "scripted"})
