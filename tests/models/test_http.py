"""Which hosts are asked directly, and answers that are no JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.environment import Environment
from echocli.models.http import Trouble, Waiting, Web, is_direct
from tests.models.server import hang_up, redirect, refuse, serving, silence

hosts = st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){0,2}", fullmatch=True)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("host", "listed", "direct"),
    [
        ("hub.example", "", False),
        ("hub.example", "*", True),
        ("hub.example", "other, hub.example", True),
        ("hub.example:8080", "hub.example", True),
        ("hub.example:8080", "hub.example:8080", True),
        ("hub.example:8080", "hub.example:80", False),
        ("a.hub.example", "hub.example", True),
        ("a.hub.example", ".hub.example", True),
        ("ahub.example", "hub.example", False),
        ("HUB.example", "hub.EXAMPLE", True),
    ],
)
def test_no_proxy_names_hosts_and_domains(host: str, listed: str, direct: bool) -> None:
    assert is_direct(host, listed) is direct


@pytest.mark.unit
@given(host=hosts, others=st.lists(hosts))
def test_a_listed_host_is_direct_among_any_others(host: str, others: list[str]) -> None:
    assert is_direct(host, ",".join([*others, host]))
    assert is_direct(f"deeper.{host}", ",".join([host, *others]))


@pytest.mark.unit
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_another_kind_is_named(variable: str) -> None:
    web = Web(Environment(environ={variable: "socks5://127.0.0.1:9"}))
    with pytest.raises(Trouble, match="socks5 one, and only HTTP proxies"):
        web.open("http://far.invalid/file", {})


@pytest.mark.unit
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_that_are_missing_are_named(variable: str) -> None:
    web = Web(Environment(environ={variable: "/no/such.pem"}))
    with pytest.raises(Trouble, match=rf"{variable} cannot be read: /no/such\.pem"):
        web.open("https://far.invalid/file", {})


@pytest.mark.network
class TestJson:
    def test_a_busy_server_is_asked_again(self) -> None:
        waits: list[float] = []
        web = Web(Environment(environ={}), waiting=Waiting(sleep=waits.append))
        with serving() as server:
            url = server.put("/info", b'{"a": 1}', refuse(500), refuse(429, Retry_After="3"))
            assert web.json(url, {}, patience_s=5) == {"a": 1}
        assert waits == [1.0, 3.0]

    @pytest.mark.parametrize("act", [hang_up, silence])
    def test_a_server_that_gives_nothing_is_not_waited_for(self, act: object) -> None:
        with serving() as server:
            url = server.put("/info", b"{}", act)  # type: ignore[arg-type]
            with pytest.raises(Trouble, match="gives no answer"):
                Web(Environment(environ={})).json(url, {}, patience_s=0.2)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("data", [b"", b"<html>log in</html>", b"\xff", b"[" * 100_000])
    def test_what_is_no_json_is_an_error(self, data: bytes) -> None:
        with serving() as server, pytest.raises(Trouble, match="no JSON"):
            Web(Environment(environ={})).json(server.put("/info", data), {}, patience_s=5)

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "ftp://a/b", "hub", "http://", "http://["]
    )
    def test_what_is_no_web_address_is_an_error(self, url: str) -> None:
        with pytest.raises(Trouble):
            Web(Environment(environ={})).open(url, {})

    def test_a_redirect_leads_to_web_addresses_only(self) -> None:
        with serving() as server, pytest.raises(Trouble):
            Web(Environment(environ={})).open(server.put("/a", b"", redirect("ftp://a/b")), {})

    def test_redirects_that_never_end_are_an_error(self) -> None:
        with serving() as server:
            url = server.put("/a", b"", *[redirect("/a")] * 40)
            with pytest.raises(Trouble, match="302"):
                Web(Environment(environ={})).open(url, {})
