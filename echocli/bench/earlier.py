"""Reports that ``bench --json`` wrote earlier: read, checked, and cut to common recordings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from statistics import median
from typing import Any, NoReturn

from echocli.bench import SCHEMA
from echocli.errors import UsageError

HINT = "write one with: echocli bench --json > FILE"

OVERALL = (
    *("rtf", "load_ms", "first_text_ms", "p50_ms", "p95_ms", "p99_ms", "memory_mb"),
    *("wer", "cer", "lost_seconds"),
)
"""Figures of all files."""

EXTRAS = ("cold_start_ms", "warmup_ms", "warmup_all_ms", "recovery_ms", "two_sources_rtf")
"""Figures of the first file."""

WAITS = ("ttfs", "hangover", "finalising", "first_partial", "commit")
LIVE = ("live_busy", "live_wer", "live_cer", "committed_share", "lost_seconds")
"""Figures of recordings that were played, besides p50 and p95 of each of :data:`WAITS`."""

LARGEST = 1e15
"""No figure is larger; a number of many digits is none."""

SAME_LENGTH = 0.1
"""Seconds by which one recording may differ in length."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A report as it was read; ``files`` are its recordings."""

    name: str
    facts: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]]

    @property
    def played(self) -> bool:
        """Whether recordings were played at their own speed."""
        return self.facts.get("live") is not None


def read(path: Path) -> Earlier:
    """Read a report; raise ``UsageError`` for a file that is none."""
    facts = _object(path)
    schema = facts.get("schema")
    if isinstance(schema, str) and schema.startswith("echocli/bench/") and schema != SCHEMA:
        text = f"{path} has schema {schema}; this program compares {SCHEMA}"
        raise UsageError(text, hint="measure again with this version")
    if schema != SCHEMA:
        _refuse(path, "it has another schema" if "schema" in facts else "it has no schema")
    live = facts.get("live")
    part = facts if live is None else live
    files = part.get("files") if isinstance(part, dict) else None
    overall = part.get("overall") if isinstance(part, dict) else None
    if not isinstance(files, list) or not all(map(_is_file, files)):
        _refuse(path, "its files are not as they should be")
    if not files or not isinstance(overall, dict):
        raise UsageError(f"{path}: nothing was measured in it", hint=HINT)
    return Earlier(str(path), facts, files)


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_no_number)
    except OSError as error:
        text = f"the report {path} cannot be read: {error.strerror or error}"
        raise UsageError(text, hint=HINT) from error
    except (ValueError, RecursionError):
        _refuse(path, "it is no JSON")
    if not isinstance(found, dict):
        _refuse(path, "it is no JSON object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse(path: Path, why: str) -> NoReturn:
    raise UsageError(f"{path} is no bench report: {why}", hint=HINT) from None


def _is_file(found: object) -> bool:
    return isinstance(found, dict) and isinstance(found.get("file"), str)


@dataclass(frozen=True, slots=True)
class Known:
    """The recordings of a report that the other has too; ``whole`` if those are all of both."""

    report: Earlier
    files: Sequence[Mapping[str, Any]]
    whole: bool
    first: bool
    """Whether the first recording of each, which the extras are about, is the same."""

    def metrics(self) -> dict[str, float | None]:
        """Return every figure by its name; ``None`` for what is unknown of these recordings."""
        part = self.report.facts["live"] if self.report.played else self.report.facts
        names = LIVE if self.report.played else OVERALL
        values = {name: self._figure(part["overall"], name) for name in names}
        if not self.report.played:
            extras = part.get("extras") or {}
            found = {name: self._value(extras, name) if self.first else None for name in EXTRAS}
            return values | found
        waits = {
            f"{kind}_{share}": self._value(part["overall"].get(f"{kind}_ms"), share)
            if self.whole
            else None
            for kind in WAITS
            for share in ("p50", "p95")
        }
        return waits | values

    def _figure(self, overall: Mapping[str, Any], name: str) -> float | None:
        if self.whole or name == "load_ms":
            return self._value(overall, name)
        add = COMBINED.get(name)
        return add(self, name) if add is not None else None

    def _value(self, values: Any, name: str) -> float | None:
        found = values.get(name) if isinstance(values, dict) else None
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float) or abs(found) > LARGEST:
            _refuse(Path(self.report.name), f"{name} is {found!r:.40}")
        return float(found)

    def each(self, name: str) -> list[float]:
        """Return a figure of each file that has it."""
        values = (self._value(one, name) for one in self.files)
        return [value for value in values if value is not None]


def _by_length(known: Known, name: str) -> float | None:
    ratios, lengths = known.each(name), known.each("audio_seconds")
    if len(ratios) != len(lengths) or not sum(lengths):
        return None
    return sum(r * s for r, s in zip(ratios, lengths, strict=True)) / sum(lengths)


def _rate(known: Known, name: str) -> float | None:
    del name
    length = sum(known.each("reference_words"))
    edits = ("substitutions", "deletions", "insertions")
    return 100 * sum(sum(known.each(one)) for one in edits) / length if length else None


def _middle(known: Known, name: str) -> float | None:
    values = known.each(name)
    return median(values) if values else None


def _most(known: Known, name: str) -> float | None:
    return max(known.each(name), default=None)


def _sum(known: Known, name: str) -> float | None:
    return sum(known.each(name))


COMBINED: Mapping[str, Callable[[Known, str], float | None]] = {
    "rtf": _by_length,
    "first_text_ms": _middle,
    "memory_mb": _most,
    "wer": _rate,
    "lost_seconds": _sum,
    "live_busy": _by_length,
    "live_wer": _rate,
}
"""Figures that follow from those of single files; percentiles do not."""


def common(a: Earlier, b: Earlier) -> tuple[Known, Known]:
    """Return what both measured; raise ``UsageError`` where that is nothing.

    A recording is known by its name, without the folders where that is enough to tell it from the
    others, and by its length.
    """
    if a.played != b.played:
        with_, without = (a.name, b.name) if a.played else (b.name, a.name)
        text = f"{with_} was measured with --live, {without} without"
        raise UsageError(text, hint="compare reports of one kind")
    others = _by_name(b)
    pairs = [
        (one, others[name])
        for name, one in _by_name(a).items()
        if name in others and _same_length(one, others[name])
    ]
    if not pairs:
        text = f"{a.name} and {b.name} have no recording in common"
        raise UsageError(text, hint="measure the same recordings in both")
    whole = len(pairs) == len(a.files) == len(b.files)
    one, other = zip(*pairs, strict=True)
    first = one[0] is a.files[0] and other[0] is b.files[0]
    return Known(a, one, whole, first), Known(b, other, whole, first)


def _same_length(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    lengths = [file.get("audio_seconds") for file in (one, other)]
    known = [length for length in lengths if isinstance(length, int | float)]
    return len(known) < 2 or abs(known[0] - known[1]) <= SAME_LENGTH


def _by_name(report: Earlier) -> dict[str, Mapping[str, Any]]:
    counts = Counter(_last(one["file"]) for one in report.files)
    return {
        _last(one["file"]) if counts[_last(one["file"])] == 1 else one["file"]: one
        for one in report.files
    }


def _last(file: str) -> str:
    """Return the name of a file of any system."""
    return PurePosixPath(PureWindowsPath(file).as_posix()).name
