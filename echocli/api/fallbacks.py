"""What goes on where a model is too slow or fails, as the options say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from echocli.api.setup import Setup
from echocli.api.weights import STREAMED, require_provider, streamed, with_model
from echocli.capability.advice import ALONE, parallelism_of
from echocli.capability.choosing import AUTOMATIC, VOXTRAL
from echocli.capability.compute import default_compute
from echocli.capability.standins import smaller
from echocli.config import KEYS
from echocli.environment import Environment
from echocli.errors import ModelError, UsageError
from echocli.models.store import Store
from echocli.providers import registry
from echocli.providers.base import LoadSpec

CHOSEN = "recommendation"
"""Source of a provider that nobody named."""

NONE = "none"
"""Word for no fallback."""


@dataclass(frozen=True, slots=True)
class Standins:
    """What can stand in for the model that was chosen."""

    smaller: tuple[LoadSpec, ...]
    next: tuple[LoadSpec, ...]
    """What to go on with after a failure, under load too."""
    other: tuple[LoadSpec, ...] = ()
    """The same weights with the other library: no help under load, it is slower."""

    @property
    def fallbacks(self) -> tuple[LoadSpec, ...]:
        """What to go on with after a failure, best first."""
        return (*self.next, *self.other)


def standins(setup: Setup, environment: Environment, *, english: bool) -> Standins:
    """Return the models to go down to and those to go on with after a failure, best first.

    Where no fallback was asked for that is the next smaller model, then the same weights with the
    other library; but what was named by the user is not replaced by another library.
    """
    wanted: str | None = setup.chosen["fallback"]
    less = _filled(smaller(setup.spec, setup.models, english=english), setup, environment)
    if wanted is None:
        on_cpu = smaller(setup.fallback or setup.spec, setup.models, english=english)
        other = _other_library(setup, environment)
        return Standins(less, _filled(on_cpu, setup, environment)[:1], other)
    if wanted.strip().lower() == NONE:
        return Standins(less, ())
    try:
        with setup.chosen.naming("fallback"):
            return Standins(less, (_named(setup, environment, wanted),))
    except ModelError as error:
        name = setup.chosen.named("fallback")
        raise type(error)(f"{name} {wanted}: {error}", hint=error.hint) from error


def _filled(
    specs: Iterable[LoadSpec], setup: Setup, environment: Environment
) -> tuple[LoadSpec, ...]:
    """Return the specs with what is known of their weights, without what is not pinned."""
    here = {str(found.path): found for found in setup.models}
    store = Store(environment).directory
    return tuple(
        with_model(spec, here[spec.path], environment) if spec.path in here else spec
        for spec in specs
        if not setup.pins or setup.pins.allow(here[spec.path], store)
    )


def _other_library(setup: Setup, environment: Environment) -> tuple[LoadSpec, ...]:
    """Return how the other library would load the model; nothing where it cannot."""
    spec = setup.spec
    if setup.sources.get("provider", CHOSEN) != CHOSEN:
        return ()
    if spec.provider == VOXTRAL:
        return _recommended(setup, environment)
    if spec.provider not in AUTOMATIC:
        return ()
    other = next(name for name in AUTOMATIC if name != spec.provider)
    if not registry.availability(other).available:
        return ()
    kind = registry.get(other).info.model_format
    on_cpu = _on_processor(setup.fallback or spec, other, spec.model)
    store = Store(environment, setup.chosen["model_dir"])
    try:
        found = store.find(spec.model, kind, compute_type=on_cpu.compute_type)
    except ModelError:  # a file that the other library cannot read
        return ()
    if found is None or not setup.pins.allow(found, store.directory):
        return ()
    return (with_model(on_cpu, found, environment),)


def _recommended(setup: Setup, environment: Environment) -> tuple[LoadSpec, ...]:
    """Return how to load what was recommended as a fallback; nothing where it is not here."""
    advice = setup.recommendation.fallback
    kind = registry.get(advice.provider).info.model_format
    store = Store(environment, setup.chosen["model_dir"])
    here = {found.name: found for found in store.installed(kind)}
    found = here.get(advice.model) or next(iter(reversed(here.values())), None)
    if found is None or not setup.pins.allow(found, store.directory):
        return ()
    spec = _on_processor(setup.fallback or setup.spec, advice.provider, found.name)
    return (replace(with_model(spec, found, environment), program=""),)


def _named(setup: Setup, environment: Environment, text: str) -> LoadSpec:
    """Return the fallback that was asked for as ``PROVIDER:MODEL``, ``MODEL`` or ``PROVIDER``."""
    provider, colon, model = text.strip().partition(":")
    if not colon and KEYS["provider"](provider) in registry.names():
        model = setup.spec.model
    elif not colon:
        provider, model = _reader(setup.spec.provider), provider
    if not provider or not model:
        raise UsageError(
            f"--fallback '{text}' names no model", hint="PROVIDER:MODEL, MODEL or PROVIDER"
        )
    provider = KEYS["provider"](provider)
    kind = registry.get(provider).info.model_format
    require_provider(provider, setup.chosen)
    spec = _on_processor(setup.fallback or setup.spec, provider, model)
    if kind == "none":
        return replace(spec, model=model, path=model, revision=None, sha256=None)
    if kind == STREAMED:
        return streamed(spec, model, setup.chosen)
    store = Store(environment, setup.chosen["model_dir"])
    found = store.require(model, kind, compute_type=None if setup.pins else spec.compute_type)
    setup.pins.require(found, store.directory)
    return with_model(spec, found, environment)


def _reader(provider: str) -> str:
    """Return who reads a model that was named alone: the same provider if it has models."""
    streams = registry.get(provider).info.model_format == STREAMED
    return AUTOMATIC[0] if streams else provider


def _on_processor(spec: LoadSpec, provider: str, model: str) -> LoadSpec:
    """Return how a provider runs on as much of the processor as ``spec`` has."""
    slots, threads = spec.slots, spec.threads
    if (provider in ALONE) != (spec.provider in ALONE):
        slots, threads = parallelism_of(provider, "cpu", slots * max(1, threads))
    compute = default_compute(provider, None, model)
    return replace(
        spec, provider=provider, device="cpu", compute_type=compute, slots=slots, threads=threads
    )
