"""One HTTP exchange with the server: a file out, its answer in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, cast

from echocli.remote.address import Address
from echocli.remote.answer import Problem, problem_in, problem_of
from echocli.remote.causes import with_tls_only, without_tls
from echocli.remote.policy import Loss, parse_retry_after
from echocli.remote.telling import UNTRUSTED, WRONG_PLACE, answered, reason, untrusted
from echocli.remote.upload import Upload
from echocli.wire.codes import Malformed
from echocli.wire.messages import parse_json

if TYPE_CHECKING:
    import httpx2

LONGEST_EVENT = 16 * 2**20
"""Bytes of an event at most; the last one holds the whole text, 1 MB for a day of speech."""

LONGEST_BODY = 2**20
"""Bytes that are read at most of an answer that is no stream: it says in a line what it has to."""

HEALTH = 2.0
"""Seconds between two signs of life of a server that is asked who serves, while text comes."""


class Failed(Exception):
    """A try that came to nothing."""

    def __init__(self, problem: Problem, loss: Loss) -> None:
        super().__init__(problem.message)
        self.problem, self.loss = problem, loss


def not_understood(why: str) -> Failed:
    """Return a failure of an answer that is not as documented, now and the next time."""
    said = f"its answer is not understood: {why}"
    return Failed(Problem(said, blames_us=True, advice=WRONG_PLACE), Loss(said))


def send(
    client: httpx2.Client,
    address: Address,
    path: str,
    form: dict[str, Any],
    upload: Upload,
    name: str,
) -> Iterator[dict[str, Any]]:
    """Send a file and yield what the server says; raises :class:`Failed`."""
    import httpx2

    upload.seek(0)
    files = {"file": (name, cast(IO[bytes], upload))}
    url, there = address.http_url(path), False
    try:
        with client.stream("POST", url, data=form, files=files) as response:
            there = True
            if response.status_code != 200 or not _is_stream(response):
                raise _refused(response)
            yield from _told(response)
    except httpx2.SSEError as error:
        raise not_understood(f"an event has more than {LONGEST_EVENT >> 20} MB") from error
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise _broken(error, address, there=there) from error


def health(client: httpx2.Client, address: Address, patience: float = HEALTH) -> dict[str, Any]:
    """Return what the server says of itself; nothing where it says nothing."""
    import httpx2

    try:
        with client.stream("GET", address.http_url("/health"), timeout=patience) as response:
            found = parse_json(_body(response) or "")
    except (httpx2.HTTPError, httpx2.StreamError, Malformed):
        return {}
    return found if isinstance(found, dict) else {}


def _broken(error: Exception, address: Address, *, there: bool) -> Failed:
    """Return a failure of the connection; ``there`` where an answer had begun to come."""
    import httpx2

    hung_up = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
    loss = without_tls(error, address)
    if loss is None and not there and isinstance(error, hung_up):
        loss = with_tls_only(address)
    if loss is None:
        known = untrusted(error)
        loss = Loss(reason(error), untrusted=known, hint=UNTRUSTED if known else None)
    no_connection = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
    nobody = no_connection or loss.foreign or isinstance(error, httpx2.ProxyError)
    return Failed(Problem(loss.reason, unreached=nobody, advice=loss.hint), loss)


def _refused(response: httpx2.Response) -> Failed:
    """Return a failure of a response that is no stream of events."""
    body = _body(response)
    status, reason = response.status_code, response.reason_phrase
    problem = problem_in(body or "", status, reason)
    if body is None:
        more = f"{problem.message}, with an answer of more than {LONGEST_BODY >> 20} MB"
        problem = replace(problem, message=more)
    after = parse_retry_after(response.headers.get("Retry-After"), time.time())
    loss = answered(problem.message, status, after)
    return Failed(replace(problem, message=loss.said), loss)


def _body(response: httpx2.Response) -> str | None:
    """Return a body as text; ``None`` for one that is too long, of which the rest is not read."""
    data = bytearray()
    for piece in response.iter_bytes():
        data += piece
        if len(data) > LONGEST_BODY:
            return None
    return data.decode(errors="replace")


def _is_stream(response: httpx2.Response) -> bool:
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"


def _told(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """Yield the messages of a stream; one that says what went wrong raises :class:`Failed`."""
    import httpx2

    response.encoding = "utf-8"  # of every stream of events, whatever its header says
    for event in httpx2.EventSource(response, max_event_size=LONGEST_EVENT):
        if event.data == "[DONE]":
            return
        message = _message(event.data)
        if (problem := problem_of(message)) is not None:
            raise Failed(problem, Loss(problem.message))
        yield message


def _message(text: str) -> dict[str, Any]:
    try:
        message = parse_json(text)
    except Malformed as error:
        raise not_understood(str(error)) from error
    if not isinstance(message, dict):
        raise not_understood("a message is no object")
    return message
