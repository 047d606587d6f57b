"""What there is to choose from: providers that could run, and models each of them can read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from echocli.api.report import ProviderState
from echocli.api.weights import (
    STREAMED,
    VOXTRAL_MODEL,
    require_provider,
    voxtral_directory,
    voxtral_program,
)
from echocli.capability.tiers import Overrides
from echocli.config import Chosen
from echocli.errors import ModelError, ProviderError
from echocli.models.store import Found, Store
from echocli.providers import registry

GGML_PROVIDER = "whisper-cpp"
"""Provider of models that are here in GGML's format only."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Look for providers and models as the settings say."""

    chosen: Chosen
    store: Store

    def settled(self, wishes: Overrides) -> Overrides:
        """Return the wishes with the provider that a model or numbers named by the user need."""
        if wishes.provider not in (None, "auto"):
            return wishes
        if (wishes.compute_type or "").startswith("q"):  # GGML's names for them
            return replace(wishes, provider=GGML_PROVIDER)
        if wishes.model in (None, "auto"):
            return wishes
        name = str(wishes.model)
        if self._format(name, "ct2") is None and self._format(name, "ggml") == "ggml":
            return replace(wishes, provider=GGML_PROVIDER)
        return wishes

    def _format(self, name: str, wanted: str) -> str | None:
        try:
            found = self.store.find(name, wanted)
        except ModelError:
            return None
        return found.format if found else None

    def state(self, name: str) -> ProviderState:
        """Return whether a provider could run here, and if not, why."""
        try:
            info, found = registry.get(name).info, registry.availability(name)
        except ProviderError as error:  # somebody's broken plug-in must not hide the rest
            return ProviderState(name, False, (), str(error), error.hint or "")
        if info.model_format == STREAMED and voxtral_program(self.chosen):
            return ProviderState(name, True, info.devices, "", "")
        return ProviderState(name, found.available, info.devices, found.reason, found.hint)

    def require(self, name: str) -> None:
        """Raise ``ProviderError`` for a provider that cannot run here, with what would help."""
        require_provider(name, self.chosen)

    def models(
        self, wishes: Overrides, providers: Collection[str]
    ) -> tuple[list[Found], set[str], dict[str, set[str]]]:
        """Return the models that are here, their names, and those of providers that read others.

        What the user named is among the names if it is here; an unknown name is a ``ModelError``.
        """
        models = self.store.installed()
        kinds = {name: registry.get(name).info.model_format for name in providers}
        own = {
            name: self._names(kind, wishes if wishes.provider == name else None)
            for name, kind in kinds.items()
            if kind != "ct2"
        }
        asked = wishes if wishes.provider not in own else None
        return models, self._names("ct2", asked), own

    def _names(self, kind: str, wishes: Overrides | None) -> set[str]:
        named = wishes.model if wishes and wishes.model not in (None, "auto") else None
        if kind == "none":  # a script, or nothing at all, is the provider's own affair
            return {named} if named else set()
        if kind == STREAMED:
            directory = voxtral_directory(self.chosen, named)
            return {named or VOXTRAL_MODEL} if directory and directory.is_dir() else set()
        names = {found.name for found in self.store.installed(kind)}
        return names | {named} if named and self.store.find(named, kind) else names
