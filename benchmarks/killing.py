"""Kill or stop the worker of a running program, at moments of a plan.

How far the program is and when it decodes is read from its log (``--log-level debug``), so that a
blow falls in the middle of an inference as long as there is one, and blows are spread over the
windows and not over time, which a blow makes longer.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

LOOK = 0.002
"""Seconds between two looks at the log: a window of a small model takes 100 ms."""

SPREAD = 0.75
"""Share of the windows at which blows are due; those that have to wait need room behind it."""


@dataclass(frozen=True, slots=True)
class Blow:
    """What hits the worker once ``windows`` windows are decoded.

    ``wait`` is the share of a usual inference to let pass after the next one has begun.
    """

    windows: float
    wait: float
    signal: signal.Signals


def plan(seed: int, windows: int, kills: int, stops: int) -> list[Blow]:
    """Return kills and stops in random order, spread at random over so many windows."""
    chance = random.Random(seed)
    signals = [signal.SIGKILL] * kills + [signal.SIGSTOP] * stops
    chance.shuffle(signals)
    due = sorted(chance.uniform(0.0, SPREAD * windows) for _ in signals)
    return [Blow(at, chance.random(), what) for at, what in zip(due, signals, strict=True)]


def volley(seed: int, windows: int, blows: int = 3) -> list[Blow]:
    """Return kills right at the start of an inference and of those that try again."""
    due = random.Random(seed).randrange(windows)
    return [Blow(due, 0.0, signal.SIGKILL)] * blows


@dataclass(slots=True)
class Struck:
    """A blow that fell ``at`` seconds after the start of the program.

    ``answered`` is when the next inference was complete, unless another blow came first.
    """

    signal: signal.Signals
    at: float
    answered: float | None = None


class Killing:
    """Carry a plan out while a program runs; a context manager around its run.

    No more than ``in_a_row`` blows fall without a completed inference between them; those that are
    due wait for it.
    """

    def __init__(self, blows: Sequence[Blow], log: Path, in_a_row: int) -> None:
        self.struck: list[Struck] = []
        self._blows = blows
        self._log = log
        self._in_a_row = in_a_row
        self._root = psutil.Process()
        self._start = 0.0
        self._read = 0
        self._windows = 0
        self._row = 0
        self._usual = 0.0
        self._due_at: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="killing", daemon=True)

    def __call__(self, pid: int, start: float) -> Self:
        """Return what to enter for a program that was started at ``start`` (``perf_counter``)."""
        self._root, self._start = psutil.Process(pid), start
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while len(self.struck) < len(self._blows) and not self._over.wait(LOOK):
            self._follow()
            if self._due_at is not None and self._now() >= self._due_at:
                self._strike(self._blows[len(self.struck)].signal)
        while not self._over.wait(LOOK) and self.struck and self.struck[-1].answered is None:
            self._follow()

    def _now(self) -> float:
        return time.perf_counter() - self._start

    def _follow(self) -> None:
        """Take in what the log says since the last look."""
        try:
            with self._log.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            self._take(line.split())

    def _take(self, words: Sequence[str]) -> None:
        if "inference_complete" in words:
            fields = dict(word.partition("=")[::2] for word in words if "=" in word)
            self._windows += int(fields["windows"])
            self._usual, self._row = float(fields["ms"]) / 1000, 0
            if self.struck and self.struck[-1].answered is None:
                self.struck[-1].answered = self._now()
        elif "inference_start" in words and self._due_at is None and self._is_due():
            self._due_at = self._now() + self._blows[len(self.struck)].wait * self._usual

    def _is_due(self) -> bool:
        left = len(self.struck) < len(self._blows) and self._row < self._in_a_row
        return left and self._blows[len(self.struck)].windows <= self._windows

    def _strike(self, what: signal.Signals) -> None:
        self._due_at = None
        worker = worker_of(self._root)
        if worker is None:
            return  # it is between two workers: the next inference will do
        with suppress(psutil.NoSuchProcess):
            worker.send_signal(what)
            self.struck.append(Struck(what, self._now()))
            self._row += 1


def worker_of(root: psutil.Process) -> psutil.Process | None:
    """Return the newest worker of a program, if it lives."""
    found: list[tuple[float, psutil.Process]] = []
    with suppress(psutil.NoSuchProcess):
        for child in root.children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "echocli.runtime.worker_process" in child.cmdline():
                    found.append((child.create_time(), child))
    return max(found, key=lambda one: one[0])[1] if found else None
