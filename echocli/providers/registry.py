"""Names of providers and where their classes live; nothing is imported until it is used.

Adding one here is one row; others add theirs with the entry point group ``echocli.providers``,
whose value is ``"module:Class"`` too.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from echocli.errors import ProviderError
from echocli.providers.base import Availability, Provider

ENTRY_POINTS = "echocli.providers"

BUILTIN: dict[str, str] = {
    "faster-whisper": "echocli.providers.faster_whisper:FasterWhisper",
    "scripted": "echocli.providers.scripted:Scripted",
}


@cache
def table() -> dict[str, str]:
    """Return every known provider name with its ``module:Class``; built-in names win."""
    found = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
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
    except Exception as error:  # somebody else's module may fail in any way
        raise ProviderError(f"provider '{name}' cannot be loaded: {error}") from error
    if not (isinstance(provider, type) and issubclass(provider, Provider)):
        raise ProviderError(f"provider '{name}' is not a Provider class: {target}")
    return provider


def availability(name: str) -> Availability:
    """Tell whether a provider could run here, without importing its library."""
    return get(name).is_available()


def require(name: str) -> type[Provider]:
    """Return a provider that can run; raise ``ProviderError`` with the install command if not."""
    provider = get(name)
    state = provider.is_available()
    if not state.available:
        raise ProviderError(
            f"provider '{name}' is not available: {state.reason}", hint=state.hint or None
        )
    return provider
