"""Fixtures for tests that run the real server as a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from echocli.bench.accuracy import Errors, score
from tests.cli.conftest import start_echocli as start_echocli  # a fixture of theirs
from tests.server.clients import LiveClient, play
from tests.server.material import Talk
from tests.server.process import ServerProcess
from tests.waiting import PATIENCE

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


@pytest.fixture(scope="module")
def tiny_server(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Iterator[ServerProcess]:
    """Return a server that is ready, the same one for all tests of a module."""
    server = ServerProcess(tmp_path_factory.mktemp("served"), *TINY)
    try:
        server.start()
        server.wait_ready()
        yield server
    finally:
        server.close()


def alone(server: ServerProcess, talk: Talk) -> str:
    """Return what a session hears when nothing else goes on, as fast as it is decoded."""
    (account,) = play([LiveClient(lambda: server.port, {"mic": talk.pcm}, speed=50.0)], PATIENCE)
    assert account.over
    assert account.faults == []
    assert account.received == account.final == {"mic": len(talk.pcm)}
    return account.text()


def errors(reference: str, heard: str) -> Errors:
    """Count the words of ``heard`` that are not those of ``reference``."""
    counted = score(reference, heard, "en").words
    assert counted is not None
    return counted
