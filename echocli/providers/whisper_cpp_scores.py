"""How probable tokens are under the sound that a state has encoded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from echocli.providers.whisper_cpp_library import TokenData
from echocli.providers.whisper_cpp_model import State
from echocli.providers.whisper_generation import MAX_INITIAL_TIMESTAMP

if TYPE_CHECKING:
    from echocli.providers.whisper_cpp_model import Logits


def log_softmax(logits: Logits) -> Logits:
    """Return the log-probabilities of logits."""
    import numpy as np

    shifted = logits - logits.max()
    normal: Logits = shifted - np.log(np.exp(shifted).sum())
    return normal


def mean_logprob(state: State, head: list[int], text: Sequence[int]) -> float:
    """Return the average log-probability of text tokens that follow ``head``."""
    return sum(logprobs(state, head, text)) / len(text)


def rescore(state: State, head: list[int], tokens: Sequence[TokenData]) -> None:
    """Give tokens the probabilities that the model itself has for them.

    Those whisper.cpp tells are of the distribution it drew from, which a temperature below one
    sharpens (``whisper_process_logits``): any text looks sure. openai/whisper takes them before
    (``GreedyDecoder.update``). What is not written counts for nothing, as there: special tokens,
    and in the first place the end and a time far into the window.
    """
    known = state.model.tokens
    never = slice(known.end + 1, known.first_timestamp)
    late = slice(known.first_timestamp + MAX_INITIAL_TIMESTAMP + 1, None)
    not_first = (slice(known.end, known.end + 1), late)
    found = logprobs(state, head, [token.id for token in tokens], (never,), not_first)
    for token, logprob in zip(tokens, found, strict=True):
        token.logprob, token.probability = logprob, math.exp(logprob)


def logprobs(
    state: State,
    head: list[int],
    tokens: Sequence[int],
    never: Sequence[slice] = (),
    not_first: Sequence[slice] = (),
) -> list[float]:
    """Return the log-probability of each token after ``head`` and those before it.

    One by one: whisper.cpp keeps only what it expects after the last token of a call.
    """
    found: list[float] = []
    for place, token in enumerate(tokens):
        read, past = ([tokens[place - 1]], len(head) + place - 1) if place else (head, 0)
        expected = state.logits(read, past)
        for masked in never if place else (*never, *not_first):
            expected[masked] = -math.inf
        found.append(float(log_softmax(expected)[token]))
    return found
