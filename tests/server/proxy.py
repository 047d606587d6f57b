"""A TCP proxy that gets in the way: it cuts, resets, stalls, delays, truncates and refuses.

What it does is told beforehand as a plan, seeded, so that a run can be repeated, or at any moment
from another thread.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

PIECE = 1 << 14
"""Bytes that are read at once."""

RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""Value of ``SO_LINGER`` with which a close sends RST instead of FIN (socket(7))."""


class Kind(StrEnum):
    """What can go wrong on the way."""

    CUT = "cut"
    """Every connection is closed in order, as by a server that goes away."""
    RESET = "reset"
    """Every connection is reset."""
    STALL = "stall"
    """Nothing passes for a while, in either direction, and nothing is closed."""
    DELAY = "delay"
    """Every piece comes later for a while."""
    TRUNCATE = "truncate"
    """Of the next piece only the beginning passes, then its connection is reset."""
    REFUSE = "refuse"
    """Every connection is cut, and new ones are reset for a while."""


LASTING = {Kind.STALL: (0.5, 3.0), Kind.DELAY: (1.0, 4.0), Kind.REFUSE: (0.5, 2.5)}
"""Least and most seconds of what lasts."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong ``at`` seconds after the proxy was started."""

    kind: Kind
    at: float = 0.0
    seconds: float = 0.0
    """How long it lasts."""
    amount: float = 0.0
    """Seconds by which a piece is delayed; bytes that pass of one that is truncated."""


def plan(seed: int, seconds: float, every: tuple[float, float] = (2.0, 5.0)) -> list[Trouble]:
    """Return trouble at random times within so many seconds, each kind once before any again."""
    chance = random.Random(seed)
    found: list[Trouble] = []
    kinds: list[Kind] = []
    at = chance.uniform(*every)
    while at < seconds:
        kinds = kinds or chance.sample(list(Kind), len(Kind))
        kind = kinds.pop()
        lasting = chance.uniform(*LASTING[kind]) if kind in LASTING else 0.0
        amount = chance.uniform(0.02, 0.3) if kind is Kind.DELAY else chance.randrange(1, 3000)
        found.append(Trouble(kind, at, lasting, amount))
        at += lasting + chance.uniform(*every)
    return found


@dataclass(eq=False)
class _Link:
    """Both ends of one connection."""

    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        for writer in self.writers:
            writer.close()

    def reset(self) -> None:
        for writer in self.writers:
            taken: socket.socket | None = writer.get_extra_info("socket")
            with suppress(OSError):
                if taken is not None:
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
            writer.transport.abort()


class Proxy:
    """Passes on what comes at ``port`` to another port of this machine."""

    def __init__(self, target: int, troubles: Sequence[Trouble]) -> None:
        self.target = target
        self.port = 0
        self.connections = 0
        """Connections that were taken so far."""
        self.happened: list[Trouble] = []
        self._troubles = troubles
        self._links: set[_Link] = set()
        self._delay = 0.0
        self._truncate: int | None = None
        self._refusing = False
        self._passing = asyncio.Event()
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def trouble(self, trouble: Trouble) -> None:
        """Let something go wrong now; from any thread."""
        self._call(lambda: self._strike(trouble))

    def stop(self) -> None:
        """Reset what is left and end; from any thread."""
        self._call(self._over.set)

    def _call(self, what: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    async def serve(self, begun: threading.Event) -> None:
        """Pass on until :meth:`stop`."""
        self._loop = asyncio.get_running_loop()
        self._passing.set()
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        for trouble in self._troubles:
            self._loop.call_later(trouble.at, self._strike, trouble)
        begun.set()
        await self._over.wait()
        server.close()
        for link in self._links:
            link.reset()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next round

    def _strike(self, trouble: Trouble) -> None:
        self.happened.append(trouble)
        links = list(self._links)
        match trouble.kind:
            case Kind.CUT:
                self._all(links, _Link.cut)
            case Kind.RESET:
                self._all(links, _Link.reset)
            case Kind.TRUNCATE:
                self._truncate = int(trouble.amount)
            case Kind.STALL:
                self._passing.clear()
            case Kind.DELAY:
                self._delay = trouble.amount
            case Kind.REFUSE:
                self._refusing = True
                self._all(links, _Link.cut)
        if trouble.seconds and self._loop is not None:
            self._loop.call_later(trouble.seconds, self._mend, trouble.kind)

    def _all(self, links: Sequence[_Link], what: Callable[[_Link], None]) -> None:
        for link in links:
            what(link)

    def _mend(self, kind: Kind) -> None:
        match kind:
            case Kind.STALL:
                self._passing.set()
            case Kind.DELAY:
                self._delay = 0.0
            case Kind.REFUSE:
                self._refusing = False

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link([writer])
        if self._refusing:
            link.reset()
            return
        self._links.add(link)
        try:
            with suppress(OSError, asyncio.CancelledError):
                far_reader, far = await asyncio.open_connection("127.0.0.1", self.target)
                link.writers.append(far)
                await asyncio.gather(
                    self._pass(link, reader, far), self._pass(link, far_reader, writer)
                )
        finally:
            link.reset()
            self._links.discard(link)

    async def _pass(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(PIECE):
                await self._passing.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                if self._truncate is not None:
                    await self._cut_short(link, writer, data)
                    return
                writer.write(data)
                await writer.drain()
        link.cut()

    async def _cut_short(self, link: _Link, writer: asyncio.StreamWriter, data: bytes) -> None:
        count, self._truncate = self._truncate, None
        writer.write(data[:count])
        await writer.drain()
        link.reset()


@contextmanager
def proxying(target: int, troubles: Sequence[Trouble] = ()) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own until the block is left."""
    proxy, begun = Proxy(target, troubles), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.serve(begun)), name="proxy")
    thread.start()
    begun.wait(10)
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
