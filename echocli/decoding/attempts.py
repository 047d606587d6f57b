"""The attempts at one window: fitted, then wider, then hotter.

A window is decoded at its own length first. A hypothesis that a guard does not believe is decoded
again with silence up to Whisper's full 30 s and a beam, and after that at rising temperatures
(openai/whisper, ``decode_with_fallback``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from echocli.decoding.assemble import has_words
from echocli.decoding.guards import (
    AGAIN,
    NO_TEXT,
    Thresholds,
    Verdict,
    best,
    is_invented,
    judge,
)
from echocli.providers.base import Hypothesis, Window

WIDE_BEAM = 5
"""Beam of a window that is decoded again."""


class Attempts:
    """Follow one window until there is a hypothesis to use."""

    def __init__(self, window: Window, limits: Thresholds, actions: Counter[str]) -> None:
        self.window = window
        self._limits = limits
        self.actions = actions
        self._tried: list[Hypothesis] = []
        self._ladder = _ladder(window, limits)

    def accept(self, hypothesis: Hypothesis) -> Hypothesis | None:
        """Take an answer; what to use, or ``None`` if :attr:`window` must be decoded again.

        What is used has no pieces where there is no speech.
        """
        self._tried.append(hypothesis)
        verdict = judge(hypothesis, self._limits)
        if verdict in NO_TEXT:
            self.actions[verdict] += 1
            return replace(hypothesis, pieces=())
        if verdict not in AGAIN:
            return hypothesis
        self.actions[verdict] += 1
        if len(self._tried) > 1 and not any(has_words(tried.text) for tried in self._tried):
            # Two that hear no words are believed; hotter ones only make some up.
            return replace(hypothesis, pieces=())
        if self._ladder:
            self.window = self._ladder.pop(0)
            self.actions["wider" if self.window.temperature == 0 else "hotter"] += 1
            return None
        chosen = best(self._tried, self._limits)
        if is_invented(chosen, self._limits):
            self.actions[Verdict.INVENTED] += 1
            return replace(chosen, pieces=())
        return chosen


def _ladder(window: Window, limits: Thresholds) -> list[Window]:
    """Return the windows to try after the first one; previous text may be what misled it."""
    wide = replace(window, tail=None, previous=(), beam_size=WIDE_BEAM)
    first = [] if window.tail is None and not window.previous else [wide]
    return first + [replace(wide, temperature=t) for t in limits.temperatures[1:]]
