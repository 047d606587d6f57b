"""``echocli detect``: this machine, and what suits it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from echocli.capability.host import this_host
from echocli.capability.probes import GB
from echocli.capability.profile import Profile, take
from echocli.capability.tiers import Overrides, Recommendation, recommend
from echocli.config import Setting, Settings
from echocli.environment import Environment
from echocli.errors import ProviderError
from echocli.models.store import Found, Store
from echocli.providers import registry

Section = tuple[str, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Whether a provider could run here."""

    name: str
    available: bool
    devices: tuple[str, ...]
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything ``detect`` says."""

    profile: Profile
    recommendation: Recommendation
    models: list[Found]
    providers: list[ProviderState]
    overrides: Mapping[str, Setting]


def command(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    provider: Annotated[
        str | None, typer.Option("--provider", "-p", help="Recommend for this provider.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Recommend for this model or path.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or metal.")
    ] = None,
    compute_type: Annotated[
        str | None, typer.Option("--compute-type", help="int8, float16, q5_0 ...")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", "-t", help="Cores to use.")] = None,
    chunk_seconds: Annotated[
        float | None, typer.Option("--chunk-seconds", help="Interval of live decoding.")
    ] = None,
    vad: Annotated[
        bool | None, typer.Option("--vad/--no-vad", help="Decode only where there is speech.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Recommend a model for it.")
    ] = None,
) -> None:
    """Show this machine and what suits it.

    Reads memory, cores and accelerators, container limits included, and recommends a provider and a
    model with a fallback. Options and settings override single values.
    """
    environment: Environment = ctx.obj
    flags = {
        "provider": provider,
        "model": model,
        "device": device,
        "compute_type": compute_type,
        "threads": threads,
        "chunk_seconds": chunk_seconds,
        "vad": vad,
        "language": language,
    }
    report = survey(environment, flags)
    text = as_object(report) if as_json else None
    if text is None:
        _print(environment, sections(report))
    else:
        environment.stdout.write(json.dumps(text, indent=2) + "\n")


def survey(environment: Environment, flags: Mapping[str, object]) -> Report:
    """Probe the machine, look for models and providers, and recommend."""
    settings = Settings(environment)
    given = {key: settings.get(key, flag) for key, flag in flags.items()}
    overrides = {key: setting for key, setting in given.items() if setting.value is not None}
    wishes = Overrides(**{key: setting.value for key, setting in overrides.items()})
    providers = [_state(name) for name in registry.names()]
    if wishes.provider not in (None, "auto"):
        registry.require(str(wishes.provider))
    store = Store(environment, settings.get("model_dir").value)
    models = store.installed()
    here = {found.name for found in models} | _named(store, wishes)
    profile = take(this_host(environment.environ))
    usable: dict[str, Collection[str]] = {
        state.name: state.devices for state in providers if state.available
    }
    return Report(profile, recommend(profile, here, usable, wishes), models, providers, overrides)


def _named(store: Store, wishes: Overrides) -> set[str]:
    """Return the model the user named if it is here; an unknown name is an error.

    What a provider without weights calls a model (a script) is its own affair.
    """
    if wishes.model is None or wishes.model == "auto":
        return set()
    if wishes.provider and _is_weightless(wishes.provider):
        return {wishes.model}
    return {wishes.model} if store.find(wishes.model) else set()


def _is_weightless(provider: str) -> bool:
    return provider != "auto" and registry.get(provider).info.model_format == "none"


def _state(name: str) -> ProviderState:
    try:
        devices = registry.get(name).info.devices
        found = registry.availability(name)
    except ProviderError as error:  # somebody's broken plug-in must not hide the rest
        return ProviderState(name, False, (), str(error), error.hint or "")
    return ProviderState(name, found.available, devices, found.reason, found.hint)


def as_object(report: Report) -> dict[str, Any]:
    """Return the report as JSON-ready values; see ``docs/detect.md`` for the fields."""
    recommendation = asdict(report.recommendation)
    notices = recommendation.pop("notices")
    profile = asdict(report.profile)
    profile.pop("notices")
    return {
        "tier": recommendation.pop("tier"),
        "recommendation": recommendation,
        "profile": {**profile, "memory_gb": report.profile.memory_gb},
        "models": [{**asdict(found), "path": str(found.path)} for found in report.models],
        "providers": [asdict(state) for state in report.providers],
        "overrides": {key: asdict(setting) for key, setting in report.overrides.items()},
        "notices": notices,
    }


def sections(report: Report) -> list[Section]:
    """Return headings with rows of label and value, for people."""
    tier = report.recommendation.tier
    return [
        ("This machine", _machine(report.profile)),
        (f"Recommendation (tier {tier})", _advice(report)),
        (
            "Models here",
            [(found.name, f"{_size(found.bytes)}, {found.origin}") for found in report.models]
            or [("none", "")],
        ),
        ("Providers", [(state.name, _provider_line(state)) for state in report.providers]),
        ("Notices", [("!", notice.message) for notice in report.recommendation.notices]),
    ]


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
    parts = [_size(profile.memory_total)]
    if profile.memory_available is not None:
        parts.append(f"{_size(profile.memory_available)} available")
    if profile.limited:
        parts.append(f"the container allows {_size(profile.memory_allowed)}")
    return ", ".join(parts)


def _accelerators(profile: Profile) -> str:
    found = [
        f"{device.name} (cuda:{device.index}"
        + (f", {_size(device.memory)})" if device.memory else ")")
        for device in profile.cuda
    ]
    found += ["Apple GPU (metal)"] if profile.metal else []
    return ", ".join(found) or "none"


def _size(count: int) -> str:
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / 1024**2:.0f} MB"


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


def _print(environment: Environment, parts: list[Section]) -> None:
    """Write aligned rows; headings are bold on a terminal."""
    shown = [(heading, rows) for heading, rows in parts if rows]
    if environment.stdout.isatty():
        _print_rich(environment, shown)
        return
    width = max(len(label) for _, rows in shown for label, _ in rows)
    blocks = [
        "\n".join([heading, *(f"  {label:<{width}}  {value}".rstrip() for label, value in rows)])
        for heading, rows in shown
    ]
    environment.stdout.write("\n\n".join(blocks) + "\n")


def _print_rich(environment: Environment, parts: list[Section]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=environment.stdout, highlight=False)
    width = max(len(label) for _, rows in parts for label, _ in rows)
    for index, (heading, rows) in enumerate(parts):
        console.print(Text(("\n" if index else "") + heading, style="bold"))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(min_width=width + 2)
        grid.add_column(overflow="fold")
        for label, value in rows:
            grid.add_row(Text(f"  {label}", style="dim"), Text(value))
        console.print(grid)
