"""Write what was measured: everything as JSON, tables in Markdown, a picture."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import tables
from benchmarks.configurations import Configuration
from benchmarks.machine import cpu_model, library_versions
from benchmarks.material import Material
from benchmarks.results import Row, Trial, Way, row
from benchmarks.rounds import Measuring
from echocli.bench.accuracy import Errors, score

PICTURED = ("headline", "long")
"""Materials that are drawn, in this order; the first one measured if neither was."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a reader has to know about a measurement besides its figures."""

    model: str
    threads: int
    rounds: int
    origin: str
    cpu: str = field(default_factory=cpu_model)
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 2))
    """Processes that ran on average in the last minute."""
    versions: Mapping[str, str | None] = field(default_factory=library_versions)


def require_libraries() -> None:
    """End with one line when errors could not be counted afterwards."""
    for module in ("jiwer", "whisper_normalizer"):
        if find_spec(module) is None:
            raise SystemExit(f"{module} is missing: pip install 'echocli[bench]'")


def errors_of(material: Material, texts: Sequence[str]) -> Errors:
    """Count word errors over all clips together, after Whisper's English normaliser."""
    found = (
        score(clip.reference, text, "en").words
        for clip, text in zip(material.clips, texts, strict=True)
    )
    return sum((errors for errors in found if errors is not None), Errors())


def rows_of(
    material: Material, trials: Sequence[Trial], found: Sequence[Configuration]
) -> list[Row]:
    """Sum up every configuration that was measured on a material, in their order."""
    rows = []
    for configuration in found:
        own = [
            trial
            for trial in trials
            if (trial.configuration, trial.material) == (configuration.name, material.name)
        ]
        if own:
            errors = errors_of(material, own[0].texts)
            seconds = material.seconds
            rows.append(row(own, ours=configuration.ours, audio_seconds=seconds, errors=errors))
    return rows


def publish(
    folder: Path, facts: Facts, measuring: Measuring, found: Sequence[Configuration]
) -> None:
    """Write ``peers-<model>.json``, ``.md`` and ``.svg`` into ``folder``; print the tables."""
    rows = {
        material.name: rows_of(material, measuring.trials, found)
        for material in measuring.materials
    }
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / f"peers-{facts.model}"
    everything = as_json(facts, measuring, rows)
    base.with_name(f"{base.name}.json").write_text(
        json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    text = markdown(facts, measuring, rows, f"{base.name}.svg")
    base.with_name(f"{base.name}.md").write_text(text, encoding="utf-8")
    print(text)
    picture(base.with_name(f"{base.name}.svg"), facts, rows, measuring.ways)


def as_json(
    facts: Facts, measuring: Measuring, rows: Mapping[str, Sequence[Row]]
) -> dict[str, Any]:
    """Return everything as JSON values, but no text: the recordings are not ours to publish."""
    return {
        "facts": asdict(facts),
        "skipped": measuring.skipped,
        "rows": {name: [_row(found) for found in group] for name, group in rows.items()},
        "trials": [_trial(trial) for trial in measuring.trials],
        "clips": {material.name: _clips(material, measuring) for material in measuring.materials},
    }


def _row(found: Row) -> dict[str, Any]:
    speeds = {way: found.speed(way) for way in found.times}
    return {**asdict(found), "wer": found.wer, "speed": speeds}


def _trial(trial: Trial) -> dict[str, Any]:
    values = asdict(trial)
    del values["texts"]
    return values


def _clips(material: Material, measuring: Measuring) -> list[dict[str, Any]]:
    heard: dict[str, tuple[str, ...]] = {}
    for trial in measuring.trials:
        if trial.material == material.name:
            heard.setdefault(trial.configuration, trial.texts)
    return [
        {
            "id": clip.id,
            "seconds": round(clip.seconds, 3),
            "errors": {
                name: asdict(score(clip.reference, texts[index], "en").words or Errors())
                for name, texts in heard.items()
            },
        }
        for index, clip in enumerate(material.clips)
    ]


def markdown(
    facts: Facts, measuring: Measuring, rows: Mapping[str, Sequence[Row]], image: str
) -> str:
    """Return the page: how it was made, tables for each material, who beats whom."""
    parts = [
        f"# {facts.model} beside the peers",
        _about(facts),
        _others(measuring),
        f"![WER and speed]({image})",
    ]
    for material in measuring.materials:
        clips = f"{len(material.clips)} clip" + ("s" if len(material.clips) != 1 else "")
        parts.append(f"## {material.name}: {clips}, {material.seconds:.1f} s")
        parts += _tables(rows[material.name], measuring.ways)
    if checks := _checks(measuring, rows):
        parts += ["## Check", tables.RULE, *checks]
    if measuring.skipped:
        skipped = "\n".join(f"- {name}: {why}" for name, why in measuring.skipped.items())
        parts += ["## Not measured", skipped]
    return "\n\n".join(parts) + "\n"


def _tables(rows: Sequence[Row], ways: Sequence[Way]) -> list[str]:
    if not rows:
        return ["Nothing was measured."]
    timed = [way for way in ways if any(way in row.times for row in rows)]
    compared = timed if _comparable(rows) else ()
    return [tables.figures(rows), *(tables.ratios(rows, way) for way in compared)]


def _comparable(rows: Sequence[Row]) -> bool:
    """Whether there is one of ours and a peer."""
    return len({row.ours for row in rows}) == 2


def _others(measuring: Measuring) -> str:
    loads = [trial.others for trial in measuring.trials] or [0.0]
    return (
        f"Meanwhile other work on the machine kept {median(loads):.2f} cores busy in the median "
        f"trial and {max(loads):.2f} in the worst. Much above 0.1, times are no use; whisper.cpp, "
        "whose threads wait by spinning, suffers most."
    )


def _checks(measuring: Measuring, rows: Mapping[str, Sequence[Row]]) -> list[str]:
    return [
        part
        for name in _pictured(rows)
        if _comparable(rows[name])
        for part in (f"### {name}", *(tables.verdicts(rows[name], way) for way in measuring.ways))
    ]


def _pictured(rows: Mapping[str, Sequence[Row]]) -> list[str]:
    return [name for name in PICTURED if name in rows] or list(rows)[:1]


def _about(facts: Facts) -> str:
    versions = ", ".join(f"{name} {found}" for name, found in facts.versions.items() if found)
    return (
        f"Written by `python -m benchmarks.peers` on {facts.date}; do not edit. {facts.cpu}, "
        f"{facts.threads} cores, all of them for every tool; load average {facts.load:g} at the "
        f"end. Speech: {facts.origin}. {facts.rounds} rounds, interleaved: times are medians with "
        "least and most. int8 on the CPU (whisper.cpp: the same weights in float16), language "
        "given, all else at each tool's defaults. WER over all words together, after Whisper's "
        "English normaliser. *warm*: the model is loaded and has transcribed something; *whole*: "
        "from the start of a process to its end; first text, memory (all processes, a shared page "
        "counts in each) and CPU time are of whole processes. "
        f"{versions}."
    )


def picture(
    path: Path, facts: Facts, rows: Mapping[str, Sequence[Row]], ways: Sequence[Way]
) -> None:
    """Draw the plane for whole processes, which every tool has, where they were measured."""
    from benchmarks.plane import draw

    way = Way.WHOLE if Way.WHOLE in ways else ways[0]
    panels = {name: found for name in _pictured(rows) if (found := rows[name])}
    title = f"{facts.model}, int8, {facts.threads} cores: {facts.origin}"
    if panels:
        draw(path, title, panels, way)
