"""Fixtures for tests that run the real server as a process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from echocli.bench.accuracy import Errors, score
from echocli.types import SAMPLE_RATE
from tests.cli.conftest import start_echocli as start_echocli  # a fixture of theirs
from tests.conftest import RunEchocli
from tests.server.material import Talk
from tests.server.process import ServerProcess

TINY = ("-m", "tiny.en", "--language", "en")
"""Options of what all of these tests decode with."""

StartServer: TypeAlias = Callable[..., ServerProcess]
"""Type of the fixture :func:`start_server`."""


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Return ``start(*options, env=None) -> ServerProcess``; all of them end with the test."""
    made: list[ServerProcess] = []

    def start(*options: str | Path, **more: object) -> ServerProcess:
        made.append(ServerProcess(tmp_path, *options, **more))  # type: ignore[arg-type]
        made[-1].start()
        return made[-1]

    yield start
    for server in made:
        server.close()


Alone: TypeAlias = Callable[[Talk], str]
"""Type of the fixture :func:`alone`."""


@pytest.fixture
def alone(run_echocli: RunEchocli, tmp_path: Path) -> Alone:
    """Return ``alone(talk) -> str``: what the live mode hears when nothing else goes on."""
    import soundfile

    def hear(talk: Talk) -> str:
        path = tmp_path / f"{talk.name}.wav"
        soundfile.write(path, talk.pcm, SAMPLE_RATE, subtype="PCM_16")
        done = run_echocli("live", "--file", path, *TINY, "-f", "jsonl", "--quiet")
        assert done.code == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return " ".join(one["text"].strip() for one in events if one["type"] == "final")

    return hear


def errors(reference: str, heard: str) -> Errors:
    """Count the words of ``heard`` that are not those of ``reference``."""
    counted = score(reference, heard, "en").words
    assert counted is not None
    return counted
