"""From settings to a supervised model: what everything that decodes begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from echocli.api.listener import Listener
from echocli.api.report import Report
from echocli.api.survey import survey
from echocli.api.weights import Pins, Source, require_provider, with_model
from echocli.capability import footprint, footprint_cache, measure_cache
from echocli.capability.advice import Recommendation, parallelism_of
from echocli.capability.compute import check_compute, default_compute
from echocli.capability.profile import Profile
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.models import catalog
from echocli.models.languages import AUTO, LANGUAGES
from echocli.models.store import Found, is_multilingual
from echocli.providers import registry
from echocli.providers.base import LoadSpec
from echocli.types import Task

if TYPE_CHECKING:
    from echocli.runtime.supervisor import Supervisor

MODEL_KEYS = ("provider", "model", "device", "compute_type", "threads", "language")
"""Settings that decide what is loaded."""


AS_SUITS = ("auto", "default")
"""Compute types that leave it to the recommendation."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What will be loaded, and why."""

    spec: LoadSpec
    recommendation: Recommendation
    language: str | None
    """Code of the language that was asked for; ``None`` listens."""
    sources: Mapping[str, str]
    """Where the value of each setting comes from that decides what is loaded."""
    chosen: Chosen
    """What was asked for."""
    profile: Profile
    """The machine."""
    fallback: LoadSpec | None = None
    """How to go on where the device has no room for the model; ``None`` on the CPU."""
    models: tuple[Found, ...] = ()
    """What is installed."""
    found: Found | None = None
    """The model, where there are weights to check."""
    pins: Pins = field(default_factory=Pins)
    """Which weights and no others may serve."""

    def announce(self, listener: Listener) -> None:
        """Tell what everybody should know of the choice, once there is something to decode."""
        for notice in self.recommendation.notices:
            listener.notice(notice.message, notice.code)

    @property
    def task(self) -> Task:
        """What the model is asked to write."""
        return Task(self.chosen["task"])

    @property
    def writes_english(self) -> bool:
        """Whether nothing but English is written for certain, of English speech."""
        english = self.language == "en" or catalog.is_english_only(self.spec.model)
        return english and self.task is Task.TRANSCRIBE

    @property
    def may_be_english(self) -> bool:
        """Whether that may turn out to be so."""
        return self.language in (None, "en") and self.task is Task.TRANSCRIBE


def prepare(
    environment: Environment, chosen: Chosen, listener: Listener, *, downloads: bool = True
) -> Setup:
    """Choose provider, model and device; raise the error that names what is missing.

    Without ``downloads`` a model that was named must be here.

    ``max_memory_mb`` bounds what the model may take: a smaller one is chosen if need be, but not in
    place of one that was named.
    """
    report = survey(environment, chosen)
    language = None if chosen["language"] in (None, AUTO) else str(chosen["language"])
    task = Task(chosen["task"])
    source = Source(environment, chosen, listener, downloads)
    if (wish := report.overrides.get("compute_type")) and wish.value not in AS_SUITS:
        check_compute(report.recommendation.provider, wish.value)
    spec, found = _spec(source, report)
    models = source.store.installed(format=registry.get(spec.provider).info.model_format)
    if chosen["max_memory_mb"] is not None:
        english = language in (None, "en") and task is Task.TRANSCRIBE
        spec = _within(source, report, models, spec, chosen["max_memory_mb"], english=english)
    if registry.get(spec.provider).info.model_format in ("ct2", "ggml"):
        check_language(spec, language, task)
    setup = Setup(
        spec,
        report.recommendation,
        language,
        {key: _source(report, spec, key) for key in MODEL_KEYS},
        chosen,
        report.profile,
        _on_cpu(spec, report),
        tuple(models),
        loaded(spec, found, models),
        source.pins,
    )
    _tell(listener, setup)
    return setup


