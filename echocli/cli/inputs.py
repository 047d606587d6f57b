"""From the words of a command line to the inputs they mean: files, patterns, whole directories.

The order is that of the words; in a directory it is the one people count in, ``part2`` before
``part10``. Nothing is opened here.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import TypeAlias

from echocli.audio.suffixes import is_media
from echocli.errors import InputError, UsageError
from echocli.output.files import STDIN

Place: TypeAlias = PurePath
"""Where below ``--output-dir`` the files of an input go."""

HERE = PurePath()

_DEEP = "**"
"""The part of a pattern that means directories to any depth."""

_PATTERN = re.compile(r"[*?]|\[.+\]")


@dataclass(slots=True)
class Inputs:
    """What the words of a command line mean."""

    paths: list[str] = field(default_factory=list)
    """What to transcribe, in order, each once."""
    below: dict[str, Place] = field(default_factory=dict)
    """Path → where its files go, for those found in the sub-directory of a directory."""
    refused: dict[str, InputError] = field(default_factory=dict)
    """Word or directory → why there is no input in it."""
    notices: list[str] = field(default_factory=list)
    """What a person should know about the words."""


def expand(words: Sequence[str], *, recursive: bool = False) -> Inputs:
    """Return the inputs that words mean.

    A pattern becomes the files that match where no file has that very name; shells that expand
    patterns have done so before. A directory becomes the sound and video files in and under it with
    ``recursive`` and is refused otherwise, as is one in which there is nothing to transcribe. What
    is meant twice is taken once. A file that is not there is left to whoever opens it.
    """
    found = Inputs()
    seen: set[str] = set()
    again: list[str] = []
    if "" in words:
        raise UsageError("an input without a name", hint="is a variable not set?")
    for word in words:
        try:
            for path, place in _meant(word, recursive=recursive, refused=found.refused):
                if (key := _key(path)) in seen:
                    again.append(path)
                    continue
                seen.add(key)
                found.paths.append(path)
                if place != HERE:
                    found.below[path] = place
        except InputError as error:
            found.refused[word] = error
    if again:
        more = f" and {len(again) - 1} more" if len(again) > 1 else ""
        found.notices.append(f"named twice, taken once: {again[0]}{more}")
    return found


def is_pattern(word: str) -> bool:
    """Tell whether a word holds ``*``, ``?`` or ``[…]`` and is not the name of a file."""
    return bool(_PATTERN.search(word)) and not os.path.lexists(word)


def natural(path: str | PurePath) -> tuple[tuple[tuple[bool, int, str], ...], ...]:
    """Return what to sort a path by: numbers by their value, letters without their case."""
    return tuple(_pieces(part) for part in PurePath(path).parts)


def _pieces(part: str) -> tuple[tuple[bool, int, str], ...]:
    pieces = re.split(r"([0-9]+)", part.casefold())
    # The text itself comes last, so that 01 and 1 have an order too.
    return tuple((not it.isdigit(), int(it) if it.isdigit() else 0, it) for it in [*pieces, part])


def _key(path: str) -> str:
    """Return what two ways to write a path have in common; links stay what they are called."""
    return path if path == STDIN else os.path.normcase(os.path.abspath(path))  # noqa: PTH100


def _meant(
    word: str, *, recursive: bool, refused: dict[str, InputError]
) -> Iterator[tuple[str, Place]]:
    if not is_pattern(word):
        yield from _meant_by_name(word, recursive=recursive, refused=refused)
        return
    if _DEEP in PurePath(word).parts:
        # A pattern that reaches below a directory names the files in it, not the directories.
        for path in _matching(word, sorted(_below(word, refused), key=natural)):
            yield path, HERE
        return
    for path in _matching(word, sorted(glob.glob(word), key=natural)):  # noqa: PTH207
        yield from _meant_by_name(path, recursive=recursive, refused=refused)


def _matching(word: str, found: list[str]) -> list[str]:
    if not found:
        raise InputError(f"{word}: no file matches", hint="check the pattern and the directory")
    return found


def _below(word: str, refused: dict[str, InputError]) -> Iterator[str]:
    """Yield the sound and video files of a pattern with ``**``.

    That of the library follows links, and has no end where some of them make a circle.
    """
    parts = PurePath(word).parts
    first = parts.index(_DEEP)
    above, rest = PurePath(*parts[:first]), parts[first:]
    tops = sorted(glob.glob(str(above))) if is_pattern(str(above)) else [str(above)]  # noqa: PTH207
    for top in filter(_is_directory, tops):
        for path in _walk(top, refused):
            if _fits(PurePath(os.path.relpath(path, top)).parts, rest):
                yield str(PurePath(path))


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether the parts of a path are as a pattern says, in which ``**`` is any number."""
    if not pattern:
        return not parts
    if pattern[0] == _DEEP:
        return any(_fits(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatch(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _meant_by_name(
    word: str, *, recursive: bool, refused: dict[str, InputError]
) -> Iterator[tuple[str, Place]]:
    if word == STDIN or not _is_directory(word):
        yield word, HERE
    elif not recursive:
        raise InputError(
            f"{word}: is a directory",
            hint="add --recursive to transcribe the sound and video files in it",
        )
    else:
        yield from _in_directory(word, refused)


def _is_directory(word: str) -> bool:
    try:
        return Path(word).is_dir()
    except (OSError, ValueError):  # too long, or a null character: whoever opens it says so
        return False


def _in_directory(top: str, refused: dict[str, InputError]) -> Iterator[tuple[str, Place]]:
    """Yield the files of a directory; links to directories are not followed, so it has an end."""
    errors: dict[str, InputError] = {}
    paths = sorted(_walk(top, errors), key=natural)
    refused |= errors
    if not paths and not errors:
        raise InputError(
            f"{top}: there is no sound or video file in it",
            hint="files are found by their ending, such as .wav or .mp4; name others themselves",
        )
    for path in paths:
        yield path, PurePath(os.path.relpath(path, top)).parent


def _walk(top: str, errors: dict[str, InputError]) -> Iterator[str]:
    def note(error: OSError) -> None:
        name, reason = str(error.filename), error.strerror or str(error)
        errors[name] = InputError(f"{name}: cannot be searched: {reason}")

    for directory, below, names in os.walk(top, onerror=note):
        below[:] = _shown(below)
        for name in _shown(names):
            path = os.path.join(directory, name)  # noqa: PTH118
            if is_media(name) and Path(path).is_file():
                yield path


def _shown(names: Iterable[str]) -> list[str]:
    """Return the names that are not hidden; ``._x.wav`` of a Mac holds no sound."""
    return [name for name in names if not name.startswith(".")]
