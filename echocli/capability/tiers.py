"""From a machine to what suits it: tier, provider, model, device. Pure.

The tiers are those of the system this program grew from. A recommendation is chosen from a list of
candidates, best first: what the tier names for the accelerator, then the processor. Candidates
whose provider is missing or cannot use the device are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from echocli.capability import sizing
from echocli.capability.advice import (
    Fallback,
    Overrides,
    Recommendation,
    Tier,
    normalised,
    parallelism,
    parallelism_of,
    parse_device,
    tier_of,
)
from echocli.capability.choosing import AUTOMATIC, VOXTRAL, Choice, Chooser
from echocli.capability.compute import default_compute
from echocli.capability.profile import Profile
from echocli.errors import ProviderError
from echocli.events import Notice
from echocli.models import catalog, store

__all__ = [
    "Fallback",
    "Overrides",
    "Recommendation",
    "Tier",
    "parallelism",
    "parse_device",
    "recommend",
    "tier_of",
]


def recommend(
    profile: Profile,
    installed_models: Collection[str],
    available_providers: Mapping[str, Collection[str]],
    overrides: Overrides | None = None,
    too_slow: Mapping[str, float] | None = None,
    own_models: Mapping[str, Collection[str]] | None = None,
) -> Recommendation:
    """Return what suits ``profile``.

    ``available_providers`` maps the name of each provider that could run to the kinds of device it
    can use, ``too_slow`` the models that cannot keep up here to their load, ``own_models`` a
    provider to the models that are here for it instead of ``installed_models``. Raises
    ``UsageError`` for an unknown device and ``ProviderError`` for a provider that was asked for and
    is not available.
    """
    wishes = normalised(overrides or Overrides())
    if wishes.provider and wishes.provider not in available_providers:
        raise ProviderError(
            f"provider '{wishes.provider}' is not available",
            hint=f"available: {', '.join(available_providers) or 'none'}",
        )
    advisor = _Advisor(
        profile, installed_models, available_providers, wishes, too_slow or {}, own_models or {}
    )
    return advisor.advise()


class _Advisor:
    """One recommendation in the making; collects notices on the way."""

    def __init__(
        self,
        profile: Profile,
        installed: Collection[str],
        providers: Mapping[str, Collection[str]],
        wishes: Overrides,
        too_slow: Mapping[str, float],
        own_models: Mapping[str, Collection[str]],
    ) -> None:
        self.profile = profile
        self.installed = installed
        self.providers = providers
        self.wishes = wishes
        self.too_slow = too_slow
        self.own_models = own_models
        self.stepped_down = ""
        self.notices: list[Notice] = list(profile.notices)
        self.english = wishes.language in (None, "en")
        self.tier = tier_of(profile.memory_gb, accelerated=bool(profile.cuda) or profile.metal)
        self._chooser = Chooser(profile, providers, wishes, self.tier, own_models, self.notices)

    def advise(self) -> Recommendation:
        choice = self._chooser.choose()
        self.installed = self.own_models.get(choice.provider, self.installed)
        model = self._model(choice)
        usable = self._usable(model)
        compute = self._compute_type(choice, usable or model)
        slots, threads = self._parallelism(choice)
        here = usable == model
        if choice.provider in AUTOMATIC:  # models of others are their own affair
            self._say_what_is_missing(model, usable)
        return Recommendation(
            tier=self.tier,
            provider=choice.provider,
            model=model,
            device=choice.device,
            compute_type=compute,
            chunk_seconds=self._chunk_seconds(),
            vad=True if self.wishes.vad is None else self.wishes.vad,
            slots=slots,
            threads=threads,
            reason=self._reason(choice, model, compute),
            fallback=self._fallback(choice, model),
            usable_model=usable,
            installed=here,
            run_to_install=None if here else _command(model),
            notices=tuple(self.notices),
        )

    def _notice(self, code: str, message: str) -> None:
        self.notices.append(Notice(code, message))

    # Model

    def _model(self, choice: Choice) -> str:
        if self.wishes.model:
            self._warn_if_tight(self.wishes.model, choice.device)
            return self.wishes.model
        if choice.provider == VOXTRAL:  # there is one, and it has no sizes
            return next(iter(self.installed), choice.model)
        model = choice.model if self.english else choice.model.removesuffix(".en")
        model = sizing.largest_fitting(self.profile, model, choice.device, english=self.english)
        self._warn_if_tight(model, choice.device)
        return self._keeping_up(model)

    def _keeping_up(self, model: str) -> str:
        """Return ``model``, or the next smaller one where a measurement says it is too slow."""
        quick = sizing.largest_of(model, self.too_slow, english=self.english)
        if quick != model:
            load = self.too_slow[model]
            self.stepped_down = f"; {model} does not keep up live (load {load:.2g}, measured)"
        return quick

    def _warn_if_tight(self, name: str, device: str) -> None:
        model = catalog.known(name)
        if model is not None and not sizing.fits(self.profile, name, device):
            text = f"{name} wants {model.memory_gb} GB; {self.profile.usable_gb:.1f} GB are usable"
            self._notice("memory-tight", text)

    def _usable(self, ideal: str) -> str | None:
        """Return what to run now; a model the user named has no substitute."""
        if ideal in self.installed:
            return ideal
        if self.wishes.model:
            return None
        return sizing.best_installed(self.profile, self.installed, ideal, english=self.english)

    def _say_what_is_missing(self, model: str, usable: str | None) -> None:
        command = _command(model)
        if usable == model or command is None:
            return
        until = f"; {usable} is used instead" if usable else ""
        text = f"{model} is not installed{until}; run: {command}"
        self._notice("model-missing", text)

    # The rest

    def _compute_type(self, choice: Choice, model: str) -> str:
        wish = self.wishes.compute_type
        narrow = "float16" in (wish or "") and choice.provider != "whisper-cpp"
        if narrow and choice.device == "cpu":
            self._notice("compute-type", f"{wish} needs an accelerator; int8 is used")
            return default_compute(choice.provider, None, model)
        gpu = sizing.gpu_of(self.profile, choice.device)
        return wish or default_compute(choice.provider, gpu, model, choice.device)

    def _parallelism(self, choice: Choice) -> tuple[int, int]:
        cores = self.wishes.threads or self.profile.allowed_cores
        return parallelism_of(choice.provider, choice.device, cores)

    def _chunk_seconds(self) -> float:
        if self.wishes.chunk_seconds is not None:
            return self.wishes.chunk_seconds
        return 4.0 if self.tier is Tier.ULTRA_LOW else 2.0

    def _fallback(self, choice: Choice, model: str) -> Fallback:
        provider = next((name for name in AUTOMATIC if name in self.providers), choice.provider)
        less = self._less(model) if catalog.known(model) else self._chooser.cpu_model()
        less = less or model
        return Fallback(provider, less, "cpu", default_compute(provider, None, less))

    def _less(self, model: str) -> str | None:
        """Return one size down; a multilingual model that was asked for stays multilingual."""
        asked = self.wishes.model not in (None, "auto")
        english = catalog.is_english_only(model) if asked else self.english
        return sizing.smaller(model, english=english)

    def _reason(self, choice: Choice, model: str, compute: str) -> str:
        chosen = f"{model} ({compute}) on {choice.device} with {choice.provider}"
        return f"{self.profile.summary}: {chosen}{self.stepped_down}"


def _command(model: str) -> str | None:
    return store.install_command(model) if catalog.known(model) else None
