"""From what a machine was measured to cost to the speed of each model and preset. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from echocli.capability import sizing
from echocli.capability.measure import (
    TOKENS_PER_SECOND,
    Batch,
    Shape,
    Work,
    makespan,
    seconds,
)
from echocli.capability.profile import Profile
from echocli.decoding.presets import RECIPES, Preset, Recipe
from echocli.models import catalog
from echocli.types import SAMPLE_RATE

SHAPES = {
    "tiny": Shape(4, 4, 384),
    "base": Shape(6, 6, 512),
    "small": Shape(12, 12, 768),
    "medium": Shape(24, 24, 1024),
    "large": Shape(32, 32, 1280),
    "large-v3-turbo": Shape(32, 4, 1280),
    "distil-small": Shape(12, 4, 768),
    "distil-medium": Shape(24, 2, 1024),
    "distil-large": Shape(32, 2, 1280),
}
"""Layers and width by kind of model, from the ``config.json`` of the published checkpoints."""

ROWS = ("tiny", "base", "small", "medium", "large-v3-turbo", "large-v3")
"""Models shown whether they are installed or not."""

LIVE_LIMIT = 0.8
"""Load at which the ladder warns: below it a model keeps up."""

SIDE_BY_SIDE = 4
"""Windows of a slot in the requests of a recording of some minutes: they begin with one."""

UTTERANCE = 10.0
"""Seconds of an utterance that live decoding goes through again and again: a long one."""


@dataclass(frozen=True, slots=True)
class Running:
    """How a model would be run."""

    device: str
    slots: int
    chunk_seconds: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model does here with a preset."""

    model: str
    preset: Preset
    memory_gb: int
    """Main memory it needs."""
    fits: bool
    """Whether that is there."""
    speed: float
    """Seconds of continuous speech decoded in a second, of a long recording."""
    speed_short: float
    """The same of a recording that is one full window, and so keeps one slot busy."""
    live_load: float
    """Time to decode an utterance of 10 s ÷ chunk seconds."""
    live: bool
    """Whether it fits and that load is below 0.8."""
    installed: bool
    measured: bool
    """Whether a model of this architecture was run, not only computed from another."""


def kind(model: str) -> str:
    """Return the key in :data:`SHAPES` of a model of the catalogue."""
    name = catalog.canonical(model)
    if name in SHAPES:
        return name
    base = name.removesuffix(".en")
    return base.rpartition("-")[0] if "large-v" in base else base


def nearest(costs: Mapping[str, Work], wanted: str) -> Work:
    """Return the costs of the measured kind whose encoder is nearest in size to ``wanted``."""
    size = SHAPES[wanted].encoder_work(1.0)
    return costs[min(costs, key=lambda it: max(r := SHAPES[it].encoder_work(1.0) / size, 1 / r))]


def predict_all(
    costs: Mapping[str, Work],
    profile: Profile,
    installed: Collection[str],
    running: Running,
    *,
    english: bool,
) -> tuple[Prediction, ...]:
    """Return the predictions for the catalogue's main models and those here, smallest first."""
    wanted = {_variant(name, english=english) for name in ROWS}
    wanted |= {name for name in installed if english or not catalog.is_english_only(name)}
    return tuple(
        _predict(name, preset, costs, profile, installed, running)
        for name in catalog.MODELS
        if name in wanted
        for preset in Preset
    )


def too_slow(predictions: Collection[Prediction]) -> dict[str, float]:
    """Return the models that cannot keep up with the default preset, and their load."""
    return {
        it.model: it.live_load
        for it in predictions
        if it.preset is Preset.BALANCED and it.live_load >= LIVE_LIMIT
    }


def _variant(name: str, *, english: bool) -> str:
    return f"{name}.en" if english and f"{name}.en" in catalog.MODELS else name


def _predict(
    name: str,
    preset: Preset,
    costs: Mapping[str, Work],
    profile: Profile,
    installed: Collection[str],
    running: Running,
) -> Prediction:
    shape, cost, recipe = SHAPES[kind(name)], nearest(costs, kind(name)), RECIPES[preset]
    batches, sound = _long_recording(recipe, running.slots)
    longest = recipe.longest / SAMPLE_RATE
    load = seconds(cost, shape, batch_of(recipe, 1, UTTERANCE)) / running.chunk_seconds
    fits = sizing.fits(profile, name, running.device)
    return Prediction(
        model=name,
        preset=preset,
        memory_gb=catalog.get(name).memory_gb,
        fits=fits,
        speed=sound / makespan(cost, shape, batches, running.slots),
        speed_short=longest / seconds(cost, shape, batch_of(recipe, 1, longest)),
        live_load=load,
        live=fits and load < LIVE_LIMIT,
        installed=name in installed,
        measured=kind(name) in costs,
    )


def batch_of(recipe: Recipe, windows: int, length: float, tokens: float | None = None) -> Batch:
    """Return windows of so many seconds as a preset decodes them, with ``tokens`` in each."""
    tail = recipe.tail / SAMPLE_RATE
    return Batch(windows, length, tail, recipe.beam_size, tokens or TOKENS_PER_SECOND * length)


def _long_recording(recipe: Recipe, slots: int) -> tuple[list[Batch], float]:
    """Return the batches of an ordinary request, and its seconds of speech.

    Windows of continuous speech are cut at pauses, between 60 and 100 % of the longest.
    """
    count, longest = slots * SIDE_BY_SIDE, recipe.longest / SAMPLE_RATE
    lengths = [longest * (0.6 + 0.4 * (i + 0.5) / count) for i in range(count)]
    alike = Counter(batch_of(recipe, 1, length).encoded for length in lengths)
    batches = []
    for encoded, number in alike.items():
        length = sum(x for x in lengths if batch_of(recipe, 1, x).encoded == encoded) / number
        full, rest = divmod(number, SIDE_BY_SIDE)
        sizes = [SIDE_BY_SIDE] * full + [rest] * bool(rest)
        batches += [batch_of(recipe, n, length) for n in sizes]
    return batches, sum(lengths)
