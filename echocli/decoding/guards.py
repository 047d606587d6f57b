"""Decide whether to trust a hypothesis: accept it, decode again hotter, or call it silence.

Thresholds and order are those of openai/whisper (``decode_with_fallback``), with one more guard
against text invented for sound without words. A guard is a pure function of the hypothesis;
decoding again is the caller's.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum

from echocli.providers.base import Hypothesis


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a hypothesis is not believed; ``None`` switches a check off."""

    compression_ratio: float | None = 2.4
    log_prob: float | None = -1.0
    no_speech: float | None = 0.6
    evidence: float | None = 1.5
    """Nats a token by which sound must beat silence, where the model doubts that there is speech.

    Of 86 noises that pass for speech (laughs, coughs, slamming doors) Whisper's standard
    inventions ("Thank you.", "I'm not sure if …") all have less, real interjections ("Hey!",
    "Wow.") 2 to 7; of 202 shouted phrases of one to five words, those with less were all
    misheard."""
    temperatures: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """Tried in order until a hypothesis passes."""


class Verdict(StrEnum):
    """What to do with a hypothesis."""

    ACCEPT = "accept"
    """Its text is used."""
    REPETITIVE = "repetitive"
    """It compresses too well: a loop."""
    IMPROBABLE = "improbable"
    """The model itself does not believe it."""
    SILENCE = "silence"
    """There is no speech, and the model does not believe its text."""
    INVENTED = "invented"
    """The model would have written this text for silence as well."""


NO_TEXT = frozenset({Verdict.SILENCE, Verdict.INVENTED})
"""Verdicts after which a window has no text."""


def compression_ratio(text: str) -> float:
    """Return length ÷ compressed length of the UTF-8 text (``compression_ratio`` of whisper)."""
    data = text.encode("utf-8")
    return len(data) / len(zlib.compress(data))


def judge(hypothesis: Hypothesis, limits: Thresholds) -> Verdict:
    """Check one hypothesis against the thresholds."""
    improbable = limits.log_prob is not None and hypothesis.avg_logprob < limits.log_prob
    if is_silence(hypothesis, limits):
        return Verdict.SILENCE
    if is_invented(hypothesis, limits):
        return Verdict.INVENTED
    ratio = compression_ratio(hypothesis.text.strip())
    if limits.compression_ratio is not None and ratio > limits.compression_ratio:
        return Verdict.REPETITIVE
    return Verdict.IMPROBABLE if improbable else Verdict.ACCEPT


def is_silence(hypothesis: Hypothesis, limits: Thresholds) -> bool:
    """Tell that the model hears no speech and does not believe its own text either."""
    if limits.no_speech is None or hypothesis.no_speech_prob <= limits.no_speech:
        return False
    return limits.log_prob is None or hypothesis.avg_logprob < limits.log_prob


def is_invented(hypothesis: Hypothesis, limits: Thresholds) -> bool:
    """Tell that the sound makes the text no likelier than silence does.

    Whisper has favourites for sound without words; their probability comes from the language model
    alone, so comparing with silence unmasks them where log-probability and no-speech cannot.
    """
    if limits.evidence is None or hypothesis.evidence is None:
        return False
    return hypothesis.evidence < limits.evidence


def best(hypotheses: list[Hypothesis], limits: Thresholds) -> Hypothesis:
    """Choose where none passed: the most probable that does not loop, else the most probable."""
    straight = [h for h in hypotheses if judge(h, limits) is not Verdict.REPETITIVE]
    return max(straight or hypotheses, key=lambda h: h.avg_logprob)
