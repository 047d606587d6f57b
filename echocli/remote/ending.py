"""How a session ends to which the server did not say the last word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from echocli.audio.capture import Capture
from echocli.errors import EchoError, OutputError, TranscriptionError, UsageError
from echocli.events import DISCARDED, End, Event, Gap, StatsEvent
from echocli.remote.core import Core
from echocli.remote.course import Course
from echocli.remote.policy import GiveUp
from echocli.remote.salvage import Kept, salvage
from echocli.remote.spool import Spool
from echocli.remote.telling import gone, hint
from echocli.types import SAMPLE_RATE, Span, seconds, to_samples
from echocli.wire.codes import Code

REMOTE = "remote"
"""Begins the reason of a gap that no server has seen to."""

LEAST = 1.0
"""Seconds of sound that are worth being kept."""


def pass_over(core: Core, sources: Sequence[Capture]) -> None:
    """Take what is not read any more of files, because nobody would decode it, as lost."""
    for course, source in zip(core.courses, sources, strict=True):
        if (whole := getattr(source, "duration", None)) is not None:
            course.begun = course.begun or 0
            course.outbox.skip(max(0, to_samples(whole) - course.outbox.end))


def last_words(core: Core, language: str | None) -> list[Event]:
    """Return what has no text, stats and end where the server did not say them.

    It is gone, or was not needed any more.
    """
    if core.story.over:
        return []
    why = "the sound is lost" if core.failure is None else core.failure.reason
    events: list[Event] = [gap for course in core.courses for gap in _gaps(course, why)]
    if not core.story.counted:
        lost = sum(max(0, one.outbox.end - one.settled) for one in core.courses) / SAMPLE_RATE
        figures = {"audio_seconds": seconds(core.position), "lost_seconds": round(lost, 3)}
        events.append(StatsEvent(figures))
    return [*events, End(seconds(core.position), language)]


def _gaps(course: Course, why: str) -> list[Gap]:
    """Return what was put aside and gets no text any more, and what comes behind all texts."""
    if course.begun is None:
        return []
    rest = Span(max(course.final, course.last_end), course.outbox.end)
    aside = [(span, f"{DISCARDED}: {why}") for span in course.pending.spans]
    return [
        Gap(seconds(span.start), seconds(span.end), reason, course.name)
        for span, reason in [*aside, (rest, f"{REMOTE}: {why}")]
        if span.start < span.end
    ]


def left(
    core: Core, spool: Spool, host: str, url: str, in_file: bool
) -> tuple[list[EchoError], tuple[Path, float] | None]:
    """Keep what has no text, and say why it has none; where it is kept if nothing went wrong.

    It is not kept where it is hardly anything, or ``in_file`` anyway.
    """
    keep = not in_file and core.waiting >= LEAST
    kept = salvage(core.courses, spool) if keep else None
    whole = kept if kept is not None and kept.problem is None else None
    errors: list[EchoError] = []
    if core.failure is not None:
        errors.append(_complaint(core, host, url, core.failure, whole))
    if kept is not None and kept.problem is not None:
        errors.append(_partly(kept, kept.problem, url))
    if errors or whole is None:
        return errors, None
    return errors, (whole.directories[0], whole.seconds)


def _complaint(core: Core, host: str, url: str, why: GiveUp, kept: Kept | None) -> EchoError:
    text, code = gone(host, why, was_there=core.connections > 0), why.loss and why.loss.code
    # The first message says what is wished for, which a server may not be able to follow.
    unfit = code == Code.BAD_MESSAGE and not core.connections
    kind = UsageError if unfit else TranscriptionError
    if kept is None:
        return kind(text, hint=hint(why.loss))
    return kind(f"{text}; {_where(kept)}", hint=_later(kept, url))


def _partly(kept: Kept, problem: OutputError, url: str) -> OutputError:
    """Say what is left of sound that there was no room for."""
    if not kept.seconds:
        return OutputError(f"{problem}; {kept.lost:.1f} s of sound are lost", hint=problem.hint)
    lost = f", {kept.lost:.1f} s are lost" if kept.lost else ""
    return OutputError(f"{problem}; {_where(kept)}{lost}", hint=_later(kept, url))


def _where(kept: Kept) -> str:
    places = " and ".join(map(str, kept.directories))
    return f"{kept.seconds:.1f} s of sound without text are kept in {places}"


def _later(kept: Kept, url: str) -> str:
    names = " ".join(map(_typed, kept.paths))
    return f"send it later: echocli transcribe {names} --remote {quote(url)}"


def _typed(path: Path) -> str:
    """Return a path or pattern as it is typed into a shell."""
    name = path.name if "*" in path.name else quote(path.name)
    return f"{quote(str(path.parent))}/{name}"