def loaded(spec: LoadSpec, found: Found | None, models: Sequence[Found]) -> Found | None:
    """Return the model that ``spec`` loads."""
    here = [one for one in (found, *models) if one is not None and str(one.path) == spec.path]
    return here[0] if here else None


@contextmanager
def supervised(setup: Setup) -> Iterator[Supervisor]:
    """Start the worker without waiting for it, and leave none behind."""
    from echocli.runtime.supervisor import Supervisor

    supervisor = Supervisor(setup.spec, fallback=setup.fallback)
    supervisor.begin()
    try:
        yield supervisor
    except BaseException:
        supervisor.kill()
        raise
    finally:
        supervisor.close()


def _source(report: Report, spec: LoadSpec, key: str) -> str:
    """Say where a value comes from; one that had to be changed is not the user's any more."""
    setting = report.overrides.get(key)
    changed = setting is not None and getattr(spec, key, setting.value) != setting.value
    if setting is None or (changed and key in ("provider", "device", "compute_type")):
        return "recommendation"
    return setting.source


def _spec(source: Source, report: Report) -> tuple[LoadSpec, Found | None]:
    advice = report.recommendation
    require_provider(advice.provider, source.chosen)
    asked = report.overrides.get("model")
    named = str(asked.value) if asked is not None and asked.value != "auto" else None
    return source.spec(advice, named)


def _within(
    source: Source,
    report: Report,
    models: Sequence[Found],
    spec: LoadSpec,
    limit: int,
    *,
    english: bool,
) -> LoadSpec:
    """Return what fits into a number of MB; raise ``ModelError`` where that is not ``spec``."""
    measured = footprint_cache.load(measure_cache.directory(source.environment))
    asked = report.overrides.get("model")
    if asked is not None and asked.value != "auto":
        footprint.check_budget(spec, limit, models, measured, english=english)
        return spec
    within = footprint.choose_within(spec, limit, models, measured, english=english)
    if within.notice is not None:
        source.listener.notice(within.notice.message, within.notice.code)
    if within.model == spec.model:
        return spec
    found = next(found for found in models if found.name == within.model)
    source.pins.require(found, source.store.directory)
    return with_model(spec, found, source.environment)


def _on_cpu(spec: LoadSpec, report: Report) -> LoadSpec | None:
    """Return how to load the same weights where the device has no room for them."""
    if spec.device == "cpu":
        return None
    threads = report.overrides.get("threads")
    slots, each = parallelism_of(
        spec.provider, "cpu", threads.value if threads else report.profile.allowed_cores
    )
    compute = default_compute(spec.provider, None, spec.model)
    return replace(spec, device="cpu", compute_type=compute, slots=slots, threads=each)


def check_language(spec: LoadSpec, language: str | None, task: Task) -> None:
    """Raise ``UsageError`` for what a model of one language cannot do."""
    if is_multilingual(Path(spec.path)):
        return
    if language not in (None, "en"):
        name = LANGUAGES[str(language)].capitalize()
        raise UsageError(
            f"model '{spec.model}' knows English only, not {name}",
            hint=f"choose a model without .en: --model {spec.model.removesuffix('.en')}",
            setting="language",
        )
    if task is Task.TRANSLATE:
        raise UsageError(
            f"model '{spec.model}' knows English only and cannot translate",
            hint=f"choose a model without .en: --model {spec.model.removesuffix('.en')}",
            setting="task",
        )


def _tell(listener: Listener, setup: Setup) -> None:
    """Say what was chosen and why, to those who asked with ``-v``."""
    spec, advice = setup.spec, setup.recommendation
    for key in ("provider", "model", "device", "compute_type"):
        listener.detail(f"{key}: {getattr(spec, key)} [{setup.sources[key]}]")
    if setup.language is not None:
        listener.detail(f"language: {setup.language} [{setup.sources['language']}]")
    listener.detail(f"slots × threads: {spec.slots} × {spec.threads} [{setup.sources['threads']}]")
    listener.detail(f"why: {advice.reason}")
