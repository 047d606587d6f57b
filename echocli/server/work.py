"""One file on its way: a thread that transcribes, awaited from the event loop.

A job belongs to nobody's connection: it holds its place and its file until the thread has ended,
and whoever waits for it may go away at any time.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from echocli.audio.file import FileSource
from echocli.errors import EchoError, InputError
from echocli.events import Event, Meter, Notice, Progress
from echocli.server.limits import Busy, Pace, Slots, slowest
from echocli.server.problems import Problem, problem_of
from echocli.server.uploads import too_slow
from echocli.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from pathlib import Path

    from echocli.api.hosting import Hosting
    from echocli.server.openai_request import Asked
    from echocli.server.readiness import Readiness
    from echocli.server.uploads import Upload

_UNTOLD = (Progress, Meter, Notice)
"""Events that nobody needs here, but for the notices below."""

ABOUT_INPUT = frozenset({"input", "no_text", "no_speech"})
"""Codes of the notices that are about the file; others are for whoever runs the server."""

UPLOADS = 64
"""Files that may be on their way in at the same time; they wait for nothing but their clients."""

FAREWELL = 0.5
"""Seconds those get to end that are given up when the server goes away."""

_numbers = itertools.count(1)


class Limited(FileSource):
    """A file that must not be longer than so many seconds, and can be given up."""

    def __init__(self, path: Path, name: str, most: float) -> None:
        super().__init__(path)
        self.name = name
        self._most = most
        self._given_up = threading.Event()

    def blocks(self) -> Iterator[Samples]:
        """Yield what there is; raise ``InputError`` beyond the limit."""
        read = 0
        for block in super().blocks():
            read += len(block)
            if self._given_up.is_set():
                raise InputError(f"{self.name}: nobody waits for it any more")
            if read > self._most * SAMPLE_RATE:
                raise self._too_long()
            yield block

    def give_up(self) -> None:
        """Read no further."""
        self._given_up.set()

    def _too_long(self) -> InputError:
        return InputError(f"{self.name}: is longer than {self._most:.0f} s")

    def __enter__(self) -> Self:
        super().__enter__()
        if (self.duration or 0.0) > self._most:
            self.close()
            raise self._too_long()
        return self


@dataclass(slots=True)
class Jobs:
    """The files that are on their way, and what they share."""

    hosting: Hosting
    slots: Slots
    readiness: Readiness
    max_seconds: float
    running: set[Job] = field(default_factory=set)
    coming: dict[Pace, asyncio.Task[Upload]] = field(default_factory=dict)
    """Files on their way in."""
    leaving: bool = False
    """Whether the server is about to end: nothing more is begun."""

    async def received(self, coming: Coroutine[Any, Any, Upload], pace: Pace) -> Upload:
        """Return a file that comes in.

        Raises :class:`Problem` where the server ends meanwhile, or it had to give way.
        """
        self.coming[pace] = task = asyncio.create_task(coming)
        try:
            return await task
        except asyncio.CancelledError:
            if self.leaving:
                raise going_away() from None
            if pace not in self.coming:
                raise too_slow() from None
            raise
        finally:
            self.coming.pop(pace, None)

    def has_room(self, now: float) -> bool:
        """Whether one more file may come in; one that hardly comes gives way to it.

        Overflow rule: where none crawls, who comes is refused.
        """
        if len(self.coming) < UPLOADS:
            return True
        crawling = slowest(self.coming, now)
        if crawling is None:
            return False
        self.coming.pop(crawling).cancel()
        return True

    async def drain(self, timeout: float) -> None:
        """Give up what is not begun, wait until the rest is done, then give that up too.

        Returns ``timeout`` seconds after the call at the latest, and :data:`FAREWELL`.
        """
        self.leaving = True
        for task in self.coming.values():
            task.cancel()
        for job in self.running:
            if not job.begun:
                job.cancel()
        await self._ended(timeout)
        for job in self.running:
            job.cancel()
        await self._ended(FAREWELL)

    async def _ended(self, timeout: float) -> None:
        if self.running:
            await asyncio.wait([job.task for job in self.running], timeout=timeout)


class Job:
    """Transcribe one upload; made and awaited in the event loop."""

    def __init__(self, jobs: Jobs, upload: Upload, asked: Asked) -> None:
        self.name = f"file/{next(_numbers)}"  # no session can be called so
        self._jobs = jobs
        self._upload = upload
        self._asked = asked
        self._source = Limited(upload.path, upload.name, jobs.max_seconds)
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[Event | Problem | None] = asyncio.Queue()
        """Events, then why there are no more; bounded by the text of the longest file."""
        self._thread_ended = asyncio.Event()
        self.notices: list[Notice] = []
        """What is to be said of the file; whole once there are no more events."""
        self.begun = False
        """Whether it has its turn."""
        self._cancelled = False
        jobs.running.add(self)
        self.task = asyncio.create_task(self._run())

    async def next(self) -> Event | None:
        """Return what happens next, ``None`` at the end; raise :class:`Problem` where it fails."""
        item = await self._news.get()
        if isinstance(item, Problem):
            raise item
        return item

    async def beats(self, secs: float) -> AsyncIterator[Event | None]:
        """Yield what happens, and ``None`` where nothing does for so long."""
        while True:
            event: Event | None = None
            try:
                async with asyncio.timeout(secs):
                    event = await self.next()
                if event is None:
                    return
            except TimeoutError:
                pass
            yield event

    def cancel(self) -> None:
        """Give it up: whoever wanted it is gone, or the server ends. Harmless when it is over."""
        self._cancelled = True
        self._source.give_up()
        self._news.put_nowait(going_away())
        if self.begun:
            self._jobs.hosting.cancel(self.name)
        else:
            self.task.cancel()

    async def _run(self) -> None:
        last: Problem | None = None
        try:
            if self._jobs.leaving:
                raise going_away()
            await self._jobs.readiness.wait()
            async with self._jobs.slots.hold():
                await self._in_thread()
        except Problem as problem:
            last = problem
        except Busy as busy:
            last = Problem(429, "too_many_requests", str(busy), retry_after=busy.retry_after)
        except asyncio.CancelledError:
            last = going_away()
        finally:
            self._upload.discard()
            self._jobs.running.discard(self)
            self._news.put_nowait(last)

    async def _in_thread(self) -> None:
        self.begun = True
        threading.Thread(target=self._transcribe, name=self.name, daemon=True).start()
        await self._thread_ended.wait()

    def _transcribe(self) -> None:
        """Do the work; everything it finds goes to the loop."""
        hosting = self._jobs.hosting
        try:
            transcription = hosting.open(self.name, self._source, self._asked.wishes)
            try:
                for event in transcription.events():
                    if isinstance(event, Notice) and event.code in ABOUT_INPUT:
                        self.notices.append(event)
                    if not isinstance(event, _UNTOLD):
                        self._tell(event)
            finally:
                transcription.close()
        except EchoError as error:
            self._tell(going_away() if self._cancelled else problem_of(error))
        except Exception as error:  # a defect ends one request, not the server
            self._tell(Problem(500, "server_error", f"unexpected {type(error).__name__}"))
            raise
        finally:
            hosting.close_guest(self.name)
            self._call(self._thread_ended.set)

    def _tell(self, item: Event | Problem) -> None:
        self._call(self._news.put_nowait, item)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has ended: the server was stopped by force
            self._loop.call_soon_threadsafe(function, *arguments)


def going_away() -> Problem:
    """Return the problem of a request that is given up."""
    return Problem(503, "going_away", "the request was given up", retry_after=5.0)
