"""Run the server in this process: sockets, signals, an end in good order.

uvicorn does the serving. Its signal handling is replaced: what it catches it would raise again at
the end, and a second Ctrl-C would wait for whoever is connected.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from echocli import log
from echocli.api.hosting import Hosting
from echocli.clock import Clock
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.interrupts import AGAIN, handling
from echocli.server.app import ServerState, create_app
from echocli.server.complaints import Complaints
from echocli.server.connections import HALF_OPEN, OPEN, careful
from echocli.server.desk import Limits
from echocli.server.limits import Waiting
from echocli.server.paced import SILENT, paced
from echocli.server.patience import SessionLimits
from echocli.server.sessions import Sessions
from echocli.server.settings import ServeSettings
from echocli.server.uploads import make_folder
from echocli.wire.codes import MAX_FRAME

GRACE = 6.0
"""Seconds for finals and files at the end: with what follows it takes nine, and Docker kills after
ten."""

GOODBYE = 1
"""Seconds in which answers must be taken after that."""

HANDSHAKE = 10.0
"""Seconds for the handshake of TLS; asyncio would wait for 60."""

UNREAD = 60_000
"""Milliseconds that what was sent may go unacknowledged; uvicorn itself would wait for ever."""

LARGEST = 2 * MAX_FRAME
"""Bytes of a message of a WebSocket that are read: beyond, the connection is closed without the
error that tells a client why. What is taken is less in both protocols."""

PING, PONG = 10.0, 15.0
"""Seconds between pings of a WebSocket, and for the answer."""


def listen(settings: ServeSettings) -> socket.socket:
    """Return a socket of the address; raise ``EchoError`` where it cannot be had."""
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _cannot(settings, error) from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # of connections whose peer reads nothing any more
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD)
        made.bind(address)
    except OSError as error:
        made.close()
        raise _cannot(settings, error) from error
    return made


def _cannot(settings: ServeSettings, error: Exception) -> EchoError:
    reason = getattr(error, "strerror", None) or str(error)
    return EchoError(
        f"cannot listen on {settings.host} port {settings.port}: {reason}",
        hint="choose another with --port, or 0 for one that is free",
    )


def address_of(settings: ServeSettings, listening: socket.socket) -> str:
    """Return the address as a URL, with the port that it really has."""
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{settings.scheme}://{host}:{port}"


def serve(
    hosting: Hosting, settings: ServeSettings, environment: Environment, listening: socket.socket
) -> None:
    """Serve until a signal comes; raise ``KeyboardInterrupt`` at the second."""
    folder = make_folder()
    names = ("keep_seconds", "idle_seconds", "session_seconds")
    times = {name: getattr(settings, name) for name in names}
    limits = Limits(**times)
    kept = SessionLimits(most=settings.max_sessions, **times)
    sessions = Sessions(hosting, kept, environment.clock)
    try:
        state = ServerState(hosting, sessions, limits, settings, environment, folder)
        address = address_of(settings, listening)
        complaints = Complaints(environment)
        with complaints.taken():
            Server(_config(state), state, listening, address, complaints).run()
    finally:
        sessions.close()
        shutil.rmtree(folder, ignore_errors=True)


def _config(state: ServerState) -> uvicorn.Config:
    settings = state.settings
    return uvicorn.Config(
        create_app(state),
        loop="asyncio",
        http=careful(Waiting(HALF_OPEN), settings.max_upload),
        ws=paced(Waiting(SILENT)),
        ws_max_size=LARGEST,
        ws_ping_interval=PING,
        ws_ping_timeout=PONG,
        ws_per_message_deflate=False,  # sound does not shrink, and each window takes memory
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whoever else says so could say that it is somebody else.
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        limit_concurrency=OPEN,
        timeout_graceful_shutdown=GOODBYE,
        ssl_certfile=settings.ssl_certfile,
        ssl_keyfile=settings.ssl_keyfile,
    )


class Server(uvicorn.Server):
    """uvicorn, with our start, our signals and our end."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: ServerState,
        listening: socket.socket,
        address: str,
        complaints: Complaints,
    ) -> None:
        super().__init__(config)
        self._state = state
        self._listening = listening
        self._address = address
        self._complaints = complaints
        self._first: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        del sockets
        config, loop = self.config, asyncio.get_running_loop()
        loop.set_exception_handler(self._complaints.take)

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state={}
            )

        server = await loop.create_server(
            protocol,
            sock=self._listening,
            ssl=config.ssl,
            backlog=config.backlog,
            ssl_handshake_timeout=HANDSHAKE if config.ssl else None,
        )
        self.servers = [server]
        self.started = True
        log.event("server_start", address=self._address)
        stderr = self._state.environment.stderr
        stderr.write(f"echocli serve: {self._address} (Ctrl-C ends it)\n")
        stderr.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, finish what is begun, then close."""
        state = self._state
        state.stopping = True
        for server in self.servers:
            server.close()
        await asyncio.gather(_drained(state), state.jobs.drain(GRACE))
        await super().shutdown(sockets)
        log.event("server_stop")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order at the first signal, and at once at the second."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with handling(self.handle_exit):
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take note of a signal."""
        del sig, frame
        now = self._clock.now()
        if self._first is None:
            self._first = now
        elif now - self._first >= AGAIN:
            self._state.environment.interrupts.interrupt(now)
        self.should_exit = True

    @property
    def _clock(self) -> Clock:
        return self._state.clock


async def _drained(state: ServerState) -> None:
    """Have live sessions finish; sessions may do that in a thread of their own."""
    await asyncio.to_thread(state.sessions.drain, GRACE)
