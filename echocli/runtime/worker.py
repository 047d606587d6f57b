"""One life of a worker process, seen from the parent.

A :class:`Worker` is started once, answers requests through futures and ends once: by ``stop``,
``kill``, its own death or the death of this process. Restarting is :mod:`.supervisor`'s.
"""

from __future__ import annotations

import atexit
import itertools
import queue
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, BinaryIO, cast

from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.runtime.channel import Channel
from echocli.runtime.protocol import Decode, Decoded, Load, Loaded, Ping, Pong, Reply, Request
from echocli.runtime.spawning import spawn

STOP_PATIENCE = 1.0
"""Seconds a child gets to end by itself."""


_LONGEST_LINE = 4096

_alive: weakref.WeakSet[Worker] = weakref.WeakSet()


class WorkerDied(Exception):
    """The process ended without answering; the text says how."""


class Worker:
    """A child process that serves one model."""

    def __init__(self, spec: LoadSpec) -> None:
        self.spec = spec
        self.loaded: Future[Loaded] = Future()
        self.load_seconds = 0.0
        """Seconds from the start of the process until the model was loaded."""
        self._born = time.perf_counter()
        self.rss_bytes = 0
        self._ids = itertools.count(1)
        self._lock = threading.RLock()
        self._pending: dict[int, Future[Any]] = {}
        self._last_words: deque[str] = deque(maxlen=20)
        self._cause = ""
        """Why it was ended, where it did not end by itself."""
        self._ended = threading.Event()
        self._process = spawn()
        stdin, stdout = self._process.stdin, self._process.stdout
        self._channel = Channel(cast(BinaryIO, stdout), cast(BinaryIO, stdin))
        # A stopped child does not read, and a window is larger than a pipe: sending must not block.
        self._outbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._start_thread(self._write_requests)
        self._listener = self._start_thread(self._read_stderr)
        self._start_thread(self._read_replies)
        self._outbox.put(Load(spec))
        _alive.add(self)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        # poll() answers "alive" while another thread waits for the process, hence the second.
        return self._process.poll() is None and not self._ended.is_set()

    def cpu_seconds(self) -> float | None:
        """Return the processor time the child and what it runs have used so far.

        ``None`` where that cannot be known.
        """
        try:
            times = [one.cpu_times() for one in self._family()]
        except Exception:
            return None
        return float(sum(time.user + time.system for time in times))

    def submit(
        self, windows: Sequence[Window], options: DecodeOptions, slowdown: float = 1.0
    ) -> Future[Decoded]:
        """Send windows; the future gets their hypotheses, or ``WorkerDied`` or the error."""
        return self._ask(Decode(next(self._ids), tuple(windows), options, slowdown))

    def ping(self) -> Future[Pong]:
        """Ask for a sign of life, which comes when what was asked before is done."""
        return self._ask(Ping(next(self._ids)))

    def kill(self) -> None:
        """End the process, and what it has started, at once, and wait for it."""
        family: Sequence[Any] = ()
        with suppress(Exception):  # it has ended already
            family = self._family()
        self._process.kill()
        self._process.wait()
        for helper in family[1:]:
            with suppress(Exception):  # it has ended, or its number is another's
                helper.kill()
        self._outbox.put(None)
        self._fail_all()

    def stop(self) -> None:
        """Close the pipe, which ends an idle child by itself; kill it if it does not."""
        _alive.discard(self)
        self._outbox.put(None)
        self._await_end()

    def _ask(self, request: Decode | Ping) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            self._pending[request.id] = future
        if not self.alive:
            self._fail_all()
        else:
            self._outbox.put(request)
        return future

    def _family(self) -> Sequence[Any]:
        """Return the child and the programs it runs; a provider may be one (see voxtral)."""
        import psutil

        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]

    def _await_end(self) -> None:
        try:
            self._process.wait(timeout=STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def _start_thread(self, target: Any) -> threading.Thread:
        thread = threading.Thread(target=target, name=f"worker-{self.pid}", daemon=True)
        thread.start()
        return thread

    def _write_requests(self) -> None:
        """Send what is in the outbox, up to ``None``; only here, because it can block."""
        stdin = cast(BinaryIO, self._process.stdin)
        with suppress(OSError), stdin:  # the reader of replies sees the death and says so
            while (request := self._outbox.get()) is not None:
                self._channel.send(request)

    def _read_replies(self) -> None:
        with cast(BinaryIO, self._process.stdout):
            try:
                while True:
                    self._deliver(self._channel.receive())
            except EOFError:
                pass
            except Exception as error:  # whatever unpickling may raise
                self._cause = f"its answer cannot be read: {error}"
        self._ended.set()
        self._await_end()
        self._outbox.put(None)
        self._listener.join(STOP_PATIENCE)
        self._fail_all()

    def _deliver(self, reply: Reply) -> None:
        if isinstance(reply, Loaded):
            self.rss_bytes = reply.rss_bytes
            self.load_seconds = time.perf_counter() - self._born
            self._settle(self.loaded, reply)
        elif isinstance(reply, Decoded):
            self.rss_bytes = reply.rss_bytes
            self._settle(self._take(reply.id), reply)
        elif isinstance(reply, Pong):
            self._settle(self._take(reply.id), reply)
        elif reply.id is None:
            self._settle(self.loaded, reply.error)
        else:
            self._settle(self._take(reply.id), reply.error)

    def _take(self, number: int) -> Future[Any]:
        with self._lock:
            return self._pending.pop(number, Future())

    def _settle(self, future: Future[Any], result: object) -> None:
        """Answer a future once: an answer and a death may come at the same time."""
        with self._lock:
            if future.done():
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _fail_all(self) -> None:
        with self._lock:
            waiting: list[Future[Any]] = [self.loaded, *self._pending.values()]
            self._pending.clear()
        for future in waiting:
            self._settle(future, WorkerDied(self._epitaph()))

    def _read_stderr(self) -> None:
        """Keep the last lines a library printed: they tell the cause of a crash."""
        with cast(BinaryIO, self._process.stderr) as stream:
            while line := stream.readline(_LONGEST_LINE):
                # Control characters of a library are nothing for an error message.
                words = "".join(filter(str.isprintable, line.decode("utf-8", "replace"))).strip()
                if words:
                    self._last_words.append(words)

    def _epitaph(self) -> str:
        status = self._process.poll()
        if status is None:
            how = "closed its pipe"
        else:
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        words = self._cause or (self._last_words[-1] if self._last_words else "")
        return f"worker {how}" + (f": {words}" if words else "")


@atexit.register
def _kill_all() -> None:
    """Leave no child behind, whatever way this process ends."""
    for worker in list(_alive):
        worker.kill()
