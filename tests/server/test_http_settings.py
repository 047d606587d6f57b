"""What ``serve`` is told, checked before anything is loaded."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from echocli.config import Chosen, chosen_of
from echocli.errors import UsageError
from echocli.server.settings import RATE, TOKEN, ServeSettings, is_loopback, settings_of

pytestmark = pytest.mark.unit


def chosen(**values: Any) -> Chosen:
    return chosen_of(values)


def test_defaults_are_this_machine_alone_without_token_and_limit() -> None:
    found = settings_of(chosen(), {})
    assert found == ServeSettings()
    assert found.is_local
    assert (found.rate_limit, found.scheme, found.max_upload) == (0, "http", 200 * 2**20)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "Localhost."]
)
def test_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "", "x"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_loopback(host)


def test_others_need_a_token_unless_somebody_says_otherwise() -> None:
    with pytest.raises(UsageError, match=r"0\.0\.0\.0.*no token") as caught:
        settings_of(chosen(host="0.0.0.0"), {})
    assert caught.value.hint is not None
    assert TOKEN in caught.value.hint
    assert settings_of(chosen(host="0.0.0.0", insecure=True), {}).token is None
    found = settings_of(chosen(host="0.0.0.0"), {TOKEN: "s3cret"})
    assert (found.token, found.rate_limit) == ("s3cret", RATE)


def test_the_token_is_never_shown() -> None:
    assert "s3cret" not in repr(settings_of(chosen(), {}, "s3cret"))


def test_a_typed_token_wins_over_the_variable_and_that_over_a_configured_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "token"
    path.write_text("of-file\n")
    configured = chosen(token_file=path)
    assert settings_of(configured, {TOKEN: "of-env"}, "typed").token == "typed"
    assert settings_of(configured, {TOKEN: "of-env"}).token == "of-env"
    assert settings_of(configured, {TOKEN: ""}).token == "of-file"


@pytest.mark.parametrize("token", ["", "two words", "tab\t", "ümlaut", "new\nline"])
def test_a_token_that_no_header_carries_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="--token"):
        settings_of(chosen(), {}, token)


@pytest.mark.parametrize("kind", ["missing", "directory", "empty", "bytes"])
def test_a_file_without_a_token_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "token"
    if kind == "directory":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"\n" if kind == "empty" else b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=str(path)):
        settings_of(chosen(token_file=path), {})


@pytest.mark.parametrize(
    "origin", ["app.example.org", "https://a.b/", "https://", "https://[", "a b"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(UsageError, match="is no origin"):
        settings_of(chosen(allow_origin=[origin]), {})


def test_origins_are_taken_as_browsers_send_them() -> None:
    origins = ("https://app.example.org", "http://localhost:3000", "*", "null")
    assert settings_of(chosen(allow_origin=origins), {}).allow_origin == origins


@pytest.mark.parametrize("proxy", ["*", "proxy.example.org", "10.0.0.1/8", "127.0.0.1:80"])
def test_what_is_no_address_of_a_proxy_is_refused(proxy: str) -> None:
    with pytest.raises(UsageError, match="is no address and no network"):
        settings_of(chosen(forwarded_allow_ips=[proxy]), {})


@pytest.mark.parametrize(("proxies", "rate"), [((), 0), (("::1", "10.0.0.0/8"), RATE)])
def test_who_comes_through_a_proxy_is_counted(proxies: tuple[str, ...], rate: int) -> None:
    found = settings_of(chosen(forwarded_allow_ips=proxies), {TOKEN: "t"})
    assert (found.forwarded_allow_ips, found.rate_limit) == (proxies, rate)


def test_a_server_behind_a_proxy_needs_a_token_or_says_that_it_does_not() -> None:
    with pytest.raises(UsageError, match="through the proxy, and there is no token"):
        settings_of(chosen(forwarded_allow_ips=["127.0.0.1"]), {})
    assert settings_of(chosen(forwarded_allow_ips=["127.0.0.1"], insecure=True), {}).token is None


def test_a_key_needs_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ssl-certfile"):
        settings_of(chosen(ssl_keyfile=tmp_path / "k"), {})


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_certificate_that_is_none_is_refused_by_name(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=str(path)):
        settings_of(chosen(ssl_certfile=path), {})


def test_a_certificate_makes_it_https(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    found = settings_of(chosen(ssl_certfile=certificate, ssl_keyfile=key), {})
    assert found.scheme == "https"
    with pytest.raises(UsageError, match="cannot be used"):
        settings_of(chosen(ssl_certfile=certificate), {})


def make_certificate(folder: Path) -> tuple[Path, Path]:
    if which("openssl") is None:
        pytest.skip("not installed: openssl")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    made = ["openssl", *words.split(), *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    return certificate, key
