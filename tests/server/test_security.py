"""Who may ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.server.security import Guard
from echocli.server.settings import ServeSettings

pytestmark = pytest.mark.unit

OPEN = Guard(ServeSettings(host="0.0.0.0"))


def guard(**settings: object) -> Guard:
    return Guard(ServeSettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret"])
def test_the_right_token_comes_in(header: str) -> None:
    assert guard(token="s3cret").token({"authorization": header}) is None


@pytest.mark.parametrize(
    "header", ["", "s3cret", "Basic s3cret", "Bearer", "Bearer s3cre", "Bearer s3cret2", "Bearer ü"]
)
def test_any_other_does_not(header: str) -> None:
    found = guard(token="s3cret").token({"authorization": header})
    assert found is not None
    assert (found.status, found.code) == (401, "invalid_api_key")


def test_without_a_token_everybody_comes_in() -> None:
    assert not OPEN.asks
    assert OPEN.token({}) is None


def test_a_token_in_the_address_counts_only_if_it_is_allowed() -> None:
    assert guard(token="s3cret").token({}, "token=s3cret") is not None
    allowing = guard(token="s3cret", query_token=True)
    assert allowing.token({}, "a=b&token=s3cret") is None
    assert allowing.token({}, "token=other") is not None
    assert allowing.token({}, "") is not None


@given(
    token=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), sent=st.text()
)
def test_only_the_token_itself_is_right(token: str, sent: str) -> None:
    found = guard(token=token).token({"authorization": f"Bearer {sent}"})
    assert (found is None) == (sent.strip() == token)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8765", "127.0.0.1:8765", "[::1]:8765", "LOCALHOST", "127.1.2.3"],
)
def test_names_of_this_machine_are_known(host: str) -> None:
    assert guard().host({"host": host}) is None


@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:8765", "", "10.0.0.1", "localhost.evil.com", "[", "a b"]
)
def test_a_name_that_was_pointed_here_is_refused(host: str) -> None:
    found = guard().host({"host": host})
    assert found is not None
    assert found.status == 421


def test_who_sends_no_name_is_no_browser() -> None:
    assert guard().host({}) is None
    refused = guard().host({"host": ""})
    assert refused is not None
    assert refused.code == "unknown_host"


def test_the_names_of_allowed_origins_and_of_the_settings_are_known() -> None:
    behind_a_proxy = guard(allow_origin=("https://talk.example.org",))
    assert behind_a_proxy.host({"host": "talk.example.org"}) is None


def test_where_others_can_reach_it_any_name_may_be_its_own() -> None:
    assert OPEN.host({"host": "anything.example.org"}) is None


def test_programs_send_no_origin() -> None:
    assert guard().origin({"host": "localhost"}) is None


@pytest.mark.parametrize("origin", ["http://evil.com", "null", "http://[", "file://", ""])
def test_a_page_from_elsewhere_is_refused(origin: str) -> None:
    found = guard().origin({"origin": origin, "host": "127.0.0.1:8765"})
    assert found is not None
    assert found.status == 403


def test_a_page_of_the_same_address_is_no_other() -> None:
    same = {"origin": "http://127.0.0.1:8765", "host": "127.0.0.1:8765"}
    assert guard().origin(same) is None
    assert guard().origin(same | {"host": "127.0.0.1:9999"}) is not None


def test_a_page_whose_name_was_pointed_here_is_refused_where_any_name_may_be_its_own() -> None:
    rebound = {"origin": "http://evil.com:8765", "host": "evil.com:8765"}
    assert OPEN.origin(rebound) is not None
    assert OPEN.origin({"origin": "http://10.0.0.1:8765", "host": "10.0.0.1:8765"}) is None


def test_an_allowed_page_may_ask() -> None:
    one = guard(allow_origin=("https://app.example.org",))
    assert one.origin({"origin": "https://APP.example.org", "host": "localhost"}) is None
    assert one.origin({"origin": "http://app.example.org", "host": "localhost"}) is not None
    assert guard(allow_origin=("*",)).origin({"origin": "null", "host": "localhost"}) is None


@given(origin=st.text(), host=st.text())
def test_no_header_makes_it_fail(origin: str, host: str) -> None:
    for one in (guard(token="t", allow_origin=("https://a.b",)), OPEN):
        one.origin({"origin": origin, "host": host})
        one.host({"host": host})
        one.token({"authorization": origin}, host)
