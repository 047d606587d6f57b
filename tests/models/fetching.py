"""Downloads of one file from a server on this machine, with little patience."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from echocli.environment import Environment
from echocli.models.http import Waiting, Web
from echocli.models.partial import Fetched, Wanted
from echocli.models.transfer import download

DATA = bytes(range(256)) * 400
SHA256 = hashlib.sha256(DATA).hexdigest()
WHOLE = Wanted(len(DATA), SHA256)


def ignore(done: int, total: int | None) -> None: ...


def fetching_to(directory: Path, waits: list[float]) -> Callable[..., Fetched]:
    """Return ``fetch(url, wanted, **headers)``; the seconds between its tries go to ``waits``."""
    web = Web(
        Environment(environ={"NO_PROXY": "*"}),
        waiting=Waiting(patience_s=0.3, sleep=waits.append),
    )

    def fetch(url: str, wanted: Wanted = WHOLE, **headers: str) -> Fetched:
        return download(
            web,
            url,
            directory / "file.bin",
            wanted=wanted,
            progress=ignore,
            headers=headers,
        )

    return fetch


def left(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
