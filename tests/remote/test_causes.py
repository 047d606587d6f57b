"""What is raised instead of a connection, and whether it is worth another try."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    InvalidMessage,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidUpgrade,
    ProxyError,
    SecurityError,
)
from websockets.http11 import Response

from echocli.remote.address import Address
from echocli.remote.causes import WITHOUT, loss_of
from echocli.remote.policy import Loss
from echocli.remote.telling import WRONG_PLACE, hint

pytestmark = pytest.mark.unit


CERTIFICATE = Path(__file__).parents[1] / "server" / "tls" / "certificate.pem"


def found(error: Exception, url: str = "ws://127.0.0.1:9") -> Loss:
    return asyncio.run(loss_of(error, Address.parse(url)))


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def no_tls() -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


OLD = ValueError("unsupported protocol; expected HTTP/1.1: HTTP/1.0 404 \x1bNot found")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (caused(InvalidMessage("no"), OLD), "HTTP/1.0 404 ?Not found"),
        (InvalidUpgrade("Upgrade", "h2c"), "invalid Upgrade header: h2c"),
        (SecurityError("more than 10 redirects"), "more than 10 redirects"),
    ],
)
def test_what_shakes_no_hands_is_another_server(error: Exception, said: str) -> None:
    loss = found(error)
    assert loss.fatal
    assert loss.reason == f"another server answers there: {said}"
    assert hint(loss) == WRONG_PLACE


def test_a_server_without_tls_is_known_and_where_it_may_be() -> None:
    for error in (no_tls(), caused(OSError("wrapped"), no_tls())):
        loss = found(error, "wss://127.0.0.1:9")
        assert loss.fatal
        assert "speaks no TLS" in loss.reason
        assert hint(loss) == "perhaps it is at ws://127.0.0.1:9"


SILENT = caused(InvalidMessage("no"), EOFError("connection closed while reading"))


def test_one_that_hangs_up_may_be_about_to_start() -> None:
    assert not found(SILENT).fatal
    assert not found(SILENT, "wss://127.0.0.1:9").fatal


def test_one_that_hangs_up_and_speaks_tls_is_named_with_that() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("key.pem"))

    async def ask() -> Loss:
        server = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await loss_of(SILENT, Address.parse(f"ws://127.0.0.1:{port}"))

    loss = asyncio.run(ask())
    assert loss.fatal
    assert "TLS only" in loss.reason
    assert (hint(loss) or "").startswith("perhaps it is at wss://127.0.0.1:")


@pytest.mark.parametrize(
    ("error", "fatal"),
    [
        (InvalidProxy("ftp://proxy", "scheme ftp isn't supported"), True),
        (InvalidProxyStatus(Response(407, "Login", Headers())), True),
        (InvalidProxyStatus(Response(503, "Busy", Headers())), False),
        (caused(ProxyError("no"), ConnectionRefusedError(111, "refused")), False),
    ],
)
def test_a_proxy_that_is_in_the_way_is_told_from_the_server(error: Exception, fatal: bool) -> None:
    loss = found(error)
    assert loss.fatal is fatal
    assert "proxy" in loss.reason
    assert hint(loss) == WITHOUT


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(104, "reset"), OSError()])
def test_what_the_network_does_may_be_over_soon(error: Exception) -> None:
    assert not found(error).fatal


@pytest.mark.parametrize("error", [UnicodeError("label"), OverflowError("inf"), KeyError("x")])
def test_what_nobody_foresaw_is_final_and_named(error: Exception) -> None:
    loss = found(error)
    assert loss.fatal
    assert type(error).__name__ in loss.reason
    assert "defect" in (hint(loss) or "")
