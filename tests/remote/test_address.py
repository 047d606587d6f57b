"""Where the server is, as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.config import chosen_of
from echocli.environment import Environment
from echocli.errors import ExitCode, ProviderError, UsageError
from echocli.remote.address import Address, library, missing

pytestmark = pytest.mark.unit


def test_a_library_that_is_not_installed_ends_it_as_that_of_the_server_does() -> None:
    with pytest.raises(ProviderError, match="--remote needs no_such_library,") as caught:
        library("no_such_library.client")
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert caught.value.hint == "pip install 'echocli[remote]'"


def test_what_a_proxy_needs_is_named_with_how_to_go_without() -> None:
    error = missing(ImportError("Using SOCKS proxy, but the 'socksio' package is not installed."))
    assert "SOCKS" in str(error)
    assert error.hint is not None
    assert all(one in error.hint for one in ("python-socks", "httpx2[socks]", "NO_PROXY"))


def test_the_counterpart_has_the_other_scheme() -> None:
    assert Address.parse("https://host:1/echo").counterpart == "ws://host:1/echo"
    assert Address.parse("host").counterpart == "wss://host:8765"


@pytest.mark.parametrize(
    ("text", "live", "files"),
    [
        ("ws://host:1", "ws://host:1/v1/live", "http://host:1/health"),
        ("wss://host", "wss://host/v1/live", "https://host/health"),
        ("http://host:80/", "ws://host:80/v1/live", "http://host:80/health"),
        ("https://host/echo/", "wss://host/echo/v1/live", "https://host/echo/health"),
        ("WSS://Host/v1/live", "wss://host/v1/live", "https://host/health"),
        ("https://host/v1", "wss://host/v1/live", "https://host/health"),
        ("host", "ws://host:8765/v1/live", "http://host:8765/health"),
        ("192.168.1.5:99", "ws://192.168.1.5:99/v1/live", "http://192.168.1.5:99/health"),
        ("ws://[::1]:8", "ws://[::1]:8/v1/live", "http://[::1]:8/health"),
        (" host:7 ", "ws://host:7/v1/live", "http://host:7/health"),
        (
            "ws://bücher.example",
            "ws://xn--bcher-kva.example/v1/live",
            "http://xn--bcher-kva.example/health",
        ),
    ],
)
def test_an_address_gives_both_urls(text: str, live: str, files: str) -> None:
    address = Address.parse(text)
    assert (address.live_url, address.http_url("/health")) == (live, files)


@pytest.mark.parametrize(
    "text",
    [
        *("", "://", "ftp://host", "ws://", "host:port", "ws://host:99999", "a b", "ws://[::1"),
        *("ws://user:secret@host", "ws://host?token=x", "ws://host#part", "file:///etc/passwd"),
        *("ws://a..b:8765", "http://.host", f"ws://{'a' * 64}.org", "ws://ä..b", "ws://a\0b"),
    ],
)
def test_what_is_none_is_refused_and_shows_no_secret(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Address.parse(text)
    assert "secret" not in str(caught.value)
    assert caught.value.hint


@given(st.text())
def test_any_text_is_an_address_or_a_usage_error(text: str) -> None:
    try:
        address = Address.parse(text)
    except UsageError:
        return
    assert address.live_url.startswith(("ws://", "wss://"))


def test_the_token_is_sent_in_a_header_and_not_shown() -> None:
    address = Address.parse("host", "hush")
    assert address.headers == {"Authorization": "Bearer hush"}
    assert "hush" not in repr(address)


class TestTokens:
    def chosen(self, given: str | None = None, **values: object) -> Address:
        chosen = chosen_of({"remote": "host", **values})
        environment = Environment().with_variable("ECHOCLI_TOKEN", "of-the-variable")
        return Address.chosen(chosen, environment, given)

    def test_the_option_wins_over_the_file_and_that_over_the_variable(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text("of-the-file\n", encoding="ascii")
        assert self.chosen("given", token_file=file).token == "given"
        assert self.chosen(token_file=file).token == "of-the-file"
        assert self.chosen().token == "of-the-variable"

    @pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"two\nlines", b"x" * 5000])
    def test_a_file_without_a_token_is_refused(self, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "token"
        file.write_bytes(content)
        with pytest.raises(UsageError, match="token_file"):
            self.chosen(token_file=file)

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="No such file"):
            self.chosen(token_file=tmp_path / "none")

    @pytest.mark.parametrize("token", ["", " ", "a\nb", "naïve"])
    def test_what_cannot_stand_in_a_header_is_refused(self, token: str) -> None:
        with pytest.raises(UsageError, match="--token"):
            self.chosen(token)


def test_a_file_of_certificates_must_hold_some(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing", encoding="ascii")
    for path in (file, tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="--ca-file"):
            Address.parse("wss://host", ca_file=path).context()
    assert Address.parse("ws://host", ca_file=file).context() is None
