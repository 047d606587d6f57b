"""Look at the machine, at models and providers, and say what suits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from echocli.api.report import Measurement, Report
from echocli.api.sources import Sources
from echocli.capability import measure_cache
from echocli.capability.host import this_host
from echocli.capability.measure import Work
from echocli.capability.measure_predict import Running, predict_all, too_slow
from echocli.capability.profile import take
from echocli.capability.tiers import Overrides, recommend
from echocli.config import AUTO_CHUNKS, Chosen
from echocli.environment import Environment
from echocli.models import catalog
from echocli.models.store import Store
from echocli.providers import registry

WISHES = tuple(field.name for field in fields(Overrides) if field.name != "experimental")
"""Settings that change the recommendation."""


def survey(
    environment: Environment,
    chosen: Chosen,
    costs: Mapping[str, Work] | None = None,
) -> Report:
    """Probe the machine, look for models and providers, and recommend.

    ``costs`` were measured just now; without them those of an earlier run count, if it kept any.
    """
    overrides = {
        key: chosen.setting(key)
        for key in WISHES
        if chosen.given(key) and (key, chosen[key]) != ("chunk_seconds", AUTO_CHUNKS)
    }
    wishes = Overrides(
        **{key: setting.value for key, setting in overrides.items()},
        experimental=chosen["experimental"],
    )
    sources = Sources(chosen, Store(environment, chosen["model_dir"]))
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
