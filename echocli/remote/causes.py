"""What was raised instead of a connection, or on one, as a loss: why, and whether it stays so."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from echocli.remote import telling
from echocli.remote.address import Address
from echocli.remote.policy import Loss, is_passing, parse_retry_after

HTTP = 80
"""Where a server without TLS listens unless its address says otherwise."""

PATIENCE = 5.0
"""Seconds for a handshake that only tells which kind of server is there."""

WITHOUT = "to go without the proxy, name the host in NO_PROXY"

_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
"""What OpenSSL calls an answer that is no TLS."""

_log = logging.getLogger("echocli")


async def loss_of(error: Exception, address: Address) -> Loss:
    """Return an error of a connection to a server as a loss; what nobody foresaw is final."""
    from websockets.exceptions import (
        InvalidHandshake,
        InvalidMessage,
        InvalidProxy,
        InvalidStatus,
        InvalidURI,
        ProxyError,
        WebSocketException,
    )

    match error:
        case InvalidStatus():
            response = error.response
            after = parse_retry_after(response.headers.get("Retry-After"), time.time())
            said = f"HTTP {response.status_code} {response.reason_phrase}".rstrip()
            return telling.answered(said, response.status_code, after)
        case InvalidURI():  # our own address is known to be right
            return _other(f"it sends us to {error.uri}")
        case InvalidProxy():
            return Loss(f"the proxy that is set: {error.msg}", hopeless=True, hint=WITHOUT)
        case ProxyError():
            return _of_proxy(error)
        case InvalidMessage() if isinstance(error.__cause__, EOFError):
            return await asyncio.to_thread(with_tls_only, address) or Loss(
                "it hangs up without an answer"
            )
        case InvalidMessage():
            return _other(_answer(str(error.__cause__ or error)))
        case InvalidHandshake():  # it sends us in circles, or does not know how to shake hands
            return _other(str(error))
        case OSError() | WebSocketException():
            return without_tls(error, address) or Loss(
                telling.reason(error), untrusted=telling.untrusted(error)
            )
        case _:
            _log.debug("the connection failed", exc_info=error)
            said = f"unexpected {type(error).__name__}: {error}"
            return Loss(said, hopeless=True, hint="this is a defect; report it")


def without_tls(error: BaseException, address: Address) -> Loss | None:
    """Return the loss of a server that answers without TLS where it is asked with."""
    if not any(isinstance(one, ssl.SSLError) and one.reason in _NO_TLS for one in _chain(error)):
        return None
    return _elsewhere("it speaks no TLS", address)


def with_tls_only(address: Address) -> Loss | None:
    """Return the loss of a server that hung up on a request because it wants TLS, if it does."""
    if not address.secure and _speaks_tls(address):
        return _elsewhere("it speaks TLS only", address)
    return None


def _speaks_tls(address: Address) -> bool:
    """Tell whether TLS is spoken there, whoever has signed the certificate."""
    url = urlsplit(address.counterpart)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((url.hostname, url.port or HTTP), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=url.hostname),
        ):
            return True
    except OSError:
        return False


def _other(said: str) -> Loss:
    return Loss(f"{telling.OTHER}: {said}", foreign=True)


def _elsewhere(said: str, address: Address) -> Loss:
    return replace(_other(said), hint=f"perhaps it is at {address.counterpart}")


def _of_proxy(error: Exception) -> Loss:
    """Return the loss of a proxy that refuses, or cannot be reached itself."""
    response = getattr(error, "response", None)
    lasting = response is not None and not is_passing(response.status_code)
    said = telling.reason(error) if response is None else f"HTTP {response.status_code}"
    return Loss(f"the proxy that is set: {said}", hopeless=lasting, hint=WITHOUT)


def _answer(complaint: str) -> str:
    """Return what came instead of an answer: the library quotes it behind what it expected."""
    said = complaint.partition(": ")[2] or complaint
    return "".join(char if char.isprintable() else "?" for char in said)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
