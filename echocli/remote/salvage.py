"""Leave sound without a text where a person finds it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from echocli.audio.recording import Recorder
from echocli.errors import OutputError
from echocli.remote.course import Course
from echocli.remote.outbox import to_samples
from echocli.remote.spool import Spool
from echocli.types import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Kept:
    """What was left; ``paths`` may be patterns."""

    directories: tuple[Path, ...]
    paths: tuple[Path, ...]
    seconds: float
    lost: float = 0.0
    """Seconds of sound that are gone."""
    problem: OutputError | None = None
    """Why it is not one file for each source."""


def salvage(courses: Sequence[Course], spool: Spool) -> Kept | None:
    """Move what has no text to a WAV file for each source, holes as silence.

    A block goes from the disk when it is in the file, so one that fits more is room enough. Where
    there is none, what was not moved stays as the blocks it is. ``None`` where there is nothing.
    """
    left = [course for course in courses if course.waiting]
    if not left:
        return None
    spool.stays = True  # whatever ends this: what is not in a file yet is there
    for course in left:
        course.outbox.forget(course.settled)
    total = sum(course.waiting for course in left)
    paths: list[Path] = []
    moved = 0
    problem = None
    try:
        for course, path in _places(left):
            paths.append(path)
            with closing(Recorder(path)) as recorder:
                for count in _move(course, recorder):
                    moved += count
    except OutputError as error:
        problem = error
    directories = _tidied(paths)
    paths = [path for path in paths if path.exists()]
    on_disk = sum(course.outbox.on_disk for course in left)
    spool.stays = on_disk > 0
    if on_disk and spool.directory is not None:
        directories.append(spool.directory)
        paths.append(spool.directory / "*.wav")
    kept, lost = moved + on_disk, total - moved - on_disk
    if not kept and problem is None:
        return None
    return Kept(
        tuple(directories), tuple(paths), kept / SAMPLE_RATE, max(0, lost) / SAMPLE_RATE, problem
    )


def _places(left: Sequence[Course]) -> Iterator[tuple[Course, Path]]:
    """Yield each source with the file for it, in a directory that is made for them."""
    try:
        directory = Path(tempfile.mkdtemp(prefix="echocli-"))
    except OSError as error:
        why = error.strerror or error
        raise OutputError(f"the sound without a text cannot be kept: {why}") from error
    names = [f"{_plain(course.name)}.wav" for course in left]
    for place, (course, name) in enumerate(zip(left, names, strict=True)):
        yield course, directory / (name if names.count(name) == 1 else f"{place}-{name}")


def _move(course: Course, recorder: Recorder) -> Iterator[int]:
    """Write the sound of a source and let go of it, part by part; yield how many samples it was."""
    outbox, position = course.outbox, course.outbox.start
    for at, pcm in outbox.rest():
        samples = to_samples(pcm)
        if recorder.samples:  # nothing is missing before the first
            recorder.silence(at - position)
        recorder.write(samples)
        position = at + len(samples)
        outbox.forget(position)
        yield len(samples)


def _tidied(paths: Sequence[Path]) -> list[Path]:
    """Return the directory of the files, unless there is nothing in it: then it goes."""
    if not paths:
        return []
    directory = paths[0].parent
    with suppress(OSError):
        directory.rmdir()
        return []
    return [directory]


def _plain(name: str) -> str:
    stem = Path(name).stem or "sound"
    return "".join(one if one.isalnum() or one in "-_ ." else "_" for one in stem)[:60]
