"""Run a model on recorded speech, in the worker that would serve, and time it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from echocli.capability.measure import Timed, Work, adjusted, fit, seconds
from echocli.capability.measure_predict import SHAPES, batch_of, nearest
from echocli.clock import Clock
from echocli.decoding.presets import RECIPES, Preset
from echocli.errors import TranscriptionError
from echocli.providers.base import DecodeOptions, Hypothesis, Window
from echocli.runtime.supervisor import Outcome, Supervisor
from echocli.runtime.warmup import Level, warm_windows
from echocli.types import SAMPLE_RATE, Samples

SPEECH = Path(__file__).with_name("measure_speech.ogg")
"""The first 9 s of ``samples/meeting.flac``."""

BUDGET_S = 2.0
"""Seconds a further model may be run for."""

PROBES = ((Preset.BALANCED, 2), (Preset.FAST, 1), (Preset.ACCURATE, 2), (Preset.FAST, 2))
"""Preset and windows of each slot; the first one tells most, because it is the default."""

_ids = itertools.count(-1000, -1)
"""Negative, as those of a warm-up: a provider may remember what it computed for an id."""


def speech() -> Samples:
    """Return the sound that is decoded."""
    import numpy as np

    from echocli.audio.open import open_source

    with open_source(str(SPEECH), stdin=BytesIO()) as source:
        return np.concatenate(list(source.blocks()))


def affordable(costs: Mapping[str, Work], kind: str) -> bool:
    """Tell whether running one more model is likely to stay near the budget."""
    preset, windows = PROBES[0]
    return (
        seconds(nearest(costs, kind), SHAPES[kind], batch_of(RECIPES[preset], windows, 9.0))
        < BUDGET_S
    )


def run(supervisor: Supervisor, kind: str, costs: Mapping[str, Work], clock: Clock) -> Work:
    """Return what a model costs here.

    The first model is measured in full; a further one for :data:`BUDGET_S`, on top of what is known
    from the one nearest in size. Raises ``ModelError`` and ``TranscriptionError``.
    """
    supervisor.ready(warm_windows(Level.FIRST))
    sound = speech()
    timed: list[Timed] = []
    for preset, windows in PROBES:
        timed.append(_probe(supervisor, sound, preset, windows, clock))
        if costs and sum(it.seconds for it in timed) > BUDGET_S / 2:
            break
    if len(timed) == len(PROBES):
        return fit(SHAPES[kind], timed)
    return adjusted(nearest(costs, kind), SHAPES[kind], timed)


def _probe(
    supervisor: Supervisor, sound: Samples, preset: Preset, windows: int, clock: Clock
) -> Timed:
    """Time a request in which every slot gets the same batch."""
    recipe = RECIPES[preset]
    count = windows * supervisor.spec.slots
    request = [Window(next(_ids), 0, sound, tail=recipe.tail) for _ in range(count)]
    options = DecodeOptions(language="en", beam_size=recipe.beam_size, word_timestamps=False)
    start = clock.now()
    outcomes = supervisor.decode(request, options)
    took = clock.now() - start
    batch = batch_of(recipe, windows, len(sound) / SAMPLE_RATE, _tokens(outcomes))
    return Timed(batch, took)


def _tokens(outcomes: Sequence[Outcome]) -> float | None:
    """Return the tokens written for a window, timestamps included."""
    if lost := [it.reason for it in outcomes if not isinstance(it, Hypothesis)]:
        raise TranscriptionError(f"the measurement failed: {lost[0]}")
    heard = [it for it in outcomes if isinstance(it, Hypothesis)]
    texts = [sum(len(piece.tokens) for piece in it.pieces) for it in heard]
    return sum(texts) / len(heard) if sum(texts) else None
