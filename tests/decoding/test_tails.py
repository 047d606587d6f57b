from __future__ import annotations

import numpy as np
import pytest

from echocli.decoding.tails import Tails
from echocli.providers.base import Hypothesis, Piece
from echocli.types import SAMPLE_RATE, Samples

pytestmark = pytest.mark.unit

OFF = Tails(shortest=0, quietest=0, confidence=0)


def sound(seconds: float, loudness: float = 0.1) -> Samples:
    return np.full(round(seconds * SAMPLE_RATE), loudness, np.float32)


def heard(text: str = " Yes, of course.", logprob: float = -0.3) -> Hypothesis:
    return Hypothesis(0, (Piece(0, 8000, text),), 8000, logprob)


@pytest.mark.parametrize(
    ("hypothesis", "samples", "rule"),
    [
        (heard(), sound(0.49), "short_tail"),
        (heard(), sound(0.5), None),
        (heard(), sound(2, 0.9e-5), "quiet_tail"),
        (heard(), sound(2, 1.1e-5), None),
        (heard(" Thank you.", -1.5), sound(2), "weak_tail"),
        (heard(" Thank you.", -1.3), sound(2), None),
        (heard(" Thank you all.", -1.5), sound(2), None),
    ],
)
def test_the_rules_have_these_edges(
    hypothesis: Hypothesis, samples: Samples, rule: str | None
) -> None:
    assert Tails().broken(hypothesis, samples) == rule


def test_each_rule_can_be_switched_off() -> None:
    assert OFF.broken(heard(" Hm.", -9), sound(0.1, 0)) is None
