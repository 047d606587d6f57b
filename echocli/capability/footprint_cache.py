"""Keep what workers took at most: one small JSON file beside the measurements of speed.

A file that cannot be read counts as none, an entry that makes no sense too; one of another version
of this program or of its libraries is replaced by the next run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from echocli.capability.footprint import Demand
from echocli.kept import read_entries, versions, write_entries

FILE = "footprints.json"
SCHEMA = "echocli/footprints/1"
MOST = 64
"""Entries kept, the newest."""


def load(folder: Path) -> dict[Demand, float]:
    """Return the highest resident memory of workers in MB, as measured with these versions."""
    current = versions()
    found: dict[Demand, float] = {}
    for entry in _entries(folder):
        with suppress(KeyError, TypeError, ValueError):
            if entry["versions"] == current:
                found[_demand(entry["demand"])] = _megabytes(entry["mb"])
    return found


def known(folder: Path, demand: Demand) -> float | None:
    """Return what a worker took at most, in MB, or ``None``."""
    return load(folder).get(demand)


def note(folder: Path, demand: Demand, megabytes: float) -> None:
    """Keep what a worker took if it is more than ever.

    Zero means that it could not be measured, and changes nothing. Raises ``OSError`` where nothing
    can be written.
    """
    if not math.isfinite(megabytes) or megabytes <= (known(folder, demand) or 0.0):
        return
    key = asdict(demand)
    kept = [entry for entry in _entries(folder) if entry.get("demand") != key]
    kept.append({"demand": key, "mb": round(megabytes, 1), "versions": versions()})
    write_entries(folder / FILE, SCHEMA, kept[-MOST:])


def _entries(folder: Path) -> list[dict[str, Any]]:
    entries = read_entries(folder / FILE, SCHEMA)
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _demand(values: Mapping[str, Any]) -> Demand:
    """Read what was measured; raise ``TypeError`` for values of another kind."""
    others = {"slots": int, "weights": int, "mkl": bool}
    for field in fields(Demand):
        if type(values[field.name]) is not others.get(field.name, str):
            raise TypeError(field.name)
    return Demand(**{field.name: values[field.name] for field in fields(Demand)})


def _megabytes(value: object) -> float:
    """Read a size; raise ``ValueError`` for what no worker takes."""
    if type(value) not in (int, float) or not 0 < float(str(value)) < math.inf:
        raise ValueError("no size")
    return float(str(value))
