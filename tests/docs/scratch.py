"""A folder in which what a page shows can be run, as if somebody pasted it there.

It holds the samples, some recordings under the names that pages use, and the program on the path.
State is the folder's own, and no model can be fetched: the bundled one is all there is.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.conftest import ROOT, clean_environment
from tests.docs.pages import Block
from tests.pulse import missing_parts, running
from tests.server.process import ServerProcess

PATIENCE = 180
"""Seconds for one block."""
SHORT = 4.2
"""Seconds of the recordings: the first sentence of the sample, and the pause behind it."""
RECORDINGS = ("meeting.wav", "talk.wav", "recordings/monday.wav", "recordings/tuesday.wav")

ADDRESS, TOKEN = "127.0.0.1:8765", "a-token-of-the-tests"
"""Where pages say that a server is, and what the one of the tests asks for."""

PROGRAM = """\
#!/bin/sh
# Note what is asked for, and never listen for longer than a test has time.
printf '%s\\n' "$*" >> {log}
case " $* " in
    *--stop-after*) ;;
    *" --mic "* | *" --input-device "*) set -- "$@" --stop-after 0.5 ;;
esac
exec {python} -m echocli "$@"
"""

_PROMPT = re.compile(r"^\$ ", re.MULTILINE)
_FIGURE = r"\d[\d.,:]*"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it wrote to both streams together."""

    code: int
    output: str


class Scratch:
    """The folder; everything is run with it as the current directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.more: dict[str, str] = {}
        """Variables on top, such as those that lead to a sound server."""
        self._install()
        self._record()

    def run(self, *command: str, stdin: str | None = None) -> Ran:
        """Run a command to its end; what it reads is ``stdin`` or nothing."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._variables(),
            input=stdin or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=PATIENCE,
        )
        return Ran(done.returncode, done.stdout)

    def shell(self, script: str) -> Ran:
        """Run a script in bash; it ends with the first command that fails."""
        return self.run("bash", "-euo", "pipefail", "-c", script)

    def prompt(self, lines: str) -> Ran:
        """Type lines at the prompt of an interactive bash; it goes on whatever fails."""
        return self.run("bash", "--norc", "-i", stdin=lines)

    def configure(self, text: str) -> None:
        """Put a configuration in force."""
        path = Path(self._variables()["ECHOCLI_CONFIG_DIR"]) / "config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def called(self) -> list[str]:
        """Return the arguments of each run of the program so far."""
        log = self.folder / "bin" / "called"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def _install(self) -> None:
        program = self.folder / "bin" / "echocli"
        program.parent.mkdir(parents=True)
        program.write_text(
            PROGRAM.format(
                log=shlex.quote(str(program.parent / "called")), python=shlex.quote(sys.executable)
            ),
            encoding="utf-8",
        )
        program.chmod(0o755)
        shutil.copytree(ROOT / "samples", self.folder / "samples")

    def _record(self) -> None:
        sound, rate = soundfile.read(ROOT / "samples" / "meeting.flac", dtype="int16")
        for name in RECORDINGS:
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, sound[: int(SHORT * rate)], rate)
        film(self.folder / "lecture.mp4", sound[: int(SHORT * rate)], rate)

    def _variables(self) -> Mapping[str, str]:
        """Everybody's own, a private home, and a network that leads nowhere."""
        environment = clean_environment(self.folder)
        nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{environment['PATH']}"
        home = {"HOME": str(self.folder), "PATH": path, "HF_HUB_OFFLINE": "1"}
        return environment | nowhere | home | self.more


