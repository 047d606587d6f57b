"""A hub on this machine with the model base, and pulls from it with little patience."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from echocli.environment import Environment
from echocli.models import catalog
from echocli.models.found import Found
from echocli.models.http import Waiting, Web
from echocli.models.identity import digest
from echocli.models.pull import pull
from echocli.models.store import Store
from tests.models.server import Server, serving
from tests.models.weightfiles import make_weights

REPO = catalog.get("base").repo
AWAY = "http://127.0.0.1:9"
FILES = {
    "model.bin": make_weights("weights"),
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
}
NEW = {**FILES, "model.bin": make_weights("better!")}


@contextmanager
def a_hub() -> Iterator[Server]:
    """Serve the model base at revision ``a`` × 40."""
    with serving() as server:
        server.put_model(REPO, FILES)
        yield server


def environment(home: Path, endpoint: str, **more: str) -> Environment:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    places = {"ECHOCLI_DATA_DIR": str(home / "data"), "HF_HOME": str(home / "hf")}
    return Environment(environ={**kept, **places, "HF_ENDPOINT": endpoint, "NO_PROXY": "*", **more})


def bring(home: Path, endpoint: str, name: str = "base", **wanted: Any) -> Found:
    """Pull with little patience."""
    env = environment(home, endpoint)
    waits: list[float] = []
    web = Web(env, waiting=Waiting(patience_s=0.3, sleep=waits.append))
    return pull(Store(env), env, name, web=web, **wanted)


def stored(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "data/models").iterdir())


def weights_asked(server: Server) -> int:
    return sum("model.bin" in asked.path for asked in server.asked)


def damage(found: Found) -> None:
    """Change the weights, not their size, and check them, as ``models verify`` does."""
    found.weights.write_bytes(b"x" * found.bytes)
    digest(found.weights, found.path.parent)
