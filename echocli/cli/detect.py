"""``echocli detect``: this machine, and what suits it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

import typer

from echocli.capability import measure_cache
from echocli.capability.host import this_host
from echocli.capability.measure import Work
from echocli.capability.measure_predict import Running, predict_all, too_slow
from echocli.capability.profile import take
from echocli.capability.tiers import Overrides, recommend
from echocli.cli.detect_report import Measurement, Report, as_object
from echocli.cli.detect_sources import Sources
from echocli.cli.detect_text import show
from echocli.config import AUTO_CHUNKS, Settings
from echocli.environment import Environment
from echocli.models import catalog
from echocli.models.store import Store
from echocli.providers import registry

__all__ = ["Report", "command", "survey"]


def command(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Run a model for two seconds and predict the others.")
    ] = False,
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
    model_dir: Annotated[
        Path | None, typer.Option("--model-dir", help="Look for models in this directory first.")
    ] = None,
) -> None:
    """Show this machine and what suits it.

    Reads memory, cores and accelerators, container limits included, and recommends a provider and a
    model with a fallback. Options and settings override single values. With --measure it runs what
    is installed, says how fast each model would be, and remembers that for this machine.
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
    if model_dir is not None:
        environment = environment.with_variable("ECHOCLI_MODEL_DIR", str(model_dir))
    report = survey(environment, flags)
    if measure:
        from echocli.cli.detect_measure import measured

        report = measured(environment, flags, report)
    if as_json:
        environment.stdout.write(json.dumps(as_object(report), indent=2) + "\n")
    else:
        show(environment, report)


WISHES = tuple(field.name for field in fields(Overrides) if field.name != "experimental")
"""Settings that change the recommendation."""


def survey(
    environment: Environment,
    flags: Mapping[str, object],
    costs: Mapping[str, Work] | None = None,
) -> Report:
    """Probe the machine, look for models and providers, and recommend.

    ``costs`` were measured just now; without them those of an earlier run count, if it kept any.
    """
    settings = Settings(environment)
    given = {key: settings.get(key, flag) for key, flag in flags.items() if key in WISHES}
    overrides = {
        key: setting
        for key, setting in given.items()
        if setting.value is not None and (key, setting.value) != ("chunk_seconds", AUTO_CHUNKS)
    }
    wishes = Overrides(
        **{key: setting.value for key, setting in overrides.items()},
        experimental=bool(settings.get("experimental").value),
    )
    sources = Sources(settings, flags, Store(environment, settings.get("model_dir").value))
    wishes = sources.settled(wishes)
    providers = [sources.state(name) for name in registry.names()]
    if wishes.provider not in (None, "auto"):
        sources.require(str(wishes.provider))
    found = [provider for provider in providers if provider.available]
    usable = {state.name: state.devices for state in found}
    models, here, own = sources.models(wishes, usable)
    profile = take(this_host(environment.environ))
    advice = recommend(profile, here, usable, wishes, own_models=own)
    key = measure_cache.key(profile, advice)
    if registry.get(advice.provider).info.model_format == "ggml":
        models = sources.store.installed("ggml")
    report = Report(profile, advice, models, providers, overrides, key)
    known = costs or measure_cache.load(measure_cache.directory(environment), key)
    if known is None:
        return report
    measurement = predicted(report, known, cached=costs is None)
    slow = too_slow(measurement.predictions)
    advice = recommend(profile, here, usable, wishes, slow, own)
    return replace(report, recommendation=advice, measurement=measurement)


def speaks_english(report: Report) -> bool:
    """Tell whether English is all that is asked for."""
    language = report.overrides.get("language")
    return language is None or language.value in ("auto", "en")


def predicted(report: Report, costs: Mapping[str, Work], *, cached: bool) -> Measurement:
    """Return what measured costs mean for each model."""
    advice = report.recommendation
    running = Running(advice.device, advice.slots, advice.chunk_seconds)
    here = [model.name for model in report.models if catalog.known(model.name)]
    return Measurement(
        cached=cached,
        provider=advice.provider,
        device=advice.device,
        compute_type=advice.compute_type,
        slots=advice.slots,
        threads=advice.threads,
        chunk_seconds=advice.chunk_seconds,
        predictions=predict_all(
            costs, report.profile, here, running, english=speaks_english(report)
        ),
    )
