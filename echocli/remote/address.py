"""Where the server is, and what proves that one may use it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from echocli.errors import ProviderError, UsageError
from echocli.wire.codes import PATH

if TYPE_CHECKING:
    from echocli.config import Chosen
    from echocli.environment import Environment

EXAMPLE = "for example --remote wss://transcribe.example.org or --remote 192.168.1.5:8765"

PORT = 8765
"""Where ``echocli serve`` listens unless it is told otherwise; an address without a scheme."""

_SECURE = {"ws": False, "http": False, "wss": True, "https": True}

LONGEST_TOKEN = 4096
"""Bytes read of a file with a token."""

VARIABLE = "ECHOCLI_TOKEN"
"""Where the token is, if nobody gives one."""

MISSING = "pip install 'echocli[remote]'"
"""What brings the libraries."""

PROXY = "pip install 'python-socks[asyncio]' 'httpx2[socks]', or name the host in NO_PROXY"
"""What brings those for a SOCKS proxy, and how to do without."""


@dataclass(frozen=True, slots=True)
class Address:
    """A server; ``path`` is what stands before the paths of its own, behind a proxy."""

    host: str
    """Name or number and port, as a URL has them."""
    secure: bool
    path: str = ""
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @classmethod
    def parse(cls, text: str, token: str | None = None, ca_file: Path | None = None) -> Address:
        """Read ``ws://``, ``wss://``, ``http://`` or ``https://`` and a host, or ``host:port``.

        Raises ``UsageError`` for anything else.
        """
        written = text.strip()
        bare = "://" not in written
        try:
            url = urlsplit(f"ws://{written}" if bare else written)
            port = url.port
        except ValueError as error:
            raise UsageError(f"--remote {text}: {error}", hint=EXAMPLE) from error
        name = url.hostname or ""
        odd = any(c.isspace() or not c.isprintable() for c in written)
        if url.scheme.lower() not in _SECURE or not name or odd:
            raise UsageError(f"--remote {text}: is no address of a server", hint=EXAMPLE)
        if url.username is not None or url.query or url.fragment:
            raise UsageError(
                f"--remote {url.scheme}://{name}: takes a host, a port and a path only",
                hint="a token is given with --token-file or ECHOCLI_TOKEN",
            )
        if bare and port is None:
            port = PORT
        name = f"[{name}]" if ":" in name else _ascii(name, text)
        path = url.path.rstrip("/").removesuffix(PATH).removesuffix("/v1")
        host = name if port is None else f"{name}:{port}"
        return cls(host, _SECURE[url.scheme.lower()], path, token, ca_file)

    @classmethod
    def chosen(cls, chosen: Chosen, environment: Environment, token: str | None = None) -> Address:
        """Return what the settings say, with the token that was given, configured or set.

        Raises ``UsageError`` for an address, a token or a file that cannot be used.
        """
        if chosen["remote"] is None:
            raise UsageError("there is no address of a server", hint=EXAMPLE)
        with chosen.naming("remote"):
            return cls.parse(
                chosen["remote"], _token(chosen, environment, token), chosen["ca_file"]
            )

    @property
    def live_url(self) -> str:
        """Where live sound goes."""
        return f"{'wss' if self.secure else 'ws'}://{self.host}{self.path}{PATH}"

    @property
    def counterpart(self) -> str:
        """The same server with TLS, or without where this one is with."""
        return f"{'ws' if self.secure else 'wss'}://{self.host}{self.path}"

    def http_url(self, path: str) -> str:
        """Return the URL of a path of the server."""
        return f"{'https' if self.secure else 'http'}://{self.host}{self.path}{path}"

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def context(self) -> ssl.SSLContext | None:
        """Return how certificates are checked; ``None`` where nothing is encrypted.

        Raises ``UsageError`` for a file that holds no certificates.
        """
        if not self.secure:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # what holds no certificate is an SSLError, which is one too
            raise UsageError(
                f"--ca-file {self.ca_file}: {error.strerror or error}",
                hint="it must hold certificates in PEM format",
            ) from error


def _token(chosen: Chosen, environment: Environment, given: str | None) -> str | None:
    """Return the token that was given, or is in the file that was named, or in the variable."""
    path: Path | None = chosen["token_file"]
    if given is not None:
        return _checked(given, "--token")
    if path is None:
        return _checked(environment.environ.get(VARIABLE) or None, VARIABLE)
    name = chosen.named("token_file")
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_TOKEN + 1).decode("ascii").strip()
    except OSError as error:
        raise UsageError(f"{name}: cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: {path} holds no token") from error
    if not text:
        raise UsageError(f"{name}: {path} is empty")
    return _checked(text, name)


def _ascii(name: str, text: str) -> str:
    """Return the name of a host as the DNS has it (RFC 3490)."""
    try:
        return name.encode("idna").decode()
    except UnicodeError as error:
        why = "has a host with a part that is empty or too long"
        raise UsageError(f"--remote {text}: {why}", hint=EXAMPLE) from error


def _checked(token: str | None, name: str) -> str | None:
    """Refuse what cannot stand in a header (RFC 9110, 5.5)."""
    if token is None:
        return None
    token = token.strip()
    if not token or len(token) > LONGEST_TOKEN or not (token.isascii() and token.isprintable()):
        raise UsageError(f"{name}: is no token: it takes visible ASCII characters")
    return token


def missing(error: ImportError) -> ProviderError:
    """Return the complaint about libraries that are not installed."""
    if error.name is None:  # so the libraries say that they cannot use the proxy that is set
        text = "--remote goes through a SOCKS proxy here, and what that needs is not installed"
        return ProviderError(text, hint=PROXY)
    return ProviderError(f"--remote needs {error.name}, which is not installed", hint=MISSING)


def library(name: str) -> Any:
    """Import a library of the extra; raise ``ProviderError`` where it is not installed."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise missing(error) from error
