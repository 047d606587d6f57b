"""How much memory a worker needs, and which model fits in what is allowed.

What was measured on this machine counts most (:mod:`.footprint_cache`), else an estimate from the
size of the weights. Both are resident memory of the worker alone, in units of 2**20 bytes; this
process takes its own beside it. The catalogue's gigabytes serve the tiers only.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Self

from echocli.errors import ModelError
from echocli.events import Notice
from echocli.models import catalog
from echocli.models.store import Found
from echocli.providers.base import LoadSpec

MB = 2**20

OVERHEAD_MB = 130
"""Python, the libraries, and what the first inference takes whatever the model is."""

EIGHT_BITS = frozenset({"int8", "int8_float32", "int8_float16", "int8_bfloat16", "float16"})
"""What runs on a processor with weights of eight bits; ``float16`` becomes ``int8`` there."""

WEIGHTS_EIGHT_BITS = 1.5
"""Times the size of ``model.bin``, which has 16 bits a weight and is read as a whole first."""

WEIGHTS_WIDE = 2.8
"""The same for ``float32``: twice the size, and what is kept of reading and unpacking."""

MKL_MB = 105
"""What Intel's library takes beside: tiny.en, int8, warm, with one slot 351 MB instead of 255, with
two 365 instead of 255."""

SLOT_MB = 45
SLOT_WEIGHTS = 0.4
"""A slot takes the first, and the second times the size of the weights."""


GGML_SHARES = {"float16": 1.0, "q8_0": 0.56, "q5_1": 0.41, "q5_0": 0.38}
"""Size of a GGML file beside the one in float16."""

GGML_OVERHEAD_MB = 35
GGML_SLOT_MB = 57
GGML_SLOT_WEIGHTS = 0.58
"""The same of whisper.cpp: without numpy's libraries, but with more for a slot."""

GGML_SECOND_SLOT = 0.6
"""What a second slot takes beside the first, as beams are decoded in one at a time; there is no
third."""


@dataclass(frozen=True, slots=True)
class Demand:
    """All that a worker's memory depends on."""

    provider: str
    model: str
    device: str
    compute_type: str
    slots: int
    weights: int
    """Bytes of the file of weights, of GGML's as float16; 0 where there is none."""
    mkl: bool = False
    """Whether matrices are multiplied by Intel's library."""

    @classmethod
    def of(cls, spec: LoadSpec) -> Self:
        """Return that of a model that is here as a directory or a file."""
        path = Path(spec.path)
        try:
            if path.is_file():
                return cls._of_ggml(spec, spec.model, path.stat().st_size, quantisation(path))
            weights = (path / "model.bin").stat().st_size
        except OSError:
            weights = 0
        return cls._with(spec, spec.model, weights)

    @classmethod
    def of_other(cls, spec: LoadSpec, found: Found) -> Self:
        """Return that of an installed model that is run as ``spec`` says."""
        if found.format == "ggml":
            return cls._of_ggml(spec, found.name, found.bytes, found.quantisation)
        return cls._with(spec, found.name, found.bytes)

    @classmethod
    def _of_ggml(cls, spec: LoadSpec, model: str, size: int, kind: str) -> Self:
        """Return that of a file, which is run as it is, whatever ``spec`` asks for."""
        weights = round(size / GGML_SHARES.get(kind, 1.0))
        return cls._with(replace(spec, compute_type=kind), model, weights)

    @classmethod
    def _with(cls, spec: LoadSpec, model: str, weights: int) -> Self:
        mkl = spec.provider == "faster-whisper" and spec.device == "cpu" and uses_mkl()
        return cls(spec.provider, model, spec.device, spec.compute_type, spec.slots, weights, mkl)


Measured = Mapping[Demand, float]
"""The highest resident memory of workers that ran, in MB."""

NOTHING: Measured = MappingProxyType({})


def estimated_mb(demand: Demand) -> float | None:
    """Estimate what a worker takes at most on ordinary speech.

    ``None`` for all but Whisper's models on a processor. That of whisper.cpp is fitted to 274 MB
    of base with one slot and 357 with two (q8_0), and 421 (float16, two), each the highest of long
    windows decoded with five beams.

    That of CTranslate2 is fitted to peaks of workers (CTranslate2 4.8.5 with AVX-512, glibc, one
    thread a slot, 2 and 5 beams, without Intel's library). The first figure is the highest in four
    minutes of a book and ten of the project's samples; the second that in ten minutes of noise,
    music and foreign speech, where one window in five is decoded again, at 30 s with 5 beams or by
    sampling, which loads the model once more; the last is what this returns:

    ========  ============  ================  ================  ================
    model     compute type  1 slot            2 slots           4 slots
    ========  ============  ================  ================  ================
    tiny.en   int8          302 / 405 / 312   389 / 508 / 386   475 / 674 / 533
    base      int8          359 / 550 / 438   514 / 670 / 539   665 / 811 / 739
    tiny.en   float32       354 / - / 405     478 / 690 / 479
    base      float32       552 / - / 618     724 / 986 / 719
    ========  ============  ================  ================  ================

    ``int8_float32`` takes what ``int8`` takes (base, 2 slots: 485). Warmed up by single windows up
    to 30 s they stand at 255, 356, 330 to 373 and 515 to 561, with any number of slots: a slot
    takes its share when there is work for it. Larger models were not measured.
    """
    weights = demand.weights / MB
    if demand.device != "cpu" or not weights:
        return None
    if demand.provider == "whisper-cpp":
        slot = GGML_SLOT_MB + GGML_SLOT_WEIGHTS * weights
        slots = 1 if demand.slots < 2 else 1 + GGML_SECOND_SLOT
        share = GGML_SHARES.get(demand.compute_type, GGML_SHARES["q8_0"])
        return GGML_OVERHEAD_MB + share * weights + slots * slot
    if demand.provider != "faster-whisper":
        return None
    factor = WEIGHTS_EIGHT_BITS if demand.compute_type in EIGHT_BITS else WEIGHTS_WIDE
    overhead = OVERHEAD_MB + MKL_MB * demand.mkl
    return overhead + factor * weights + demand.slots * (SLOT_MB + SLOT_WEIGHTS * weights)


