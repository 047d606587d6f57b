"""What the tests of voxtral share: a program to run, weights that look whole, sound."""

from __future__ import annotations

import json
import shlex
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from echocli.providers.base import LoadSpec, Window
from echocli.providers.voxtral import Voxtral
from echocli.providers.voxtral_process import Limits
from echocli.types import SAMPLE_RATE, Samples
from tests.providers.voxtral_standin import spoken

STANDIN = Path(__file__).with_name("voxtral_standin.py")

IMPATIENT = Limits(load=5.0, stall=0.5, grace=0.3)

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def weights(folder: Path) -> Path:
    """Make a model directory that is whole."""
    folder.mkdir(exist_ok=True)
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    data = struct.pack("<Q", len(header)) + header + bytes(4)
    (folder / "consolidated.safetensors").write_bytes(data)
    (folder / "tekken.json").write_text("{}")
    return folder


def program(folder: Path, **script: Any) -> Path:
    """Make a program that plays a script."""
    path = folder / "script.json"
    path.write_text(json.dumps({"words": NUMBERS, **script}))
    command = shlex.join([sys.executable, "-I", "-S", str(STANDIN), str(path)])
    executable = folder / "voxtral"
    executable.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    executable.chmod(0o755)
    return executable


class Stage:
    """A provider with its program, and what the program wrote down."""

    def __init__(self, folder: Path, **script: Any) -> None:
        self.spec = LoadSpec(
            "voxtral",
            "voxtral",
            str(weights(folder / "model")),
            "metal",
            program=str(program(folder, **script)),
        )
        self._log = folder / "script.log"
        self.provider = Voxtral(self.spec, IMPATIENT)

    @property
    def log(self) -> list[dict[str, Any]]:
        """What each run wrote down, in order."""
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    @property
    def runs(self) -> int:
        """How often the program was started."""
        return sum(line["what"] == "start" for line in self.log)


Play = Callable[..., Stage]


def sound(*numbers: int, gap: float = 0.1, last: float = 0.2) -> Samples:
    """Return sound in which the stand-in hears words by their number, from one on."""
    return np.array(spoken(*numbers, gap=gap, last=last), np.float32)


def window(number: int, start: float, samples: Samples, *, more: bool = False) -> Window:
    """Return a window; ``more`` says that it goes on."""
    return Window(number, round(start * SAMPLE_RATE), samples, goes_on=more)
