"""Who may ask: the token, the name the server was called by, the web page that asks.

Pure: decisions over headers, as lower-case names and text. :mod:`echocli.server.shield` applies
them to every request and every WebSocket.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from echocli.server.settings import ServeSettings, as_address, is_loopback

HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "cross-origin",
}
"""Headers of every answer: text that is private, and nothing a browser may show as a page.

CORS decides which pages read it, so the resource policy does not.
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away."""

    status: int
    code: str
    """For programs; stable."""
    message: str
    retry_after: float | None = None


class Guard:
    """Decide over requests by what the settings say."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        token = settings.token
        self._token = None if token is None else token.encode()
        self._origins = frozenset(origin.lower() for origin in settings.allow_origin)
        self._names = {settings.host.lower(), "localhost"}
        self._names |= {urlsplit(it).hostname or "" for it in self._origins} - {""}

    @property
    def asks(self) -> bool:
        """Whether a token is needed."""
        return self._token is not None

    def host(self, headers: Mapping[str, str]) -> Refusal | None:
        """Refuse a name that is not this server's.

        A web page can have its own name point here ("DNS rebinding"), and is then of the same
        origin for the browser; the name it calls tells. Only checked where nothing but this machine
        can reach the server: what names others know it by, nobody said. Who sends no name at all is
        no browser: health checks speak HTTP/1.0.
        """
        called = headers.get("host")
        if called is None or not self._settings.is_local or self._knows(called):
            return None
        return Refusal(
            421, "unknown_host", "this server is not called that; --allow-origin adds its names"
        )

    def origin(self, headers: Mapping[str, str]) -> Refusal | None:
        """Refuse a web page that was not allowed; programs send no origin."""
        origin = headers.get("origin")
        if origin is None or self.allows(origin):
            return None
        # A page of this very server, and what some libraries send that are no browsers.
        called = headers.get("host", "")
        if _place(origin) == called.lower() and self._knows(called):
            return None
        text = "web pages of this origin may not ask; --allow-origin lets them"
        return Refusal(403, "origin_not_allowed", text)

    def allows(self, origin: str) -> bool:
        """Tell whether an origin is among those that were allowed."""
        return "*" in self._origins or origin.lower() in self._origins

    def token(self, headers: Mapping[str, str], query: str = "") -> Refusal | None:
        """Refuse whoever does not bring the token; ``query`` counts if the settings say so."""
        if self._token is None or self._is_right(_bearer(headers)):
            return None
        if self._settings.query_token and self._is_right(_asked(query)):
            return None
        return Refusal(401, "invalid_api_key", "the token is missing or wrong")

    def _is_right(self, token: str | None) -> bool:
        """Compare in a time that tells nothing."""
        if token is None or self._token is None:
            return False
        return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token)

    def _knows(self, called: str) -> bool:
        """Tell whether a ``Host`` names this server: an address cannot be rebound."""
        try:
            name = urlsplit(f"//{called}").hostname or ""
        except ValueError:
            return False
        if self._settings.is_local and as_address(name) is not None:
            return is_loopback(name) or name in self._names
        return name in self._names or as_address(name) is not None


def _place(origin: str) -> str | None:
    """Return host and port of an origin; ``None`` of what is none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of the header (RFC 6750, section 2.1); the word has any case."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _asked(query: str) -> str | None:
    """Return the token of an address."""
    found = parse_qs(query).get("token")
    return found[0] if found else None
