"""Another model in the middle of a run, on the path by which the ladder changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from echocli.api.fallbacks import standins
from echocli.api.keeping import choices_of
from echocli.api.listener import Listener
from echocli.api.setup import Setup, loaded, prepare
from echocli.config import KEYS
from echocli.environment import Environment
from echocli.errors import ProviderError, UsageError
from echocli.models.store import Store
from echocli.providers import registry
from echocli.providers.base import LoadSpec

if TYPE_CHECKING:
    from echocli.runtime.operating import Change, OperatingPoint


def other(setup: Setup, environment: Environment, listener: Listener, wanted: str) -> Setup:
    """Return the setup with another model, ``MODEL`` or ``PROVIDER:MODEL``.

    Raises what choosing a model raises: ``ModelError`` where it is not here, as a run must not wait
    for a download, ``UsageError`` where it does not know the language.
    """
    provider, colon, model = (part.strip() for part in wanted.partition(":"))
    named = {"provider": KEYS["provider"](provider)} if provider and colon else {}
    if named.get("provider", provider) not in registry.names():
        named, model = {}, wanted.strip()  # a path may have a colon
    if not provider or not model:
        raise UsageError(f"'{wanted}' names no model", hint="MODEL or PROVIDER:MODEL")
    chosen = setup.chosen.but(model=model, **named)
    return prepare(environment, chosen, listener, downloads=False)


def fallback(
    setup: Setup,
    environment: Environment,
    serves: LoadSpec,
    before: Setup | None,
    usable: Callable[[LoadSpec], bool],
) -> Setup:
    """Return the setup with what stands in for its model, but not with what ``serves`` already.

    ``before`` served before that. Raises ``ProviderError`` where nothing stands in.
    """

    def helps(spec: LoadSpec) -> bool:
        same = (spec.provider, spec.path) == (serves.provider, serves.path)
        return not same and usable(spec)

    found = standins(setup, environment, english=setup.may_be_english).fallbacks
    if spec := next(filter(helps, found), None):
        return with_spec(setup, environment, spec)
    if before is None or not helps(before.spec):
        raise ProviderError(
            "there is nothing to fail over to", hint="name it: fallback='PROVIDER:MODEL'"
        )
    return before


def with_spec(setup: Setup, environment: Environment, spec: LoadSpec) -> Setup:
    """Return the setup with another model that is here."""
    store = Store(environment, setup.chosen["model_dir"])
    models = store.installed(format=registry.get(spec.provider).info.model_format)
    found = loaded(spec, None, models)
    return replace(setup, spec=spec, models=tuple(models), found=found, fallback=None)


def change_to(
    setup: Setup,
    environment: Environment,
    point: OperatingPoint,
    reason: str,
    *,
    fails_over: bool = False,
) -> Change:
    """Return the change that makes ``setup`` serve; ``point`` is how it is done so far."""
    from echocli.runtime.operating import Change

    point = replace(point, spec=setup.spec)
    english = setup.may_be_english
    return Change(
        choices_of(setup, environment, point, english=setup.writes_english, live=True),
        choices_of(setup, environment, point, english=english, live=True),
        standins(setup, environment, english=english).fallbacks,
        reason,
        fails_over,
    )
