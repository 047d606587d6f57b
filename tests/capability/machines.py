"""Machines that are not here, and what could run on them."""

from __future__ import annotations

from echocli.capability.accelerators import CudaDevice
from echocli.capability.advice import Recommendation
from echocli.capability.probes import GB
from echocli.capability.profile import Profile
from echocli.models import catalog

EVERYTHING = tuple(catalog.MODELS)
FASTER = {"faster-whisper": ("cpu", "cuda"), "scripted": ("cpu",)}
BOTH = {**FASTER, "whisper-cpp": ("cpu", "cuda", "metal")}
H100 = CudaDevice(0, "NVIDIA H100", 80 * GB, ("float16", "int8"))


def machine(
    gb: float,
    *,
    cores: int = 4,
    cuda: bool = False,
    metal: bool = False,
    limit: float | None = None,
) -> Profile:
    return Profile(
        system="Darwin" if metal else "Linux",
        machine="arm64" if metal else "x86_64",
        cpu="",
        physical_cores=cores,
        logical_cores=cores,
        allowed_cores=cores,
        memory_total=int(gb * GB),
        memory_available=None,
        memory_allowed=int((limit or gb) * GB),
        cuda=(H100,) if cuda else (),
        metal=metal,
    )


def codes(advice: Recommendation) -> list[str]:
    return [notice.code for notice in advice.notices]
