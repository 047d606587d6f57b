"""Ask web servers: proxies, redirects, time limits and refusals, in one place.

Built on :mod:`urllib.request`. What went wrong is a :class:`Trouble`, which says whether another
try may help; who asks turns it into an error with the name of what was wanted.
"""

from __future__ import annotations

import json
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
    getproxies,
)

from echocli import __version__
from echocli.environment import Environment

TRIES = 5
"""Tries in a row that may bring nothing."""

PATIENCE_S = 20.0
"""Seconds without a byte after which a connection counts as dead."""

LONGEST_WAIT_S = 60.0
"""What a server may ask to wait for; one that wants more is given up."""

_OPENSSL = "SSL_CERT_FILE"
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", _OPENSSL)
"""Variables that name a file of certificates."""

_BUSY = frozenset({408, 425, 429})
"""Refusals of RFC 9110 and 6585 that pass by themselves, besides those of 500 and above."""


class Trouble(Exception):
    """An answer that did not come, or that was none."""

    def __init__(
        self,
        text: str,
        *,
        again: bool = True,
        reached: bool = True,
        status: int | None = None,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(text)
        self.again = again
        """Whether another try may help."""
        self.reached = reached
        """Whether there was a server at all."""
        self.status = status
        """What the server answered; ``None``: nothing."""
        self.wait_s = wait_s
        """Seconds the server asks to wait for."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait, and what for."""

    patience_s: float = PATIENCE_S
    tries: int = TRIES
    sleep: Callable[[float], None] = time.sleep

    def before(self, attempt: int, trouble: Trouble) -> None:
        """Wait before try number ``attempt`` (from 1), or raise ``trouble`` again."""
        wait = min(2.0 ** (attempt - 1), 30.0) if trouble.wait_s is None else trouble.wait_s
        if not trouble.again or attempt >= self.tries or wait > LONGEST_WAIT_S:
            raise trouble
        self.sleep(wait)


class Web:
    """Open addresses as this process's variables say."""

    def __init__(
        self,
        env: Environment,
        *,
        waiting: Waiting | None = None,
        free: Callable[[Path], int] | None = None,
    ) -> None:
        self.waiting = waiting or Waiting()
        self.free = free or _free
        """Tell how many bytes can be written to a directory."""
        self._environ = env.environ
        self._opener: OpenerDirector | None = None

    def open(
        self, url: str, headers: Mapping[str, str], *, patience_s: float | None = None
    ) -> HTTPResponse:
        """Return the answer of a server, to be closed; raise :class:`Trouble` for a refusal."""
        if not is_web_address(url):
            raise Trouble(f"not a web address: {url}", again=False)
        # Without it a server may compress, and neither sizes nor ranges mean the file's bytes.
        plain = {"User-Agent": f"echocli/{__version__}", "Accept-Encoding": "identity"}
        request = Request(url, headers={**plain, **headers})
        try:
            answer: HTTPResponse = self._open()(
                request, timeout=patience_s or self.waiting.patience_s
            )
        except HTTPError as error:
            with error:
                raise _refusal(error) from error
        except URLError as error:
            text = f"{site(url)} cannot be reached ({reason(error)})"
            raise Trouble(text, reached=False) from error
        except (OSError, HTTPException, ValueError) as error:
            text = f"{site(url)} gives no answer ({reason(error)})"
            raise Trouble(text, again=not isinstance(error, ValueError)) from error
        return answer

    def json(self, url: str, headers: Mapping[str, str], *, patience_s: float) -> Any:
        """Return what an address tells; asks again where the server is busy, not where it is away.

        Raises :class:`Trouble`.
        """
        for attempt in range(1, self.waiting.tries + 1):
            try:
                with self.open(url, headers, patience_s=patience_s) as answer:
                    return json.loads(answer.read())
            except Trouble as trouble:
                if trouble.status is None:
                    raise
                self.waiting.before(attempt, trouble)
            except (OSError, HTTPException) as error:
                raise Trouble(reason(error)) from error
            except (ValueError, RecursionError) as error:
                raise Trouble(f"{url} gave no JSON", again=False) from error
        raise AssertionError("the last try raises")

    def _open(self) -> Callable[..., Any]:
        if self._opener is None:
            self._opener = build_opener(
                _Proxies(self._environ), _Redirects(), HTTPSHandler(context=_trust(self._environ))
            )
        return self._opener.open


class _Redirects(HTTPRedirectHandler):
    """Follow redirects, but show the token to nobody else."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.scheme == "https" and new.scheme != "https":
            raise URLError(f"{old.netloc} redirects to an address that is not encrypted")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if request is None:
            return None
        # The handler of the proxies adds it again where the new address is asked for by one.
        request.remove_header("Proxy-authorization")
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            request.remove_header("Authorization")
        return request


class _Proxies(ProxyHandler):
    """The proxies that the variables name; ``NO_PROXY`` lists hosts that are asked directly."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        lowered = {name.lower(): value for name, value in environ.items() if name != name.lower()}
        lowered |= {name: value for name, value in environ.items() if name == name.lower()}
        found = {
            name.removesuffix("_proxy"): value
            for name, value in lowered.items()
            if name.endswith("_proxy") and value
        }
        self._direct = found.pop("no", "")
        if every := found.pop("all", None):
            found = {"http": every, "https": every, **found}
        # Elsewhere the system's settings may know one.
        super().__init__(found or (getproxies() if sys.platform in ("darwin", "win32") else {}))

    def proxy_open(self, req: Request, proxy: str, type: str) -> Any:
        if is_direct(req.host, self._direct):
            return None
        kind, separator, _ = proxy.partition("://")
        if separator and kind.lower() not in ("http", "https"):
            raise URLError(f"its proxy is a {kind} one, and only HTTP proxies can be used")
        return super().proxy_open(req, proxy, type)


def is_direct(host: str, listed: str) -> bool:
    """Tell whether ``NO_PROXY`` lists a host: by its name, a domain it is in, or ``*``.

    The rules are those of :func:`urllib.request.proxy_bypass_environment`.
    """
    names = {host.lower(), host.lower().rpartition(":")[0] or host.lower()}
    for entry in (entry.strip().lower().lstrip(".") for entry in listed.split(",")):
        if entry == "*" or (entry and any(f".{name}".endswith(f".{entry}") for name in names)):
            return True
    return False


def _trust(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return whom to trust; a company's own authority comes by the variables of other clients."""
    name = next((name for name in _AUTHORITIES if environ.get(name)), None)
    if name is None:
        return ssl.create_default_context()
    bundle = environ[name]
    try:
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        context = ssl.create_default_context(cafile=bundle)
    except OSError as error:
        text = f"the certificates of {name} cannot be read: {bundle} ({reason(error)})"
        raise Trouble(text, again=False) from error
    if name == _OPENSSL:
        context.load_default_certs()  # it has a directory besides
    return context


def _refusal(error: HTTPError) -> Trouble:
    again = error.code in _BUSY or error.code >= 500
    wait = _retry_after(error.headers) if again else None
    text = f"{site(error.url)} answers {error.code} {error.reason}".rstrip()
    return Trouble(text, again=again, status=error.code, wait_s=wait)


def _retry_after(headers: Message) -> float | None:
    """Return the seconds of ``Retry-After``: a number or a date (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers["Date"]) if headers["Date"] else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def is_web_address(url: str) -> bool:
    """Tell whether an address is one of a web server."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets of no IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def site(url: str) -> str:
    """Return the server of an address as people know it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def reason(error: Exception) -> str:
    """Return in a few words why a server could not be asked."""
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, TimeoutError):
        return "timed out"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _free(directory: Path) -> int:
    return shutil.disk_usage(directory).free
