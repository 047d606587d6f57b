"""Small JSON files of the cache directory: read whole, replaced whole.

A file that cannot be read, or is not of the schema, counts as none.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from echocli import __version__

LIBRARIES = ("faster-whisper", "ctranslate2", "pywhispercpp")
"""What a measurement depends on besides this program."""


def read_entries(path: Path, schema: str) -> Any:
    """Return the entries of a file, ``None`` where there are none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(found, dict) and found.get("schema") == schema
    return found.get("entries") if ours else None


def write_entries(path: Path, schema: str, entries: object) -> None:
    """Replace a file at once; raises ``OSError`` where nothing can be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w",
        encoding="utf-8",
        dir=path.parent,
        prefix=f".{path.name}.",
        suffix=".part",
        delete=False,
    ) as file:
        try:
            json.dump({"schema": schema, "entries": entries}, file)
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def versions() -> list[str | None]:
    """Return the versions of this program and of the libraries; ``None`` is not installed."""
    return [__version__, *map(_version, LIBRARIES)]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
