"""OpenAI's audio endpoints: a form with a file comes in, its text goes out.

The unmodified ``openai`` client is what they are tested with.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from echocli.api.collected import Collected
from echocli.clock import Clock
from echocli.events import Final
from echocli.providers.base import LoadSpec
from echocli.server import openai_answer as answers
from echocli.server import uploads
from echocli.server.limits import Budget
from echocli.server.openai_request import (
    ANY_MODEL,
    Asked,
    asked,
    check_model,
    last,
    model_name,
)
from echocli.server.problems import AGAIN, Problem
from echocli.server.uploads import Store, Upload
from echocli.server.work import Job, Jobs
from echocli.types import Task, Transcript

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ALIVE = 10.0
"""Seconds without text after which a stream says that it is still there."""


@dataclass(slots=True)
class Audio:
    """What both endpoints share."""

    jobs: Jobs
    store: Store
    served: Callable[[], Sequence[LoadSpec]]
    """What serves, and what was asked for at the start."""
    refused: Callable[[str], None]
    """Counts a file that was turned away, by why."""
    taken: Callable[[Upload], None]
    """Counts a file that was taken."""

    @property
    def models(self) -> list[str]:
        """What the models are called, or where they are."""
        return [spec.model for spec in self.served()]

    async def answer(self, request: Request, task: Task) -> Response:
        """Return the answer to one request; raise :class:`Problem` for what has none."""
        try:
            job, wanted = await self._begun(request, task)
        except Problem as problem:
            self.refused(problem.code)
            raise
        spec = self.served()[0]
        async with _watched(request, job):
            if wanted.stream:
                return await _streamed(job, spec)
            transcript = await _transcript(job, spec)
        body = answers.body(transcript, wanted, job.notices)
        headers = answers.headers(wanted, job.notices)
        return Response(body, headers=headers, media_type=answers.KINDS[wanted.shape])

    async def _begun(self, request: Request, task: Task) -> tuple[Job, Asked]:
        upload = await self._received(request)
        try:
            if not upload.has_file:
                text = "the form has no file, in a part called 'file'"
                raise Problem(400, "missing_file", text, param="file")
            check_model(last(upload.fields, "model"), self.models)
            wanted = asked(upload.fields, task)
        except BaseException:
            upload.discard()
            raise
        self.taken(upload)
        return Job(self.jobs, upload, wanted), wanted

    async def _received(self, request: Request) -> Upload:
        """Take the file; one that would find no place to be transcribed is not even read."""
        if self.jobs.slots.full:
            raise Problem(429, "too_many_requests", "too many files wait", retry_after=AGAIN)
        pace = self.store.pace()
        if not self.jobs.has_room(pace.since):
            raise Problem(503, "overloaded", "too many files come at once", retry_after=AGAIN)
        return await self.jobs.received(uploads.receive(request, self.store, pace), pace)


def router(audio: Audio, created: int) -> APIRouter:
    """Return the routes; ``created`` is the Unix time that models are said to be of."""
    made = APIRouter(prefix="/v1")

    @made.post("/audio/transcriptions")
    async def transcriptions(request: Request) -> Response:
        return await audio.answer(request, Task.TRANSCRIBE)

    @made.post("/audio/translations")
    async def translations(request: Request) -> Response:
        return await audio.answer(request, Task.TRANSLATE)

    @made.get("/models")
    async def models() -> dict[str, Any]:
        names = dict.fromkeys([*map(model_name, audio.models), ANY_MODEL])
        return {"object": "list", "data": [_model(name, created) for name in names]}

    @made.get("/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        if not name:
            return await models()
        check_model(name, audio.models)
        return _model(model_name(name), created)

    return made


def store_of(folder: Path, largest: int, files: int, clock: Clock) -> Store:
    """Return where files go: room for as many of the largest as are transcribed at once, twice."""
    return Store(folder, largest, Budget(2 * files * largest), clock)


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "echocli"}


@asynccontextmanager
async def _watched(request: Request, job: Job) -> AsyncIterator[None]:
    """Give the job up where the client goes away, or the block fails."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        job.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except BaseException:
        job.cancel()
        raise
    finally:
        watcher.cancel()


async def _transcript(job: Job, spec: LoadSpec) -> Transcript:
    collected = Collected()
    while (event := await job.next()) is not None:
        collected.take(event)
    return _whole(collected, spec)


def _whole(collected: Collected, spec: LoadSpec) -> Transcript:
    """Return the transcript; raise :class:`Problem` for one with a hole nobody would see."""
    for gap in collected.gaps:
        text = f"no text from {gap.start:.1f} s to {gap.end:.1f} s: {gap.reason}"
        raise Problem(500, "transcript_incomplete", text)
    return collected.transcript(spec)


async def _streamed(job: Job, spec: LoadSpec) -> Response:
    """Return a stream; what fails before the first sound was read still has a status."""
    await job.next()  # the source is open, and a model is there
    return _Stream(job, _told(job, spec))


class _Stream(StreamingResponse):
    """Events as they come; whoever goes away, even before the first one, gives the job up.

    That cannot be left to the generator: one that was never begun has nothing to end.
    """

    def __init__(self, job: Job, told: AsyncIterator[bytes]) -> None:
        headers = {"x-accel-buffering": "no"}  # nginx would hold events back
        super().__init__(told, media_type="text/event-stream", headers=headers)
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._job.cancel()


async def _told(job: Job, spec: LoadSpec) -> AsyncIterator[bytes]:
    """Yield events as text; the last one is the whole text, or why there is none."""
    collected = Collected()
    try:
        async for event in job.beats(ALIVE):
            if event is None:
                yield b": still there\n\n"
                continue
            before = answers.spoken(collected.segments)
            collected.take(event)
            if isinstance(event, Final):
                yield answers.server_sent(answers.delta(event.segment, before))
        yield answers.server_sent(answers.done(_whole(collected, spec), job.notices))
        yield b"data: [DONE]\n\n"
    except Problem as problem:
        yield answers.server_sent(problem.body())