@cache
def uses_mkl() -> bool:
    """Tell whether CTranslate2 uses Intel's library, as it does on Intel's processors.

    Unless ``CT2_USE_MKL`` says otherwise (``cpu/backend.cc``). It is a quarter faster there.
    """
    from echocli.runtime.spawning import cpuinfo

    if (wanted := os.environ.get("CT2_USE_MKL")) is not None:
        return wanted not in ("0", "false")
    return "GenuineIntel" in (cpuinfo() or platform.processor())


def quantisation(path: Path) -> str:
    """Return how the numbers of a GGML file are kept; ``""`` where it is none."""
    from echocli.models.ggml_header import read_header

    try:
        return read_header(path).quantisation
    except ModelError:
        return ""


def needed_mb(demand: Demand, measured: Measured = NOTHING) -> float | None:
    """Return what a worker needs: measured, else estimated; ``None`` where nothing is known."""
    known = measured.get(demand)
    return estimated_mb(demand) if known is None else known


def fitting(
    candidates: Iterable[Demand], budget_mb: float, measured: Measured = NOTHING
) -> Demand | None:
    """Return the biggest of the catalogue's models that fits; of equals the first."""
    fit = [one for one, needed in _needs(candidates, measured) if needed <= budget_mb]
    return max(fit, key=lambda one: _size(one.model), default=None)


def check_budget(
    spec: LoadSpec,
    budget_mb: float,
    installed: Sequence[Found],
    measured: Measured = NOTHING,
    *,
    english: bool = True,
) -> None:
    """Raise ``ModelError`` where a model that was asked for needs more than is allowed.

    ``english`` tells whether a model that knows only English may be named instead. A model of which
    nothing is known is let through: its worker is watched while it runs.
    """
    demand = Demand.of(spec)
    needed = needed_mb(demand, measured)
    if needed is None or needed <= budget_mb:
        return
    others = _candidates(spec, installed, english=english)
    best = fitting(others, budget_mb, measured)
    raise ModelError(
        f"model '{spec.model}' needs {_about(needed)}, --max-memory-mb allows {budget_mb:.0f}",
        hint=f"the biggest that fits: --model {best.model}"
        if best
        else _nothing_fits([demand, *others], measured),
    )


@dataclass(frozen=True, slots=True)
class Within:
    """The model to run, and what to tell the user where it is not the one that suits best."""

    model: str
    notice: Notice | None = None


def choose_within(
    spec: LoadSpec,
    budget_mb: float,
    installed: Sequence[Found],
    measured: Measured = NOTHING,
    *,
    english: bool = True,
) -> Within:
    """Return the model of ``spec``, which nobody asked for, or the biggest below it that fits.

    Raises ``ModelError`` where none does. ``english`` tells whether a model that knows only English
    will do.
    """
    demand = Demand.of(spec)
    needed = needed_mb(demand, measured)
    if needed is None or needed <= budget_mb:
        return Within(spec.model)
    others = _candidates(spec, installed, english=english)
    # What suits the machine was chosen by its speed too: nothing slower instead.
    best = fitting(_no_bigger(others, spec.model), budget_mb, measured)
    if best is None:
        raise ModelError(
            f"no installed model fits in {budget_mb:.0f} MB, which --max-memory-mb allows",
            hint=_nothing_fits([demand, *others], measured),
        )
    text = f"{best.model} is used: {spec.model} needs {_about(needed)}, {budget_mb:.0f} are allowed"
    return Within(best.model, Notice("memory-budget", text))


def _candidates(spec: LoadSpec, installed: Sequence[Found], *, english: bool) -> list[Demand]:
    """Return the other models of the catalogue that could be run as ``spec`` says."""
    return [
        Demand.of_other(spec, found)
        for found in installed
        if (model := catalog.known(found.name)) is not None
        and (english or not model.english_only)
        and found.name != spec.model
    ]


def _no_bigger(demands: Iterable[Demand], name: str) -> list[Demand]:
    limit = catalog.known(name)
    return [one for one in demands if limit is None or catalog.get(one.model).rank <= limit.rank]


def _needs(demands: Iterable[Demand], measured: Measured) -> Iterator[tuple[Demand, float]]:
    """Yield models of the catalogue with what they need, where that is known."""
    for one in demands:
        needed = needed_mb(one, measured)
        if needed is not None and catalog.known(one.model) is not None:
            yield one, needed


def _size(name: str) -> tuple[int, int]:
    model = catalog.get(name)
    return model.rank, model.parameters


def _about(megabytes: float) -> str:
    """Say it rounded up, so that what does not fit never reads as what is allowed."""
    return f"about {5 * math.ceil(megabytes / 5)} MB"


def _nothing_fits(demands: Iterable[Demand], measured: Measured) -> str:
    needs = {one.model: needed for one, needed in _needs(demands, measured)}
    if not needs:
        return "allow more with --max-memory-mb"
    least = min(needs, key=lambda name: needs[name])
    return f"no installed model fits; the smallest, {least}, needs {_about(needs[least])}"
