"""The child: one provider, one model, requests in, hypotheses out.

It talks over the pipes it was started with and nothing else: standard output is pointed at standard
error first, so that a library's prints cannot reach the transcript. It ignores SIGINT, SIGTERM and
SIGHUP, because they may reach the whole group and the parent decides; it ends when the parent's end
of the pipe closes, however the parent ended.
"""

from __future__ import annotations

import errno
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

from echocli.errors import EchoError, ModelError, TranscriptionError
from echocli.providers import registry
from echocli.providers.base import Hypothesis, Provider
from echocli.runtime.channel import Channel
from echocli.runtime.protocol import (
    Conditions,
    Decode,
    Decoded,
    Failed,
    Load,
    Loaded,
    Ping,
    Pong,
    Reply,
    Request,
)

PASSING = (errno.EIO, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT)
"""Errors of the system that may have passed the next time."""


def main() -> None:
    """Serve requests until the parent goes away."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):  # SIGHUP is not on Windows
            signal.signal(number, signal.SIG_IGN)
    channel = _claim_pipes()
    inbox: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(channel, inbox), daemon=True).start()
    for library in sys.argv[1:]:
        threading.Thread(target=_anticipate, args=(library,), daemon=True).start()
    server = _Server()
    while True:
        reply = server.answer(inbox.get())
        try:
            channel.send(reply)
        except (OSError, ValueError):
            os._exit(0)


def _claim_pipes() -> Channel:
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return Channel(reader, writer)


def _read(channel: Channel, inbox: queue.SimpleQueue[Any]) -> None:
    """Take requests in; leave at once when the parent is gone, even in the middle of inference."""
    try:
        while True:
            inbox.put(channel.receive())
    except (EOFError, OSError, ValueError):
        os._exit(0)


def _anticipate(library: str) -> None:
    """Import what will probably be needed; the provider says it if that fails."""
    with suppress(Exception):
        import_module(library)


class _Server:
    def __init__(self) -> None:
        self._provider: Provider | None = None

    def answer(self, request: Request) -> Reply:
        if isinstance(request, Ping):
            return Pong(request.id)
        number = request.id if isinstance(request, Decode) else None
        try:
            return self._load(request) if isinstance(request, Load) else self._decode(request)
        except EchoError as error:
            return Failed(number, error)
        except Exception as error:
            # A library's own error types may not exist, or not unpickle, in the parent. A disk
            # that does not answer is no reason to take the weights for damaged.
            damaged = number is None and not (isinstance(error, OSError) and error.errno in PASSING)
            kind = ModelError if damaged else TranscriptionError
            return Failed(number, kind(f"{type(error).__name__}: {error}"))

    def _load(self, request: Load) -> Loaded:
        loaded = registry.load(request.spec)
        self._provider = loaded.provider
        return Loaded(loaded.report, resident_bytes(loaded.provider.programs()))

    def _decode(self, request: Decode) -> Decoded:
        if self._provider is None:
            raise TranscriptionError("no model is loaded")
        start = time.perf_counter()
        hypotheses = self._provider.decode(request.windows, request.options)
        hypotheses = _slowed(hypotheses, time.perf_counter() - start, request.slowdown)
        busy = (time.perf_counter() - start) * 1000
        conditions = _conditions(self._provider, request)
        memory = resident_bytes(self._provider.programs())
        return Decoded(request.id, tuple(hypotheses), busy, memory, conditions)


def _slowed(hypotheses: list[Hypothesis], secs: float, factor: float) -> list[Hypothesis]:
    """Let a decode that took ``secs`` take ``factor`` times as long."""
    if factor <= 1:
        return hypotheses
    time.sleep(secs * (factor - 1))
    return [replace(found, decode_ms=found.decode_ms * factor) for found in hypotheses]


def _conditions(provider: Provider, request: Decode) -> Conditions:
    options = request.options
    first = request.windows[0].beam_size if request.windows else None
    return Conditions(
        provider.spec.provider,
        provider.spec.model,
        first or options.beam_size,
        options.chunk_seconds,
    )


def resident_bytes(others: Sequence[int] = ()) -> int:
    """Return the resident memory of this process and of others; 0 where it cannot be known."""
    try:
        import psutil

        return sum(int(psutil.Process(pid).memory_info().rss) for pid in (None, *others))
    except Exception:
        return 0


if __name__ == "__main__":
    main()