def film(path: Path, sound: NDArray[np.int16], rate: int) -> None:
    """Write a video of one dark picture a second, with this sound."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=1, width=320, height=180)
        pictures.pix_fmt = "yuv420p"
        speech = container.add_stream("aac", rate=rate, layout="mono")
        for _ in range(len(sound) // rate + 1):
            picture = av.VideoFrame(320, 180, "yuv420p")
            container.mux(pictures.encode(picture))
        frame = av.AudioFrame.from_ndarray(sound[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = rate
        container.mux(speech.encode(frame))
        for stream in (pictures, speech):
            container.mux(stream.encode(None))


def missing(block: Block) -> str | None:
    """Return what a block needs and is not installed."""
    needed = block.mark("needs")
    if needed == "microphone":
        return ", ".join(missing_parts()) or None
    return needed if needed and shutil.which(needed) is None else None


class Microphone:
    """A sound server, started when a block needs it and kept for the next one."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._variables: dict[str, str] = {}

    def variables(self, block: Block) -> dict[str, str]:
        """Return what leads the programs of a block to the server, nothing for most."""
        if block.mark("needs") != "microphone":
            return {}
        if not self._variables:
            pulse = self._stack.enter_context(running())
            pulse.add_sink("speakers")
            self._variables = pulse.env
        return self._variables


class Server:
    """``echocli serve``, started when a block needs it and kept for the next one."""

    def __init__(self, stack: ExitStack, home: Path) -> None:
        self._stack = stack
        self._home = home
        self._process: ServerProcess | None = None

    def answering(self, block: Block) -> Block:
        """Return a block with the address that the server really has."""
        if block.mark("served") is None:
            return block
        if self._process is None:
            self._process = ServerProcess(self._home, "-m", "tiny.en", env=self.variables)
            self._stack.callback(self._process.close)
            self._process.start()
        text = block.text.replace(ADDRESS, f"127.0.0.1:{self._process.port}")
        return replace(block, text=text)

    @property
    def variables(self) -> dict[str, str]:
        """Return what whoever asks it has to know."""
        return {"ECHOCLI_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1"}


def problems(block: Block, scratch: Scratch) -> Iterator[str]:
    """Run a block of a shell and yield what is not as the page says."""
    if block.mark("in force below") is not None:
        scratch.configure(block.text)
    elif block.mark("pasted at a prompt") is not None:
        yield from _told(block, scratch.prompt(block.text))
    elif block.language == "sh":
        yield from _told(block, scratch.shell(block.text))
    else:
        for command, shown in commands_of(block.text):
            ran = scratch.shell(command)
            yield from _told(block, ran)
            if block.mark("compared") is not None and not agrees(shown, ran.output):
                yield f"{block.name}: $ {command}\nshows\n{shown}\nbut gives\n{ran.output}"


def commands_of(text: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with what is shown below it."""
    found = []
    for part in _PROMPT.split(text)[1:]:
        lines = part.splitlines()
        count = 1 + sum(1 for _ in _continued(lines))
        found.append(("\n".join(lines[:count]), "\n".join(lines[count:])))
    return found


def agrees(shown: str, output: str) -> bool:
    """Tell whether an output is what a page shows, whatever its figures and spaces."""
    pattern = ""
    for line in shown.rstrip().splitlines():
        pattern += r"(?:.*\n)*?" if line.strip() == "..." else _pattern(line) + r"\n"
    lines = "".join(f"{line.rstrip()}\n" for line in output.rstrip().splitlines())
    return re.fullmatch(pattern, lines) is not None


def _pattern(line: str) -> str:
    """Write a line as a pattern: figures for figures, any space for space, ``…`` for anything."""
    words = []
    for word in line.split():
        parts = re.split(rf"({_FIGURE}|…)", word)
        words.append("".join(_part(part) for part in parts))
    return r"\s*" + r"\s+".join(words)


def _part(part: str) -> str:
    if part == "…":
        return ".*"
    return _FIGURE if re.fullmatch(_FIGURE, part) else re.escape(part)


def _continued(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.endswith("\\"):
            return
        yield line


def _told(block: Block, ran: Ran) -> Iterator[str]:
    expected = int(block.mark("exit") or 0)
    if ran.code != expected or "Traceback" in ran.output:
        yield f"{block.name}: exit code {ran.code}, not {expected}\n{block.text}\n{ran.output}"
