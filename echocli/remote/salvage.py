"""Leave sound without a text where a person finds it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from echocli.audio.recording import Recorder
from echocli.errors import OutputError
from echocli.remote.course import Course
from echocli.remote.outbox import to_samples
from echocli.types import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Kept:
    """What was left."""

    directory: Path
    paths: tuple[Path, ...]
    seconds: float


def salvage(courses: Sequence[Course]) -> Kept | None:
    """Write what has no text to a WAV file for each source, holes as silence.

    ``None`` where there is nothing. Raises ``OutputError`` where it cannot be written.
    """
    left = [course for course in courses if course.outbox.kept and course.waiting]
    if not left:
        return None
    try:
        directory = Path(tempfile.mkdtemp(prefix="echocli-"))
    except OSError as error:
        raise OutputError(f"the sound without a text cannot be kept: {error}") from error
    names = [f"{_plain(course.name)}.wav" for course in left]
    paths = tuple(
        directory / (one if names.count(one) == 1 else f"{place}-{one}")
        for place, one in enumerate(names)
    )
    for course, path in zip(left, paths, strict=True):
        _write(course, path)
    return Kept(directory, paths, sum(course.waiting for course in left) / SAMPLE_RATE)


def _write(course: Course, path: Path) -> None:
    recorder = Recorder(path)
    try:
        position = course.settled
        course.outbox.forget(position)
        for at, pcm in course.outbox.rest():
            samples = to_samples(pcm)[max(0, position - at) :]
            recorder.silence(max(0, at - position))
            recorder.write(samples)
            position = max(position, at) + len(samples)
    finally:
        recorder.close()


def _plain(name: str) -> str:
    stem = Path(name).stem or "sound"
    return "".join(one if one.isalnum() or one in "-_ ." else "_" for one in stem)[:60]
