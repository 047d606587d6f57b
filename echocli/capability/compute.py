"""Which numbers a model is computed in: small enough for the memory, good for the device. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from echocli.capability.accelerators import CudaDevice
from echocli.errors import UsageError
from echocli.models import catalog

UNDERSTOOD: Mapping[str, tuple[str, ...]] = {
    "faster-whisper": (
        *("int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16"),
        *("float16", "bfloat16", "float32"),
    ),
    "whisper-cpp": (
        *("float16", "q8_0", "q5_1", "q5_0"),
        *("int8", "int8_float16", "int8_float32"),  # what comes next to it: q8_0
    ),
}
"""Provider → the numbers that it can be asked for; of others nothing is known."""

ROOMY = ("float16", "int8", "float32")
"""On a GPU with room for the model, best first."""

SHORT = ("int8_float16", "int8", "float16", "float32")
"""On a GPU without: weights of eight bits take half the memory, and what is computed from them
keeps sixteen where the GPU can."""


def default_compute(provider: str, gpu: CudaDevice | None, model: str, device: str = "cpu") -> str:
    """Return the numbers to compute in: the best that the device, where it is a GPU, can do.

    Without a GPU that is int8, or what comes next to it: of whisper.cpp's types q8_0 is the fastest
    on a processor and writes what float16 does, while q5_0 is slower than float16 there and saves
    memory. A GPU that CTranslate2 could not be asked about can do all.
    """
    if provider == "whisper-cpp":
        return "q8_0" if device == "cpu" else "q5_0"
    if provider == "voxtral":
        return "bfloat16"
    if gpu is None:
        return "int8"
    order = SHORT if is_short(gpu, model) else ROOMY
    able = [name for name in order if name in gpu.compute_types]
    return able[0] if able else order[0]


def check_compute(provider: str, wish: str) -> None:
    """Raise ``UsageError`` for numbers that a provider does not know."""
    known = UNDERSTOOD.get(provider)
    if known is not None and wish not in known:
        raise UsageError(
            f"provider '{provider}' does not know the compute type '{wish}'",
            hint=f"it knows: {', '.join(known)}",
        )


def is_short(gpu: CudaDevice, model: str) -> bool:
    """Tell whether a GPU has less memory than the catalogue wants for a model.

    The figures are for 16 bits; nothing is known of models outside the catalogue.
    """
    row = catalog.known(model)
    if row is None or gpu.memory is None:
        return False
    return row.gpu_gb > round(gpu.memory / 1024**3)
