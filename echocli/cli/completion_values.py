"""What a shell offers where only this machine knows the words: models, providers, microphones.

Whoever presses Tab waits for it and cannot be told anything: what cannot be found out is left out.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum

from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.models.found import is_path
from echocli.output.text import clean

PATIENCE_SECS = 3.0
"""How long a Tab may take; a sound server that hangs must not hang the prompt."""


class Kind(StrEnum):
    """Lists that depend on the machine."""

    MODELS = "models"
    """Those that are here, then the others of the catalogue."""
    INSTALLED = "installed"
    """Models that are here."""
    STORED = "stored"
    """Models of the store, whole or not: those that may be removed."""
    PROVIDERS = "providers"
    """Built in and added by packages."""
    DEVICES = "devices"
    """Audio inputs by name."""


def values(kind: Kind, environment: Environment) -> list[str]:
    """Return the words of a list, each once, without what a terminal must not get."""
    found: list[str] = []
    with suppress(EchoError, OSError):
        found += map(clean, _LISTS[kind](environment))
    return [word for word in dict.fromkeys(found) if word.strip()]


def leave_in_time(secs: float = PATIENCE_SECS) -> None:
    """End this process after so many seconds, with exit status 0 and without another word."""
    timer = threading.Timer(secs, os._exit, (0,))
    timer.daemon = True
    timer.start()


def _models(environment: Environment) -> Iterable[str]:
    from echocli.models import catalog

    yield from values(Kind.INSTALLED, environment)
    yield from (*catalog.MODELS, *catalog.ALIASES)


def _installed(environment: Environment) -> Iterable[str]:
    from echocli.cli.models_chosen import open_store

    store = open_store(environment, None)
    return [copy.name for copy in store.everything() if not is_path(copy.name)]


def _stored(environment: Environment) -> Iterable[str]:
    from echocli.cli.models_chosen import open_store
    from echocli.models import leftovers

    store = open_store(environment, None)
    whole = [copy.name for copy in store.everything() if copy.origin == "store"]
    damaged = [copy.name for copy in leftovers.damaged(store.directory)]
    return [*whole, *damaged, *(it.name for it in leftovers.begun(store.directory))]


def _providers(environment: Environment) -> Iterable[str]:
    from echocli.models.languages import AUTO
    from echocli.providers import registry

    del environment
    return [AUTO, *registry.names()]


def _devices(environment: Environment) -> Iterable[str]:
    from echocli.audio.devices import list_inputs

    del environment
    return [device.name for device in list_inputs()]


_LISTS: dict[Kind, Callable[[Environment], Iterable[str]]] = {
    Kind.MODELS: _models,
    Kind.INSTALLED: _installed,
    Kind.STORED: _stored,
    Kind.PROVIDERS: _providers,
    Kind.DEVICES: _devices,
}
