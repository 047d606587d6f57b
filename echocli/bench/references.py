"""Which recordings to measure, and what is really said in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from echocli.errors import UsageError
from echocli.output.writers import FORMATS

SUFFIX = ".ref.txt"
"""A recording ``talk.flac`` may have its text beside it in ``talk.ref.txt``."""

FILE_KEYS = ("file", "audio", "audio_filepath")
TEXT_KEYS = ("reference", "text")
"""Names of the fields of a manifest, the first that is there counts."""

MEASURED = (None, "transcribe", "no_speech")
"""Values of ``expect`` in a manifest that stand for a text that can be compared."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording; ``reference`` of ``""`` means that nobody speaks, ``None`` that nobody knows."""

    file: str
    reference: str | None = None
    language: str | None = None


def collect(
    files: Sequence[str], reference: Path | None, manifest: Path | None, samples: Path
) -> list[Clip]:
    """Return what to measure; raise ``UsageError`` when that is nothing or makes no sense.

    Args:
        files: what was named; without any it is the whole manifest, else what is in ``samples``.
        reference: text of the only file.
        manifest: JSON lines with a file, relative to the manifest, and its text.
        samples: folder that is measured when nothing is named.
    """
    _check(files, reference)
    listed = read_manifest(manifest) if manifest is not None else []
    if files:
        known = {os.path.realpath(clip.file): clip for clip in listed}
        clips = [_named(file, known) for file in files]
    else:
        clips = listed if manifest is not None else find_samples(samples)
    if reference is not None:
        clips = [replace(clips[0], reference=read_text(reference))]
    if not clips:
        raise UsageError(
            f"{manifest} has no recording with a text"
            if manifest is not None
            else f"nothing to measure: no FILE was named and there are no samples in ./{samples}",
            hint="name a recording: echocli bench FILE --reference TEXT.txt",
        )
    return list(dict.fromkeys(clips))


def _check(files: Sequence[str], reference: Path | None) -> None:
    if "-" in files:
        raise UsageError(
            "standard input cannot be measured: it can be read only once",
            hint="save it to a file and name that",
        )
    if reference is not None and len(files) != 1:
        raise UsageError(
            f"--reference is the text of one FILE, not of {len(files)}",
            hint=f"put each text beside its recording as <name>{SUFFIX}, or use --manifest",
        )


def _named(file: str, known: dict[str, Clip]) -> Clip:
    listed = known.get(os.path.realpath(file))
    if listed is not None:
        return replace(listed, file=file)
    beside = _beside(Path(file))
    return Clip(file, read_text(beside) if beside is not None else None)


def _beside(path: Path) -> Path | None:
    """Return the text beside a recording; a path that cannot be looked at has none."""
    text = path.parent / f"{path.stem}{SUFFIX}"
    with suppress(OSError):
        if text.is_file():
            return text
    return None


def find_samples(folder: Path) -> list[Clip]:
    """Return the recordings of a folder that have their text beside them, by name.

    Transcripts that lie there too are left out.
    """
    written = {f".{name}" for name in FORMATS}
    return [
        Clip(str(path), read_text(text))
        for text in sorted(folder.glob(f"*{SUFFIX}"))
        for path in sorted(folder.iterdir())
        if path.stem == text.name.removesuffix(SUFFIX) and path.suffix not in written
    ]


def read_text(path: Path) -> str:
    """Return a reference text; raise ``UsageError`` when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the reference {path} cannot be read: {_why(error)}",
            hint="name a text file in UTF-8 with what is said",
        ) from error


def read_manifest(path: Path) -> list[Clip]:
    """Return the recordings of a manifest that have a text."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the manifest {path} cannot be read: {_why(error)}",
            hint='name a file with one JSON object a line: {"file": ..., "reference": ...}',
        ) from error
    return list(_clips(path, lines))


def _clips(path: Path, lines: Sequence[str]) -> Iterator[Clip]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        facts = _object(f"{path}, line {number}", line)
        file, text = _first(facts, FILE_KEYS), _first(facts, TEXT_KEYS)
        if file is None:
            raise UsageError(
                f"{path}, line {number}: names no file",
                hint=f"give each object one of: {', '.join(FILE_KEYS)}",
            )
        if text is not None and facts.get("expect") in MEASURED:
            yield Clip(str(path.parent / file), text, _first(facts, ("language",)))


def _object(where: str, line: str) -> dict[str, Any]:
    try:
        facts = json.loads(line)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise UsageError(
            f"{where}: is no JSON object", hint="write one object a line, each on one line"
        )
    return facts


def _first(facts: dict[str, Any], keys: Sequence[str]) -> str | None:
    return next((facts[key] for key in keys if isinstance(facts.get(key), str)), None)


def _why(error: OSError | ValueError) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8 text"
