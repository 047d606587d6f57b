"""Keep measurements: one small JSON file, entries by machine, versions and way of running.

A file that cannot be read counts as none; one that cannot be written costs the next run two
seconds and no more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from echocli.capability.advice import Recommendation
from echocli.capability.measure import Work
from echocli.capability.measure_predict import SHAPES
from echocli.capability.profile import Profile
from echocli.environment import APP, Environment
from echocli.kept import read_entries, versions, write_entries

FILE = "measurements.json"
SCHEMA = "echocli/measurements/1"
MOST = 16
"""Entries kept, the newest."""


def directory(environment: Environment) -> Path:
    """Return where it is kept: ``ECHOCLI_CACHE_DIR``, beside data that was moved, or the cache."""
    if given := environment.environ.get("ECHOCLI_CACHE_DIR"):
        return Path(given)
    if environment.environ.get("ECHOCLI_DATA_DIR"):
        return environment.data_dir / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_path(APP, appauthor=False))


def key(profile: Profile, advice: Recommendation) -> str:
    """Return a digest of everything that a measurement holds for."""
    gpus = [(gpu.index, gpu.name, gpu.memory) for gpu in profile.cuda]
    machine = (profile.system, profile.machine, profile.cpu, profile.instruction_sets)
    room = (profile.allowed_cores, profile.memory_allowed // 2**20, gpus)
    how = (advice.provider, advice.device, advice.compute_type, advice.slots, advice.threads)
    return sha256(json.dumps([machine, room, how, versions()]).encode()).hexdigest()[:32]


def load(folder: Path, name: str) -> dict[str, Work] | None:
    """Return the costs kept under a key by kind of model, or ``None``."""
    try:
        costs = {kind: _work(values) for kind, values in _entries(folder)[name].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return costs if costs and costs.keys() <= SHAPES.keys() else None


def save(folder: Path, name: str, costs: Mapping[str, Work]) -> None:
    """Keep costs under a key; raises ``OSError`` where nothing can be written."""
    entries = _entries(folder)
    entries.pop(name, None)
    entries[name] = {kind: asdict(work) for kind, work in costs.items()}
    newest = dict(list(entries.items())[-MOST:])
    write_entries(folder / FILE, SCHEMA, newest)


def _entries(folder: Path) -> dict[str, Any]:
    entries = read_entries(folder / FILE, SCHEMA)
    return entries if isinstance(entries, dict) else {}


def _work(values: Mapping[str, object]) -> Work:
    """Read costs; raise ``ValueError`` for what no measurement gives."""
    numbers = {field.name: float(str(values[field.name])) for field in fields(Work)}
    if not all(math.isfinite(n) and n >= 0 for n in numbers.values()) or not any(numbers.values()):
        raise ValueError("no costs")
    return Work(**numbers)
