"""One HTTP exchange with the server: a file out, its answer in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, cast

from echocli.remote.address import Address
from echocli.remote.answer import Problem, problem_in
from echocli.remote.causes import with_tls_only, without_tls
from echocli.remote.policy import Loss, parse_retry_after
from echocli.remote.telling import UNTRUSTED, answered, reason, untrusted
from echocli.remote.upload import Upload

if TYPE_CHECKING:
    import httpx2


class Failed(Exception):
    """A try that came to nothing."""

    def __init__(self, problem: Problem, loss: Loss) -> None:
        super().__init__(problem.message)
        self.problem, self.loss = problem, loss


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
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise _broken(error, address, there=there) from error


def health(client: httpx2.Client, address: Address) -> dict[str, Any]:
    """Return what the server says of itself; nothing where it says nothing."""
    import httpx2

    try:
        found = client.get(address.http_url("/health")).json()
    except (httpx2.HTTPError, ValueError):
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
    body = response.read()[:1_000_000].decode(errors="replace")
    status, reason = response.status_code, response.reason_phrase
    problem = problem_in(body, status, reason)
    assert problem is not None
    after = parse_retry_after(response.headers.get("Retry-After"), time.time())
    loss = answered(problem.message, status, after)
    return Failed(replace(problem, message=loss.said), loss)


def _is_stream(response: httpx2.Response) -> bool:
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"


def _told(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """Yield the messages of a stream; one that says what went wrong raises :class:`Failed`."""
    import httpx2

    for event in httpx2.EventSource(response):
        if event.data == "[DONE]":
            return
        if (problem := problem_in(event.data, None)) is not None:
            raise Failed(problem, Loss(problem.message))
        try:
            message = json.loads(event.data)
        except ValueError as error:
            raise Failed(Problem("its answer is no JSON"), Loss("no JSON")) from error
        if isinstance(message, dict):
            yield message
