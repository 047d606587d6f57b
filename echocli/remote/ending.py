"""How a session ends to which the server did not say the last word."""

from __future__ import annotations

from pathlib import Path

from echocli.errors import EchoError, OutputError, TranscriptionError
from echocli.events import End, Event, StatsEvent
from echocli.remote.core import Core
from echocli.remote.policy import GiveUp
from echocli.remote.salvage import Kept, salvage
from echocli.remote.telling import hint
from echocli.types import seconds

LEAST = 1.0
"""Seconds of sound that are worth being kept."""


def last_words(core: Core, language: str | None) -> list[Event]:
    """Return stats and end where the server sent none: it is gone, or was not needed any more."""
    if core.story.over:
        return []
    lost = round(core.waiting, 3)
    figures = {"audio_seconds": seconds(core.position), "lost_seconds": lost}
    return [StatsEvent(figures), End(seconds(core.position), language)]


def left(
    core: Core, host: str, url: str, in_file: bool
) -> tuple[list[EchoError], tuple[Path, float] | None]:
    """Keep what has no text, and say why it has none; where it is kept if nothing went wrong.

    It is not kept where it is hardly anything, or ``in_file`` anyway.
    """
    errors: list[EchoError] = []
    kept = None
    if not in_file and core.waiting >= LEAST:
        try:
            kept = salvage(core.courses)
        except OutputError as error:
            errors.append(error)
    if core.failure is not None:
        errors.append(_complaint(core, host, url, core.failure, kept))
        return errors, None
    return errors, None if kept is None else (kept.directory, kept.seconds)


def _complaint(
    core: Core, host: str, url: str, why: GiveUp, kept: Kept | None
) -> TranscriptionError:
    lost = "connection lost: " if core.connections and not why.fatal else ""
    text = f"{lost}{host}: {why.reason}"
    if kept is None:
        return TranscriptionError(text, hint=hint(why.loss))
    names = " ".join(map(str, kept.paths))
    return TranscriptionError(
        f"{text}; {kept.seconds:.1f} s of sound without text are kept in {kept.directory}",
        hint=f"send it later: echocli transcribe {names} --remote {url}",
    )
