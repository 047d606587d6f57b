"""What decoding costs on a machine, from a few timed requests, and for which work. Pure.

The work of a request is counted from the architecture of the model: the encoder's arithmetic, the
steps of the decoder, and its rows. A machine takes so many seconds for a
unit of each; measured for one model, they say what another takes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from echocli.providers.whisper_encoding import FRAMES, GRID

VOCABULARY = 51865
"""Tokens of the output layer."""

ATTENTION_WEIGHT = 2
"""Attention over all pairs runs in float32 and takes about twice the time of the same arithmetic
in the matrices, which are int8."""

FRAMES_PER_SECOND = 100
"""Of a log-mel spectrogram."""

TOKENS_PER_SECOND = 4.4
"""Of lively speech (160 to 170 words a minute), timestamps included."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a Whisper model (``dims`` of its checkpoint)."""

    encoder_layers: int
    decoder_layers: int
    width: int

    def encoder_work(self, seconds: float) -> float:
        """Return GFLOP for encoding this much sound, the keys for the decoder included.

        A position is 20 ms; 24 d² multiplications and additions of it in each layer, 4 d for each
        pair of positions, two convolutions before (80 mels, 3 d wide).
        """
        positions, width = 50 * seconds, self.width
        layer = 24 * positions * width**2 + ATTENTION_WEIGHT * 4 * positions**2 * width
        stem = 2 * 2 * positions * 240 * width + 2 * positions * 3 * width**2
        keys = self.decoder_layers * 4 * positions * width**2
        return (self.encoder_layers * layer + stem + keys) / 1e9

    @property
    def decoder_work(self) -> float:
        """Return the billions of weights that a step of the decoder goes through."""
        return (self.decoder_layers * 14 * self.width**2 + VOCABULARY * self.width) / 1e9


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of one length that go through the model together."""

    windows: int
    seconds: float
    """Sound of each."""
    tail: float
    """Silence the encoder hears behind it."""
    beam: int
    tokens: float
    """Tokens written for each."""

    @property
    def encoded(self) -> float:
        """Seconds the encoder sees of each window."""
        needed = (self.seconds + self.tail) * FRAMES_PER_SECOND
        return min(FRAMES, -(-needed // GRID) * GRID) / FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True)
class Work:
    """Units of work in a request, or what each unit costs in seconds."""

    encode: float
    step: float
    """Going through the decoder's weights once, however many windows there are."""
    row: float
    """The same for each beam of each window."""

    def __mul__(self, factor: float) -> Work:
        """Return all of it ``factor`` times."""
        return Work(*(value * factor for value in astuple(self)))


def work(shape: Shape, batch: Batch) -> Work:
    """Return the work a batch is for a model."""
    token = batch.tokens * shape.decoder_work
    return Work(
        encode=batch.windows * shape.encoder_work(batch.encoded),
        step=token,
        row=token * batch.windows * batch.beam,
    )


def seconds(costs: Work, shape: Shape, batch: Batch) -> float:
    """Return how long a batch takes one slot."""
    units = work(shape, batch)
    return float(sum(a * b for a, b in zip(astuple(costs), astuple(units), strict=True)))


USUAL = Work(encode=0.0055, step=0.08, row=0.008)
"""Costs of one thread of a server processor (tiny.en and base, int8, one window timed part by
part); only their proportions count."""

TRUST = 0.3
"""How much those proportions count beside what is measured: the ratio of the errors to expect in a
timed request, about a fifth on a busy machine, and in a proportion."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A batch and the seconds it took while every slot did the same."""

    batch: Batch
    seconds: float


def fit(shape: Shape, timed: Sequence[Timed]) -> Work:
    """Return the costs, none below zero, that come nearest to what was measured.

    Least squares of the relative errors, drawn towards :data:`USUAL` because a few short requests
    cannot tell three costs apart where other programs run too (ridge regression).
    """
    import numpy as np

    ratios = [it.seconds / seconds(USUAL, shape, it.batch) for it in timed]
    usual = USUAL * float(np.median(ratios))
    units = np.array([astuple(work(shape, it.batch)) for it in timed])
    table = units * np.array(astuple(usual)) / np.array([[it.seconds] for it in timed])
    table = np.vstack([table, TRUST * np.eye(3)])
    wanted = np.concatenate([np.ones(len(timed)), np.full(3, TRUST)])
    factors = _least_squares(table, wanted)
    return Work(*(a * b for a, b in zip(astuple(usual), factors, strict=True)))


def _least_squares(table: Any, wanted: Any) -> list[float]:
    """Solve for numbers not below zero: with three of them, every set of zeros can be tried."""
    import numpy as np

    best, least = [0.0] * 3, float("inf")
    for size in range(1, 4):
        for chosen in itertools.combinations(range(3), size):
            columns = table[:, list(chosen)]
            found = np.linalg.lstsq(columns, wanted, rcond=None)[0]
            error = float(np.sum((columns @ found - wanted) ** 2))
            if (found >= 0).all() and error < least:
                values = dict(zip(chosen, found.tolist(), strict=True))
                best, least = [values.get(i, 0.0) for i in range(3)], error
    return best


def adjusted(costs: Work, shape: Shape, timed: Sequence[Timed]) -> Work:
    """Return the costs of another model on this machine, made to agree with what it took."""
    expected = sum(seconds(costs, shape, it.batch) for it in timed)
    return costs * (sum(it.seconds for it in timed) / expected) if expected > 0 else costs


def makespan(costs: Work, shape: Shape, batches: Sequence[Batch], slots: int) -> float:
    """Return when the last slot is done: the largest batch first, each to the first free slot."""
    busy = [0.0] * slots
    for took in sorted((seconds(costs, shape, batch) for batch in batches), reverse=True):
        busy[busy.index(min(busy))] += took
    return max(busy)
