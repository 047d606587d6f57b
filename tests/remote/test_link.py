"""The thread that talks to the server, where something goes wrong that nobody foresaw."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest

from echocli.clock import SystemClock
from echocli.errors import ProviderError
from echocli.remote.address import Address
from echocli.remote.core import Core
from echocli.remote.link import Link
from echocli.remote.outbox import to_pcm
from echocli.remote.policy import Loss, Policy
from echocli.remote.spool import Spool
from tests.remote.fake import Fake, running, speech
from tests.remote.test_files import Answers, serving

pytestmark = [pytest.mark.unit, pytest.mark.network]


class FailsToHear(Core):
    def received(self, data: str | bytes, now: float) -> None:
        raise OverflowError(f"{type(data).__name__} at {now > 0}")


class FailsToSend(Core):
    def next_frame(self) -> bytes | None:
        raise RuntimeError("no frame")


class FailsToLose(Core):
    def lost(self, loss: Loss, now: float) -> None:
        raise LookupError(f"{loss.reason} at {now > 0}")


class Hangs(Core):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.hangs, self.goes_on = threading.Event(), threading.Event()

    def tick(self, now: float) -> None:
        self.hangs.set()
        self.goes_on.wait(60)
        super().tick(now)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(10**6, tmp_path)
    yield spool
    spool.close()


def run(kind: type[Core], spool: Spool, url: str) -> tuple[Core, Link]:
    """Send three seconds, and return core and link once the thread has ended by itself."""
    core, ended = kind(("mic",), "host", Policy(lambda: 0.5), spool), threading.Event()
    core.captured(0, to_pcm(speech(1, 3)))
    core.over(0)
    address = Address.parse(url)
    link = Link(core, address, SystemClock(), lambda _: None, lambda _: None, ended.set)
    link.start()
    try:
        assert ended.wait(20), "it hangs"
    finally:
        link.close()
    return core, link


@pytest.mark.parametrize(
    ("kind", "said"),
    [(FailsToHear, "OverflowError: str at True"), (FailsToSend, "RuntimeError: no frame")],
)
def test_a_defect_on_a_connection_ends_it_for_good_and_is_said(
    kind: type[Core], said: str, spool: Spool
) -> None:
    fake = Fake()
    with running(fake) as port:
        core, link = run(kind, spool, f"ws://127.0.0.1:{port}")
    assert core.failure is not None
    assert core.failure.fatal
    assert said in core.failure.reason
    assert link.error is None
    assert fake.connections == 1


@pytest.mark.parametrize(
    ("scheme", "said"), [("ws", "HTTP/1.0 503 Service Unavailable"), ("wss", "it speaks no TLS")]
)
def test_a_server_of_plain_files_is_known_by_its_answer_and_not_asked_again(
    scheme: str, said: str, spool: Spool
) -> None:
    with serving(Answers([])) as url:
        core, _ = run(Core, spool, url.replace("http", scheme))
    assert core.failure is not None
    assert core.failure.fatal
    assert core.failure.reason == f"another server answers there: {said}"


@pytest.mark.skipif(find_spec("python_socks") is not None, reason="python-socks is installed")
def test_a_proxy_that_needs_a_library_ends_it_as_a_missing_library_does(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ws_proxy", "socks5://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    _, link = run(Core, spool, "ws://127.0.0.1:9")
    assert isinstance(link.error, ProviderError)
    assert "NO_PROXY" in (link.error.hint or "")


def test_a_defect_behind_a_connection_ends_the_thread_with_it(spool: Spool) -> None:
    _, link = run(FailsToLose, spool, "ws://127.0.0.1:9")
    assert isinstance(link.error, LookupError)


def test_who_never_stops_telling_the_core_something_does_not_hold_up_the_connection(
    spool: Spool,
) -> None:
    told = 0

    def tell(_: float) -> None:
        """Post the next thing, as a pipe does that is written at once."""
        nonlocal told
        told += 1
        if core.failure is None and told < 100_000:
            link.post(tell)

    fake = Fake()
    fake.refuse = lambda _: (404, {})
    with running(fake) as port:
        core, ended = Core(("mic",), "host", Policy(lambda: 0.5), spool), threading.Event()
        address = Address.parse(f"ws://127.0.0.1:{port}")
        link = Link(core, address, SystemClock(), lambda _: None, lambda _: None, ended.set)
        core.captured(0, to_pcm(speech(1, 3)))
        core.over(0)
        link.post(tell)
        link.start()
        assert ended.wait(20)
        link.close()
    assert core.failure is not None
    assert "404" in core.failure.reason
    assert told < 100_000


def test_a_thread_that_hangs_is_not_waited_for(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echocli.remote.link.ENDING", 0.05)
    core, ended = Hangs(("mic",), "host", Policy(lambda: 0.5), spool), threading.Event()
    address = Address.parse("ws://127.0.0.1:9")
    link = Link(core, address, SystemClock(), lambda _: None, lambda _: None, ended.set)
    link.start()
    assert core.hangs.wait(60)
    link.close()
    assert not ended.is_set()
    core.goes_on.set()
    assert ended.wait(60)
    link.close()
    assert link.error is None


def test_a_resolver_that_does_not_answer_holds_up_no_end(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers, answered = threading.Event(), threading.Event(), threading.Event()

    def resolve(*_: Any, **__: Any) -> NoReturn:
        asked.set()
        answers.wait(20)
        answered.set()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    core, ended = Core(("mic",), "host", Policy(lambda: 0.5), spool), threading.Event()
    address = Address.parse("ws://nowhere.test:8765")
    link = Link(core, address, SystemClock(), lambda _: None, lambda _: None, ended.set)
    link.start()
    assert asked.wait(60)
    link.close()
    try:
        assert ended.is_set()
        assert not answered.is_set()
    finally:
        answers.set()
    assert link.error is None
