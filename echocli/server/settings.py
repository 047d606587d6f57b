"""What ``serve`` was told: where to listen, who may ask, and how much."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from echocli.config import FLAG, Chosen
from echocli.errors import UsageError

TOKEN = "ECHOCLI_TOKEN"
"""The variable that holds the token."""

RATE = 600
"""Requests a minute of one address, where others than this machine can reach the server, be it
through a proxy."""

_COPIED = (
    *("host", "port", "ssl_certfile", "ssl_keyfile"),
    *("allow_origin", "forwarded_allow_ips", "query_token"),
    *("max_sessions", "max_requests", "max_upload_mb", "max_audio_seconds"),
    *("session_seconds", "idle_seconds", "keep_seconds"),
)
"""Settings that are taken as they are."""


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How to serve; what is said here was checked by :func:`settings_of`."""

    host: str = "127.0.0.1"
    port: int = 8765
    """0 takes one that is free."""
    token: str | None = field(default=None, repr=False)
    """What every request must bring; ``None`` asks for nothing."""
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    """``None``: the key is in the file of the certificate."""
    allow_origin: tuple[str, ...] = ()
    """Origins of web pages that may ask; ``*`` is any."""
    forwarded_allow_ips: tuple[str, ...] = ()
    """Addresses and networks of reverse proxies, whose ``X-Forwarded-For`` is believed."""
    query_token: bool = False
    """Whether the token may stand in the address of a WebSocket, where logs may keep it."""
    max_sessions: int = 10
    max_requests: int = 8
    """Files transcribed at the same time."""
    max_upload_mb: int = 200
    """Largest file; 1 MB is 2²⁰ bytes."""
    max_audio_seconds: float = 14_400.0
    """Longest file."""
    session_seconds: float = 14_400.0
    """Longest live session."""
    idle_seconds: float = 60.0
    """How long a live session may go without sound."""
    keep_seconds: float = 60.0
    """How long a live session is kept whose connection was lost."""
    rate_limit: int = 0
    """Requests a minute of one address; 0 is any number."""
    warmup_level: int = 2

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return is_loopback(self.host)

    @property
    def scheme(self) -> str:
        """``https`` with a certificate."""
        return "http" if self.ssl_certfile is None else "https"

    @property
    def max_upload(self) -> int:
        """Bytes of the largest file."""
        return self.max_upload_mb * 2**20


def settings_of(
    chosen: Chosen, environ: Mapping[str, str], token: str | None = None
) -> ServeSettings:
    """Return how to serve; ``token`` is what the command line said.

    Raises ``UsageError`` for a token or certificate that cannot be used, and for an address that
    others can reach without a token, unless ``insecure`` is set.
    """
    host = str(chosen["host"])
    found = token_of(chosen, environ, token)
    for proxy in chosen["forwarded_allow_ips"]:
        _check_proxy(chosen, proxy)
    reach = _reach(chosen, host)
    if reach is not None and found is None and not chosen["insecure"]:
        raise UsageError(
            f"{reach}, and there is no token",
            hint=f"set {TOKEN} or --token-file; --insecure serves everybody",
        )
    _check_certificate(chosen)
    for origin in chosen["allow_origin"]:
        _check_origin(chosen, origin)
    rate = chosen["rate_limit"]
    return ServeSettings(
        token=found,
        rate_limit=(RATE if reach else 0) if rate is None else rate,
        warmup_level=int(chosen["warmup_level"]),
        **{name: chosen[name] for name in _COPIED},
    )


def _reach(chosen: Chosen, host: str) -> str | None:
    """Return how others than this machine can reach the server; ``None``: they cannot."""
    if not is_loopback(host):
        return f"{chosen.named('host')} {host}: others can reach it"
    if chosen["forwarded_allow_ips"]:
        return f"{chosen.named('forwarded_allow_ips')}: others can reach it through the proxy"
    return None


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is that of this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    address = as_address(host)
    return address is not None and address.is_loopback


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a text is, also in brackets; ``None`` for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def token_of(chosen: Chosen, environ: Mapping[str, str], typed: str | None) -> str | None:
    """Return the token: as typed, of a file that was typed, of the variable, of the other file."""
    path = chosen["token_file"]
    by_flag = path is not None and chosen.setting("token_file").source == FLAG
    if typed is not None and by_flag:
        raise UsageError("--token and --token-file do not go together", hint="give one of them")
    if typed is not None:
        return _checked(typed, "--token")
    if not by_flag and (value := environ.get(TOKEN)):
        return _checked(value, TOKEN)
    return None if path is None else _of_file(path, chosen.named("token_file"))


def _of_file(path: Path, name: str) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        hint = "write the token into it as one line"
        raise UsageError(f"{name} {path}: cannot be read: {reason}", hint=hint) from error
    return _checked(text.strip(), f"{name} {path}")


def _checked(token: str, name: str) -> str:
    """Return a token that a header can carry (RFC 6750, section 2.1, allows fewer letters)."""
    if not token:
        raise UsageError(f"{name}: the token is empty", hint="make one: openssl rand -hex 24")
    if not all("!" <= letter <= "~" for letter in token):
        raise UsageError(
            f"{name}: the token has a space, or a letter outside ASCII",
            hint="make one: openssl rand -hex 24",
        )
    return token


def _check_certificate(chosen: Chosen) -> None:
    certificate, key = chosen["ssl_certfile"], chosen["ssl_keyfile"]
    if certificate is None:
        if key is not None:
            raise UsageError(f"{chosen.named('ssl_keyfile')} needs --ssl-certfile")
        return
    import ssl

    try:
        # The callback keeps OpenSSL from asking for a password on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: b"")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise UsageError(
            f"{chosen.named('ssl_certfile')} {certificate}: cannot be used: {reason}",
            hint="it takes PEM files: the certificate with its chain, and a key without password",
        ) from error


def _check_origin(chosen: Chosen, origin: str) -> None:
    if origin in ("*", "null"):
        return
    try:
        parts = urlsplit(origin)
        whole = bool(parts.scheme and parts.netloc) and not (parts.path or parts.query)
    except ValueError:
        whole = False
    if not whole:
        raise UsageError(
            f"{chosen.named('allow_origin')} {origin}: is no origin",
            hint="as browsers send it: https://app.example.org, without a slash at the end",
        )


def _check_proxy(chosen: Chosen, proxy: str) -> None:
    try:
        ipaddress.ip_network(proxy)
    except ValueError as error:
        raise UsageError(
            f"{chosen.named('forwarded_allow_ips')} {proxy}: is no address and no network",
            hint="the address that the proxy asks from, as 127.0.0.1, or a network, as 10.0.0.0/8",
        ) from error
