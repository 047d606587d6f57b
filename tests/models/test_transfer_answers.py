"""Servers that are busy, refuse or redirect, and proxies before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.http import Trouble, Web
from echocli.models.partial import Fetched
from tests.models.fetching import DATA, fetching_to
from tests.models.server import Server, redirect, refuse, serving

pytestmark = pytest.mark.network


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as place:
        yield place


@pytest.fixture
def waits() -> list[float]:
    """Seconds that were waited between tries."""
    return []


@pytest.fixture
def fetch(tmp_path: Path, waits: list[float]) -> Callable[..., Fetched]:
    return fetching_to(tmp_path, waits)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(
    server: Server, fetch: Callable[..., Fetched], waits: list[float], status: int
) -> None:
    fetch(server.put("/file", DATA, refuse(status), refuse(status, Retry_After="7")))
    assert waits == [1.0, 7.0]


def test_retry_after_may_be_a_date(
    server: Server, fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    dates = {
        "Retry_After": "Wed, 21 Oct 2015 07:28:09 GMT",
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
    }
    fetch(server.put("/file", DATA, refuse(503, **dates)))
    assert 0 <= waits[0] <= 9


def test_a_server_that_wants_an_hour_is_given_up(
    server: Server, fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    with pytest.raises(ModelError, match="429"):
        fetch(server.put("/file", DATA, refuse(429, Retry_After="3600")))
    assert not waits


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "as its server wants"), (403, "--model"), (404, "check the name")]
)
def test_a_refusal_is_an_error_at_once(
    server: Server, fetch: Callable[..., Fetched], waits: list[float], status: int, hint: str
) -> None:
    with pytest.raises(ModelError, match=str(status)) as caught:
        fetch(server.put("/file", DATA, refuse(status)))
    assert hint in str(caught.value.hint)
    assert not waits


def test_nobody_there_is_an_error_at_once(
    fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:9 cannot be reached") as caught:
        fetch("http://127.0.0.1:9/file")
    assert "from there" not in str(caught.value.hint)  # nothing has come
    assert not waits


def test_the_token_goes_along_on_the_same_server_only(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    with serving() as other:
        away = other.put("/there", DATA)
        server.put("/second", DATA, redirect(away))
        url = server.put("/first", DATA, redirect(f"{server.url}/second", 307))
        fetch(url, Authorization="Bearer secret")
        sent = [asked.headers.get("Authorization") for asked in [*server.asked, *other.asked]]
    assert sent == ["Bearer secret", "Bearer secret", None]


def test_proxies_are_asked_but_not_for_what_they_are_not_for(server: Server) -> None:
    server.put("http://far.invalid/file", DATA)
    proxied = Web(Environment(environ={"HTTP_PROXY": server.url, "no_proxy": ".near.invalid"}))
    with proxied.open("http://far.invalid/file", {}) as answer:
        assert answer.read() == DATA
    with pytest.raises(Trouble, match="cannot be reached"):
        proxied.open("http://a.near.invalid/file", {})


def test_the_password_of_a_proxy_stays_with_it(server: Server) -> None:
    with serving() as other:
        away = other.put("/there", DATA).replace("127.0.0.1", "localhost")
        server.put("http://far.invalid/file", DATA, redirect(away))
        proxy = server.url.replace("http://", "http://me:s3cret@")
        web = Web(Environment(environ={"HTTP_PROXY": proxy, "NO_PROXY": "localhost"}))
        with web.open("http://far.invalid/file", {}) as answer:
            assert answer.read() == DATA
        sent = [asked.headers.get("Proxy-Authorization") for asked in [*server.asked, *other.asked]]
    assert sent[0] is not None
    assert sent[1:] == [None]


def test_a_proxy_keeps_its_password_on_the_way(server: Server) -> None:
    server.put("http://far.invalid/file", DATA, redirect("http://further.invalid/file"))
    server.put("http://further.invalid/file", DATA)
    proxy = server.url.replace("http://", "http://me:s3cret@")
    with Web(Environment(environ={"HTTP_PROXY": proxy})).open("http://far.invalid/file", {}):
        sent = {asked.headers.get("Proxy-Authorization") for asked in server.asked}
    assert len(sent) == 1
    assert None not in sent


def test_one_proxy_may_be_for_everything(server: Server) -> None:
    server.put("http://far.invalid/file", DATA)
    web = Web(Environment(environ={"all_proxy": server.url}))
    with web.open("http://far.invalid/file", {}) as answer:
        assert answer.read() == DATA
    other = Web(Environment(environ={"ALL_PROXY": server.url, "http_proxy": "http://127.0.0.1:9"}))
    with pytest.raises(Trouble, match="cannot be reached"):
        other.open("http://far.invalid/file", {})
