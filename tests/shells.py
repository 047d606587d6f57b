"""Real shells in real terminals, as people have them: what is typed, what Tab makes of it."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import clean_environment

SHELLS = ("bash", "zsh", "fish")
BARE: Mapping[str, tuple[str, ...]] = {
    "bash": ("--norc", "--noprofile", "-i"),
    "zsh": ("-f", "-i"),
    "fish": ("--no-config", "-i"),
}
"""Options for an interactive shell without anybody's settings."""
SCRIPT: Mapping[str, tuple[str, ...]] = {
    "bash": ("--norc", "--noprofile", "-c"),
    "zsh": ("-f", "-c"),
    "fish": ("--no-config", "-c"),
}
"""The same for a script."""
DEFINE = {
    "bash": 'eval "$(echocli shell-init bash)"',
    "zsh": 'eval "$(echocli shell-init zsh)"',
    "fish": "echocli shell-init fish | source",
}
"""What people put into their startup files."""
REMOVE = {"bash": "unset -f echo", "zsh": "unset -f echo", "fish": "functions -e echo"}

CONTROL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Take the terminal as the controlling one, as a terminal emulator does, then become the shell."""
PATIENCE = 60.0

SHOW = {
    "bash": 'bind -x \'"\\C-t": printf %s "$READLINE_LINE" >typed; printf %s%s SHO WN\'',
    "zsh": "show() { print -rn -- $BUFFER >typed; BUFFER=; print SHO''WN }; zle -N show;"
    " bindkey '^T' show",
    "fish": "bind \\ct 'commandline >typed; commandline -r \"\"; printf %s%s SHO WN'",
}
"""Makes Ctrl-T write what the line has become."""


def require(name: str) -> str:
    """Return where a shell is, or skip."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program


def environment(folder: Path) -> dict[str, str]:
    """Return variables with nobody's settings, and ``folder/bin`` first in the path."""
    return clean_environment(folder) | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "dumb",
    }


def install(folder: Path, script: str | None = None) -> Path:
    """Put the program, or a script in its place, into ``folder/bin``."""
    program = folder / "bin" / "echocli"
    program.parent.mkdir(exist_ok=True)
    text = script or f'exec "{sys.executable}" -m echocli "$@"'
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def script(name: str, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a shell."""
    return subprocess.run(
        [require(name), *SCRIPT[name], text],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


class Terminal:
    """An interactive shell and the terminal it runs in."""

    def __init__(self, name: str, folder: Path, options: tuple[str, ...]) -> None:
        self.name = name
        self.folder = folder
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", CONTROL, require(name), *options],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=folder,
            env=environment(folder),
        )
        os.close(slave)

    def type(self, line: str) -> int:
        """Type a line and wait for its end; its exit status."""
        status = "$status" if self.name == "fish" else "$?"
        # The line is shown while it is typed: only printing joins the word.
        os.write(self._master, f"{line}; printf '%s%s %s.\\n' DO NE {status}\r".encode())
        return int(self._wait_for(rb"DONE (\d+)\.")[1])

    def output(self, line: str) -> str:
        """Return what a line writes; its end goes to a file, as with any ``> out``."""
        self.type(f"{line} >out")
        return (self.folder / "out").read_text(encoding="utf-8")

    def press_tab(self, line: str) -> str:
        """Return what a line becomes when Tab is pressed behind it; it is not run."""
        if not (self.folder / f"{self.name}-shows").exists():
            self.type(SHOW[self.name])
            (self.folder / f"{self.name}-shows").touch()
        os.write(self._master, f"{line}\t\x14".encode())
        self._wait_for(b"SHOWN")
        if self.name == "bash":
            os.write(self._master, b"\x15")
        return (self.folder / "typed").read_text(encoding="utf-8").rstrip("\n")

    def _wait_for(self, pattern: bytes) -> re.Match[bytes]:
        seen = b""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, seen)) is None:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._master], [], [], left)
            assert ready, seen.decode(errors="replace")
            seen += os.read(self._master, 4096)
        return found

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@contextmanager
def terminal(name: str, folder: Path, options: tuple[str, ...] | None = None) -> Iterator[Terminal]:
    """Open an interactive shell; close it in the end."""
    opened = Terminal(name, folder, options or BARE[name])
    try:
        yield opened
    finally:
        opened.close()
