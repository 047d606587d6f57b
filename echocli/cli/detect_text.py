"""What ``detect`` finds, laid out for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from echocli.api.report import Measurement, ProviderState, Report
from echocli.capability.measure_predict import Prediction
from echocli.capability.probes import GB
from echocli.capability.profile import Profile
from echocli.capability.tiers import Recommendation
from echocli.environment import Environment
from echocli.output.console import width_of
from echocli.output.text import size

if TYPE_CHECKING:
    import rich.console

LEAST = 24
"""Columns for values below which they stand under their labels: names of variables fit in."""

Rows = list[tuple[str, str]]
Section = tuple[str, Rows]


def sections(report: Report) -> list[Section]:
    """Return headings with rows of label and value, for people."""
    tier = report.recommendation.tier
    return [
        ("This machine", _machine(report.profile)),
        (f"Recommendation (tier {tier})", _advice(report)),
        (
            "Models here",
            [(found.name, f"{size(found.bytes)}, {found.origin}") for found in report.models]
            or [("none", "")],
        ),
        (_speed_heading(report), speed_rows(report.measurement)),
        ("Providers", [(state.name, _provider_line(state)) for state in report.providers]),
        ("Notices", [("!", notice.message) for notice in report.recommendation.notices]),
    ]


def _speed_heading(report: Report) -> str:
    cached = report.measurement is not None and report.measurement.cached
    when = "measured before" if cached else "measured now"
    return f"Speed of long recordings in times real time ({when})"


def speed_rows(measurement: Measurement | None) -> list[tuple[str, str]]:
    """Return a row for each model: memory, speed of each preset, and those fit for live."""
    if measurement is None:
        return []
    found: dict[str, list[Prediction]] = {}
    for one in measurement.predictions:
        found.setdefault(one.model, []).append(one)
    presets = [one.preset for one in next(iter(found.values()), [])]
    cells = [("", ["memory", *presets, "live", ""])]
    cells += [(model, _speeds(each)) for model, each in found.items()]
    widths = [max(map(len, column)) for column in zip(*(row for _, row in cells), strict=True)]
    return [(model, _aligned(row, widths)) for model, row in cells]


def _aligned(row: list[str], widths: list[int]) -> str:
    """Return cells of text in columns: figures to the right, words to the left."""
    figures = [cell.rjust(width) for cell, width in zip(row[:-2], widths, strict=False)]
    words = [cell.ljust(width) for cell, width in zip(row[-2:], widths[-2:], strict=True)]
    return "  ".join([*figures, *words]).rstrip()


def _speeds(each: list[Prediction]) -> list[str]:
    """Return memory, the speed of each preset, the presets fit for live, and remarks."""
    first = each[0]
    live = [one.preset for one in each if one.live]
    lives = "yes" if len(live) == len(each) else ", ".join(live) or "no"
    remarks = ["installed"] * first.installed + ["computed"] * (not first.measured)
    remarks += ["too much memory"] * (not first.fits)
    memory = f"{first.memory_gb} GB"
    return [memory, *(_times(one.speed) for one in each), lives, ", ".join(remarks)]


def _times(speed: float) -> str:
    return f"{speed:.0f}×" if speed >= 10 else f"{speed:.1f}×"


def _machine(profile: Profile) -> list[tuple[str, str]]:
    cores = f"{profile.allowed_cores} usable of {profile.physical_cores} physical"
    return [
        ("system", f"{profile.system} {profile.machine}"),
        ("processor", profile.cpu or "unknown"),
        ("cores", f"{cores}, {profile.logical_cores} logical"),
        ("memory", _memory(profile)),
        ("accelerator", _accelerators(profile)),
        ("instructions", " ".join(profile.instruction_sets) or "unknown"),
    ]


def _memory(profile: Profile) -> str:
    parts = [_binary(profile.memory_total)]
    if profile.memory_available is not None:
        parts.append(f"{_binary(profile.memory_available)} available")
    if profile.limited:
        parts.append(f"the container allows {_binary(profile.memory_allowed)}")
    return ", ".join(parts)


def _accelerators(profile: Profile) -> str:
    found = [
        f"{device.name} (cuda:{device.index}"
        + (f", {_binary(device.memory)})" if device.memory else ")")
        for device in profile.cuda
    ]
    found += ["Apple GPU (metal)"] if profile.metal else []
    return ", ".join(found) or "none"


def _binary(count: int) -> str:
    """Return bytes of memory, which comes in powers of two."""
    return f"{count / GB:.1f} GiB" if count >= GB else f"{count / 1024**2:.0f} MiB"


def _advice(report: Report) -> list[tuple[str, str]]:
    advice = report.recommendation
    fallback = advice.fallback

    def sourced(key: str, value: str) -> str:
        setting = report.overrides.get(key)
        return f"{value}  [{setting.source}]" if setting else value

    return [
        ("provider", sourced("provider", advice.provider)),
        ("model", sourced("model", advice.model) + _instead(advice)),
        ("device", sourced("device", advice.device)),
        ("compute type", sourced("compute_type", advice.compute_type)),
        ("chunk seconds", sourced("chunk_seconds", f"{advice.chunk_seconds:g}")),
        ("VAD", sourced("vad", "on" if advice.vad else "off")),
        ("parallel", sourced("threads", _parallel(advice))),
        (
            "fallback",
            f"{fallback.model} ({fallback.compute_type}) on {fallback.device}"
            f" with {fallback.provider}",
        ),
        ("why", advice.reason),
    ]


def _parallel(advice: Recommendation) -> str:
    slots, threads = advice.slots, advice.threads
    return f"{slots} slot{'s' * (slots > 1)} x {threads} thread{'s' * (threads > 1)}"


def _instead(advice: Recommendation) -> str:
    if advice.installed:
        return ""
    return f" (not installed; now: {advice.usable_model or 'none'})"


def _provider_line(state: ProviderState) -> str:
    if state.available:
        return f"available ({', '.join(state.devices)})"
    return f"not available: {state.reason}" + (f"; {state.hint}" if state.hint else "")


def show(environment: Environment, report: Report) -> None:
    """Write aligned rows; headings are bold on a terminal."""
    shown = [(heading, rows) for heading, rows in sections(report) if rows]
    if (columns := width_of(environment, environment.stdout)) is not None:
        _print_rich(environment, shown, columns)
        return
    width = max(len(label) for _, rows in shown for label, _ in rows)
    blocks = [
        "\n".join([heading, *(f"  {label:<{width}}  {value}".rstrip() for label, value in rows)])
        for heading, rows in shown
    ]
    environment.stdout.write("\n\n".join(blocks) + "\n")


def _print_rich(environment: Environment, parts: list[Section], columns: int) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=environment.stdout, highlight=False, width=columns)
    width = max(len(label) for _, rows in parts for label, _ in rows)
    for index, (heading, rows) in enumerate(parts):
        console.print(Text(("\n" if index else "") + heading, style="bold"))
        if columns - width - 4 < LEAST:
            _print_stacked(console, rows)
        else:
            _print_grid(console, rows, width)


def _print_grid(console: rich.console.Console, rows: Rows, width: int) -> None:
    """Print values beside labels of ``width``."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=width + 2)
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(Text(f"  {label}", style="dim"), Text(value))
    console.print(grid)


def _print_stacked(console: rich.console.Console, rows: Rows) -> None:
    """Print values below their labels, where beside them words would be cut."""
    from rich.padding import Padding
    from rich.text import Text

    for label, value in rows:
        console.print(Text(f"  {label}", style="dim"))
        if value:
            console.print(Padding(Text(value), (0, 0, 0, 4), expand=False))
