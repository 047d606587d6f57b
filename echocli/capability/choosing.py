"""From a machine and wishes to provider, model and device. Pure.

A list of candidates, best first: what the tier names for the accelerator, then the processor. Those
whose provider is missing or cannot use the device are passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from echocli.capability.advice import Overrides, Tier, kind_of
from echocli.capability.profile import Profile
from echocli.events import Notice

AUTOMATIC = ("faster-whisper", "whisper-cpp")
"""Providers that may be chosen without being asked for, in this order."""

VOXTRAL = "voxtral"
"""Provider that comes first on the largest machines where experiments are welcome."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider, a model and the device to run it on."""

    provider: str
    model: str
    device: str


@dataclass(slots=True)
class Chooser:
    """Choose once; ``notices`` says what was not as wished."""

    profile: Profile
    providers: Mapping[str, Collection[str]]
    """Provider that could run → the kinds of device it can use."""
    wishes: Overrides
    tier: Tier
    own_models: Mapping[str, Collection[str]]
    """Provider → models that are here for it alone."""
    notices: list[Notice] = field(default_factory=list)

    def choose(self) -> Choice:
        """Return what the wishes leave of the candidates, the best of it."""
        wanted = self._present(self.wishes.device)
        rows = [row for row in self._candidates() if self._possible(row)]
        fitting = [row for row in rows if wanted in (None, kind_of(row.device))]
        if not fitting and wanted not in (None, "cpu"):
            self._notice("device-unsupported", self._unsupported(wanted))
            fitting = [row for row in rows if row.device == "cpu"]
        if not fitting:
            self._notice("no-provider", "no provider is installed; run: pip install faster-whisper")
            fitting = [Choice(AUTOMATIC[0], self.cpu_model(), "cpu")]
        choice = fitting[0]
        if wanted is None:
            self._mention_idle_accelerator(choice)
        return self._numbered(choice)

    def _unsupported(self, wanted: str | None) -> str:
        who = self.wishes.provider or "no available provider"
        verb = "cannot" if self.wishes.provider else "can"
        return f"{who} {verb} use {wanted}; the processor is used"

    def _numbered(self, choice: Choice) -> Choice:
        wish = self.wishes.device or ""
        if ":" in wish and choice.device == kind_of(wish):
            return Choice(choice.provider, choice.model, wish)
        return choice

    def _present(self, device: str | None) -> str | None:
        """Return the kind of the wanted device if the machine has it, else ``cpu``."""
        if device in (None, "cpu"):
            return device
        assert device is not None
        if device == "metal":
            there = self.profile.metal
        else:
            there = int(device.partition(":")[2] or 0) < len(self.profile.cuda)
        if not there:
            self._notice("device-absent", f"there is no {device} here; the processor is used")
        return kind_of(device) if there else "cpu"

    def _possible(self, row: Choice) -> bool:
        wanted = self.wishes.provider
        return row.device in self.providers.get(row.provider, ()) and wanted in (None, row.provider)

    def _candidates(self) -> list[Choice]:
        """Return provider, model and device, best first, whether possible or not."""
        plain = self.cpu_model()
        names = [self.wishes.provider] if self.wishes.provider else AUTOMATIC
        # The processor comes before an accelerator the tier does not name: only a wish picks that.
        rows = [*self._accelerated(), *(Choice(name, plain, "cpu") for name in names)]
        devices = ["cuda"] * bool(self.profile.cuda) + ["metal"] * self.profile.metal
        return rows + [Choice(name, plain, device) for device in devices for name in names]

    def _accelerated(self) -> list[Choice]:
        """Return what the tier names for the accelerators that are here."""
        if self.tier is Tier.ULTRA_LOW:
            return []
        ideal, wish = self._accelerated_model(), self.wishes.provider
        rows = self._experiments()
        if self.profile.cuda:
            # whisper.cpp comes built for Metal, and for CUDA only where somebody built it so.
            rows += [Choice(name, ideal, "cuda") for name in ([wish] if wish else AUTOMATIC)]
        if self.profile.metal and self.tier is not Tier.LOW:
            rows.append(Choice(wish or "whisper-cpp", ideal, "metal"))
        return rows

    def _experiments(self) -> list[Choice]:
        """Return what comes before all else where experiments are welcome and everything is here.

        Voxtral writes a dozen languages; which one cannot be asked of it.
        """
        models = self.own_models.get(VOXTRAL, ())
        wanted = self.wishes.experimental and self.wishes.model in (None, *models)
        if not wanted or not models or self.tier is not Tier.ULTRA:
            return []
        devices = ["metal"] * self.profile.metal + ["cuda"] * bool(self.profile.cuda)
        return [Choice(VOXTRAL, model, device) for model in models for device in devices]

    def _mention_idle_accelerator(self, choice: Choice) -> None:
        idle = {row.device for row in self._accelerated()} if choice.device == "cpu" else set()
        for device, who in (("metal", "only whisper-cpp"), ("cuda", "no available provider")):
            if device in idle:
                text = f"{device} is here, but {who} can use it; the processor is used"
                self._notice("accelerator-unused", text)

    def cpu_model(self) -> str:
        """Return what the processor of this machine is good for."""
        if self.tier is Tier.ULTRA_LOW:
            return "tiny.en"
        return "small.en" if self.profile.memory_gb >= 32 else "base.en"

    def _accelerated_model(self) -> str:
        return {
            Tier.MEDIUM_GPU: "small.en",
            Tier.HIGH: "medium.en",
            Tier.ULTRA: "large-v3-turbo",
        }.get(self.tier, self.cpu_model())

    def _notice(self, code: str, message: str) -> None:
        self.notices.append(Notice(code, message))
