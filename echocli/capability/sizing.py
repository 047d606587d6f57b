"""Which size of model a machine can hold, and which installed one stands in for another. Pure."""

from __future__ import annotations

from collections.abc import Collection

from echocli.capability.accelerators import CudaDevice
from echocli.capability.profile import Profile
from echocli.models import catalog


def gpu_of(profile: Profile, device: str) -> CudaDevice | None:
    """Return the CUDA device that ``cuda`` or ``cuda:N`` means, ``None`` for other devices."""
    kind, _, number = device.partition(":")
    return profile.cuda[int(number or 0)] if kind == "cuda" else None


def fits(profile: Profile, name: str, device: str) -> bool:
    """Tell whether a model has room in usable memory, and on the GPU where it runs on one."""
    model = catalog.get(name)
    gpu = gpu_of(profile, device)
    on_gpu = gpu is None or gpu.memory is None or model.gpu_gb <= round(gpu.memory / 1024**3)
    return model.memory_gb <= profile.usable_gb and on_gpu


def smaller(name: str, *, english: bool) -> str | None:
    """Return one size down, the English-only variant where English is all that counts."""
    less = catalog.smaller(name)
    variant = f"{less}.en"
    return variant if english and variant in catalog.MODELS else less


def largest_fitting(profile: Profile, name: str, device: str, *, english: bool) -> str:
    """Return ``name`` or the next smaller model that fits, tiny if none does."""
    while not fits(profile, name, device) and (less := smaller(name, english=english)):
        name = less
    return name


def largest_of(name: str, without: Collection[str], *, english: bool) -> str:
    """Return ``name`` or the next smaller model that is not in ``without``, tiny if all are."""
    while name in without and (less := smaller(name, english=english)):
        name = less
    return name


def best_installed(
    profile: Profile, installed: Collection[str], ideal: str, *, english: bool
) -> str | None:
    """Return the installed model that comes nearest to ``ideal``.

    The largest one that is no larger, else the smallest that fits; ``None`` if nothing here can do
    the language. Models outside the catalogue are never chosen: nobody knows what they need.
    """
    limit = catalog.get(ideal).rank
    here = [model for name in installed if (model := catalog.known(name))]
    here = [model for model in here if english or not model.english_only]
    if fitting := [model for model in here if model.rank <= limit]:
        return max(fitting, key=lambda m: (m.rank, m.english_only is english, m.parameters)).name
    larger = [model for model in here if fits(profile, model.name, "cpu")]
    return min(larger, key=lambda m: (m.rank, m.parameters)).name if larger else None
