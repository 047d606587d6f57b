"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from echocli.models.lock import held

pytestmark = pytest.mark.unit

HOLD = """
import sys
from pathlib import Path
from echocli.models.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_waits_for_another_even_if_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        said: list[str] = []

        def waiting() -> None:
            said.append("waiting")
            other.kill()

        with held(path, waiting):
            assert said == ["waiting"]


def test_threads_wait_for_each_other_too(tmp_path: Path) -> None:
    path, order, waits = tmp_path / "lock", [], Event()

    def second() -> None:
        with held(path, waits.set):
            order.append("second")

    thread = Thread(target=second)
    with held(path):
        thread.start()
        assert waits.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_nobody_waits_for_a_lock_that_is_free(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with held(tmp_path / "lock", lambda: said.append("waiting")):
            pass
    assert said == []
