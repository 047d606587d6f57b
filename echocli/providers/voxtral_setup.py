"""Where the program voxtral and its weights are, what is missing, and how to get it."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "voxtral"
VARIABLE = "ECHOCLI_VOXTRAL_BINARY"

WEIGHTS = "consolidated.safetensors"
FILES = (WEIGHTS, "tekken.json")
"""What the program opens (``main.c``, ``voxtral.c``); the params.json beside them is not read."""

_LONGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors format

INSTALL = (
    "git clone https://github.com/antirez/voxtral.c && cd voxtral.c && "
    f"make {'mps' if sys.platform == 'darwin' else 'blas'}"
)
"""Commands that build the program; ``make blas`` needs OpenBLAS on Linux (libopenblas-dev)."""

DOWNLOAD = "./download_model.sh"
"""Command, where the program was built, that downloads the weights: 8.9 GB."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What keeps the provider from working, and the next step."""

    what: str
    step: str


def find_program(program: str = "", environ: Mapping[str, str] | None = None) -> str | None:
    """Return the executable: the given one, that of the variable, or one on the PATH."""
    environ = os.environ if environ is None else environ
    wanted = program or environ.get(VARIABLE) or PROGRAM
    found = shutil.which(os.path.expanduser(wanted), path=environ.get("PATH"))  # noqa: PTH111
    return found and os.path.abspath(found)  # noqa: PTH100


def doctor(program: str, model_dir: str | Path) -> list[Missing]:
    """Return what is missing, in the order in which it is to be done; nothing if all is there.

    An empty ``program`` is looked for, see :func:`find_program`.
    """
    return [*_without_program(program), *_without_model(Path(model_dir))]


def _without_program(program: str) -> list[Missing]:
    if find_program(program) is not None:
        return []
    wanted = program or os.environ.get(VARIABLE, "")
    step = f"build it: {INSTALL}; then set {VARIABLE}, or voxtral_binary, to its path"
    if not wanted:
        return [Missing(f"there is no program '{PROGRAM}' on the PATH", step)]
    path = Path(wanted)
    if path.is_dir():
        return [Missing(f"{path} is a directory, not the program", f"give {path / PROGRAM}")]
    if path.exists():
        return [Missing(f"{path} cannot be executed", f"chmod +x {path}")]
    return [Missing(f"there is no program {path}", step)]


def _without_model(directory: Path) -> list[Missing]:
    step = f"{DOWNLOAD} in the folder of voxtral.c (8.9 GB); then --model FOLDER or voxtral_model"
    if not directory.is_dir():
        what = "is no directory" if directory.exists() else "does not exist"
        return [Missing(f"the model directory {directory} {what}", step)]
    absent = [name for name in FILES if not (directory / name).is_file()]
    if absent:
        return [Missing(f"{directory} holds no {' and no '.join(absent)}", step)]
    broken = _broken(directory / WEIGHTS)
    return [Missing(broken, f"delete it and download it again: {step}")] if broken else []


def _broken(path: Path) -> str:
    """Tell what is wrong with a file of weights, as far as its length and header say.

    The program maps the file into memory, and dies without a word where it ends too early. A file
    is eight bytes of length, a JSON header, then tensors (safetensors format).
    """
    try:
        needed = _bytes_needed(path)
        held = path.stat().st_size
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except (ValueError, TypeError, KeyError, AttributeError, struct.error):
        return f"{path} is no file of weights"
    return "" if held >= needed else f"{path} is not whole: {held:,} of {needed:,} bytes"


def _bytes_needed(path: Path) -> int:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if not 2 <= length <= _LONGEST_HEADER:
            raise ValueError(length)
        text = file.read(length)
    if len(text) < length:
        return 8 + int(length)
    tensors = json.loads(text)
    ends = [one["data_offsets"][1] for name, one in tensors.items() if name != "__metadata__"]
    return 8 + int(length) + max(ends, default=0)
