"""Hold two earlier reports against each other: what is worse, and by more than is tolerated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from echocli import __version__
from echocli.bench.earlier import Earlier, Known, common

SCHEMA = "echocli/bench-compare/1"

SETTINGS = ("provider", "model", "device", "compute_type", "slots", "threads")
"""What two reports should have in common for their figures to say something."""


class Verdict(StrEnum):
    """What became of a metric from the first report to the second."""

    BETTER = "better"
    """By more than the tolerance."""
    WORSE = "worse"
    """By more than the tolerance, or the second report does not have it any more."""
    SAME = "same"
    """Within it."""
    UNKNOWN = "unknown"
    """Only the second has it."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What may change without being better or worse."""

    percent: float = 10.0
    """Of times, memory and shares."""
    points: float = 0.5
    """Of error rates, which are percentages themselves."""


POINTS = frozenset({"wer", "cer", "live_wer", "live_cer"})
"""Metrics whose change is counted in points."""

MORE_IS_BETTER = frozenset({"committed_share"})


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of both; it is in the table where at least one report knows it."""

    metric: str
    a: float | None
    b: float | None
    tolerance: float
    """Percent, or points for an error rate."""

    @property
    def in_points(self) -> bool:
        """Whether change and tolerance are counted in points."""
        return self.metric in POINTS

    @property
    def change(self) -> float | None:
        """How much more the second is, in the metric's own unit."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def change_percent(self) -> float | None:
        """The same in percent of the first; ``None`` where that is nothing."""
        return 100 * self.change / self.a if self.change is not None and self.a else None

    @property
    def verdict(self) -> Verdict:
        """Whether it is better or worse; from nothing to something is beyond every percentage."""
        if self.a is None:
            return Verdict.UNKNOWN
        if self.b is None or self.change is None:
            return Verdict.WORSE  # else whatever stops being measured would pass
        limit = self.tolerance if self.in_points else self.a * self.tolerance / 100
        # Figures in a report have four digits: one of the last is no change.
        if abs(self.change) <= limit * (1 + 1e-9) + 1e-4:
            return Verdict.SAME
        grew = self.change > 0
        return Verdict.BETTER if grew == (self.metric in MORE_IS_BETTER) else Verdict.WORSE


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that was not the same, so that the figures may differ because of it."""

    what: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"the {self.what} differs: {self.a} and {self.b}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports and what they say of the recordings they have in common."""

    a: Earlier
    b: Earlier
    rows: tuple[Row, ...]
    recordings: int
    left_out: tuple[str, ...]
    """Recordings that only one of them has."""
    missing: tuple[str, ...]
    """Those of them that only the first has."""
    differences: tuple[Difference, ...]

    @property
    def worse(self) -> tuple[Row, ...]:
        """Metrics that got worse."""
        return tuple(row for row in self.rows if row.verdict is Verdict.WORSE)

    @property
    def count_worse(self) -> int:
        """How many metrics got worse and recordings went away; none is a comparison that holds."""
        return len(self.worse) + len(self.missing)


def compare(a: Earlier, b: Earlier, tolerances: Tolerances) -> Comparison:
    """Compare the recordings both have; raise ``UsageError`` where there is none."""
    shared = common(a, b)
    values_a, values_b = (known.metrics() for known in shared)
    rows = [
        Row(name, values_a[name], values_b[name], _tolerance(name, tolerances))
        for name in values_a
        if (values_a[name], values_b[name]) != (None, None)
    ]
    missing, added = (_others(one, known) for one, known in zip((a, b), shared, strict=True))
    return Comparison(
        a,
        b,
        tuple(rows),
        len(shared[0].files),
        (*missing, *added),
        missing,
        tuple(_differences(a.facts, b.facts)),
    )


def _tolerance(metric: str, tolerances: Tolerances) -> float:
    return tolerances.points if metric in POINTS else tolerances.percent


def _others(report: Earlier, shared: Known) -> tuple[str, ...]:
    """Return the recordings of a report that the other has not."""
    used = {one["file"] for one in shared.files}
    return tuple(one["file"] for one in report.files if one["file"] not in used)


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    found = [
        Difference(key.replace("_", " "), str(a.get(key)), str(b.get(key)))
        for key in SETTINGS
        if a.get(key) != b.get(key)
    ]
    one, other = a.get("machine"), b.get("machine")
    if one and other and one != other:
        found.append(Difference("machine", _machine(one, other), _machine(other, one)))
    return found


def _machine(own: Any, other: Any) -> str:
    """Return what of a machine is not as in the other."""
    if not isinstance(own, dict) or not isinstance(other, dict):
        return str(own)
    return ", ".join(f"{key} {own[key]}" for key in own if own[key] != other.get(key)) or "the rest"


def as_object(found: Comparison, tolerances: Tolerances) -> dict[str, Any]:
    """Return the comparison as JSON-ready values; see ``docs/reference/json.md``."""
    return {
        "schema": SCHEMA,
        "echocli": __version__,
        "a": _about(found.a),
        "b": _about(found.b),
        "recordings": found.recordings,
        "left_out": list(found.left_out),
        "missing": list(found.missing),
        "differences": [{"what": one.what, "a": one.a, "b": one.b} for one in found.differences],
        "tolerance_percent": tolerances.percent,
        "wer_tolerance_points": tolerances.points,
        "metrics": [_row(row) for row in found.rows],
        "worse": found.count_worse,
    }


def _about(one: Earlier) -> dict[str, Any]:
    keys = ("echocli", "time", *SETTINGS, "runs")
    return {"file": one.name, **{key: one.facts.get(key) for key in keys}}


def _row(row: Row) -> dict[str, Any]:
    return {
        "metric": row.metric,
        "a": row.a,
        "b": row.b,
        "change": row.change,
        "change_percent": row.change_percent,
        "tolerance": row.tolerance,
        "tolerance_unit": "points" if row.in_points else "percent",
        "verdict": str(row.verdict),
    }


COLUMNS = ("metric", "A", "B", "change", "tolerance", "result")


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table, to be headed by :data:`COLUMNS`."""
    unit = "points" if row.in_points else "%"
    change = row.change if row.in_points else row.change_percent
    digits = 2 if row.in_points else 1
    return (
        row.metric,
        _number(row.a),
        _number(row.b),
        "-" if change is None else f"{change:+.{digits}f} {unit}",
        f"{row.tolerance:g} {unit}",
        str(row.verdict),
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def facts(found: Comparison) -> list[tuple[str, str]]:
    """Return rows of label and value about the two reports."""
    counts = ", ".join(
        f"{sum(row.verdict is verdict for row in found.rows)} {verdict}"
        for verdict in (Verdict.WORSE, Verdict.BETTER, Verdict.SAME)
    )
    on = f"on {found.recordings} recording{'s' * (found.recordings != 1)}"
    without = f", without {len(found.missing)} that B has not" if found.missing else ""
    return [
        ("A", _line(found.a)),
        ("B", _line(found.b)),
        ("result", f"{counts}, {on}{without}"),
    ]


def _line(one: Earlier) -> str:
    about = one.facts
    model = f"{about.get('model')} ({about.get('compute_type')}) on {about.get('device')}"
    when = f", {about['time']}" if about.get("time") else ""
    return f"{one.name}: {model} with {about.get('provider')}, echocli {about.get('echocli')}{when}"
