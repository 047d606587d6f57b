"""The measurement of ``detect --measure``: run what is installed, keep what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from echocli.api.listener import Logging
from echocli.api.report import Report
from echocli.api.setup import prepare, supervised
from echocli.api.survey import speaks_english, survey
from echocli.capability import measure_cache, sizing
from echocli.capability.measure import Work
from echocli.capability.measure_predict import kind
from echocli.capability.measure_probe import affordable, run
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import EchoError, ModelError, ProviderError, TranscriptionError
from echocli.events import Notice
from echocli.models import catalog, store
from echocli.providers import registry


def measured(environment: Environment, chosen: Chosen, report: Report) -> Report:
    """Measure this machine and return the report again with what that says.

    Raises ``ModelError`` where no model can be run.
    """
    _check_provider(report.recommendation.provider)
    costs, notices = _run_all(environment, chosen, report)
    try:
        measure_cache.save(measure_cache.directory(environment), report.measurement_key, costs)
    except OSError as error:
        text = f"the measurement could not be kept, the next run will not know it: {error}"
        notices.append(Notice("measurement-not-kept", text))
    found = survey(environment, chosen, costs)
    advice = found.recommendation
    return replace(found, recommendation=replace(advice, notices=(*advice.notices, *notices)))


def _check_provider(name: str) -> None:
    if registry.get(name).info.model_format not in ("ct2", "ggml"):
        raise ProviderError(
            f"provider '{name}' has no models whose speed could be predicted",
            hint="leave --provider out",
        )


def _run_all(
    environment: Environment, chosen: Chosen, report: Report
) -> tuple[dict[str, Work], list[Notice]]:
    """Run one installed model of each kind, the smallest first, as long as it is quick."""
    costs: dict[str, Work] = {}
    failures: list[tuple[str, EchoError]] = []
    for name in _candidates(report):
        if kind(name) in costs or (costs and not affordable(costs, kind(name))):
            continue
        try:
            costs[kind(name)] = _run(environment, chosen.but(model=name), costs)
        except (ModelError, TranscriptionError) as error:
            failures.append((name, error))
    if not costs:
        raise failures[0][1]
    return costs, [Notice("not-measured", f"{name}: {error}") for name, error in failures]


def _candidates(report: Report) -> list[str]:
    """Return the installed models that could run, smallest first."""
    english, device = speaks_english(report), report.recommendation.device
    here = [model for found in report.models if (model := catalog.known(found.name))]
    able = [
        model
        for model in sorted(here, key=lambda model: model.parameters)
        if (english or not model.english_only) and sizing.fits(report.profile, model.name, device)
    ]
    if not able:
        command = store.install_command("tiny.en" if english else "tiny")
        raise ModelError("no model is installed that could be measured", hint=f"run: {command}")
    return [model.name for model in able]


def _run(environment: Environment, chosen: Chosen, costs: Mapping[str, Work]) -> Work:
    setup = prepare(environment, chosen, Logging())
    with supervised(setup) as supervisor:
        found = run(supervisor, kind(setup.spec.model), costs, environment.clock)
        if supervisor.spec != setup.spec:
            raise ModelError(f"{setup.spec.device} has no room for it")
        return found
