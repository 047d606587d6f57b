"""Names of providers, where their classes live, and the instances that are loaded.

Nothing is imported until it is used. Adding a provider here is one row; others add theirs with the
entry point group ``echocli.providers``, whose value is ``"module:Class"`` too.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from echocli.errors import ProviderError
from echocli.providers.base import Availability, LoadReport, LoadSpec, Provider, ProviderInfo

ENTRY_POINTS = "echocli.providers"

BUILTIN: dict[str, str] = {
    "faster-whisper": "echocli.providers.faster_whisper:FasterWhisper",
    "whisper-cpp": "echocli.providers.whisper_cpp:WhisperCpp",
    "voxtral": "echocli.providers.voxtral:Voxtral",
    "scripted": "echocli.providers.scripted:Scripted",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """An instance that is ready to decode, and what loading it gave."""

    provider: Provider
    report: LoadReport


@dataclass(slots=True)
class _Place:
    """Where the one instance of a configuration is, or will be."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: Loaded | None = None


_places: dict[LoadSpec, _Place] = {}
_guard = threading.Lock()


@cache
def table() -> dict[str, str]:
    """Return every known provider name with its ``module:Class``; built-in names win."""
    points = entry_points(group=ENTRY_POINTS)
    found = {point.name: f"{point.module}:{point.attr}" for point in points}
    return {**found, **BUILTIN}


def names() -> list[str]:
    """Return the provider names, built-in ones first."""
    return [*BUILTIN, *sorted(set(table()) - set(BUILTIN))]


def get(name: str) -> type[Provider]:
    """Return the class of a provider; raise ``ProviderError`` for an unknown or broken one."""
    target = table().get(name)
    if target is None:
        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names())}"
        raise ProviderError(f"unknown provider '{name}'", hint=hint)
    module, _, attribute = target.partition(":")
    try:
        provider = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # somebody else's module may fail in any way
        raise ProviderError(f"provider '{name}' cannot be loaded: {error}") from error
    if not (isinstance(provider, type) and issubclass(provider, Provider)):
        raise ProviderError(f"provider '{name}' is not a Provider class: {target}")
    if not isinstance(getattr(provider, "info", None), ProviderInfo):
        raise ProviderError(f"provider '{name}' does not say what it is: {target}.info is missing")
    devices: object = provider.info.devices
    if not isinstance(devices, tuple) or not all(isinstance(one, str) for one in devices):
        text = f"provider '{name}' names no devices: {target}.info.devices is no tuple of texts"
        raise ProviderError(text)
    return provider


def availability(name: str) -> Availability:
    """Tell whether a provider could run here, without importing its library."""
    provider = get(name)
    try:
        state: object = provider.is_available()
    except (Exception, SystemExit) as error:  # somebody else's again
        raise ProviderError(f"provider '{name}' cannot be asked: {error}") from error
    if not isinstance(state, Availability):
        raise ProviderError(f"provider '{name}' does not say whether it is available: {state!r}")
    return state


def require(name: str) -> type[Provider]:
    """Return a provider that can run; raise ``ProviderError`` with the install command if not."""
    state = availability(name)
    if not state.available:
        raise ProviderError(
            f"provider '{name}' is not available: {state.reason}", hint=state.hint or None
        )
    return get(name)


def load(spec: LoadSpec) -> Loaded:
    """Return the instance of exactly this configuration, loading it if there is none.

    Callers that come while it is being loaded wait for it; those of another configuration do not.
    What :meth:`~echocli.providers.base.Provider.load` raises is raised here and not remembered: the
    next caller tries again.
    """
    place = _place(spec)
    with place.lock:
        if place.loaded is None:
            # A program that is named need not be where others are looked for.
            provider = (get if spec.program else require)(spec.provider)(spec)
            place.loaded = Loaded(provider, provider.load())
        return place.loaded


def release(spec: LoadSpec) -> None:
    """Unload the instance of this configuration; harmless where there is none.

    Who asks for the configuration meanwhile waits and gets a fresh one: there are never two.
    """
    place = _place(spec)
    with place.lock:
        loaded, place.loaded = place.loaded, None
        if loaded is not None:
            loaded.provider.unload()


def _place(spec: LoadSpec) -> _Place:
    with _guard:
        return _places.setdefault(spec, _Place())
