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
    EMPTY = "empty"
    """It has no text although there is speech."""
    SILENCE = "silence"
    """There is no speech, and the model does not believe its text."""
    INVENTED = "invented"
    """The model would have written this text for silence as well."""


NO_TEXT = frozenset({Verdict.SILENCE, Verdict.INVENTED})
"""Verdicts after which a window has no text."""

AGAIN = frozenset({Verdict.REPETITIVE, Verdict.IMPROBABLE, Verdict.EMPTY})
"""Verdicts after which a window is decoded again."""

REPEATS = 3
"""Times a phrase may follow itself."""

LONGEST_PHRASE = 8
"""Words of a phrase that is looked at for repeats; longer loops compress too well."""


def compression_ratio(text: str) -> float:
    """Return length ÷ compressed length of the UTF-8 text (``compression_ratio`` of whisper)."""
    data = text.encode("utf-8")
    return len(data) / len(zlib.compress(data))


def is_looping(text: str) -> bool:
    """Tell that a phrase of up to eight words comes more than three times in a row.

    Short loops ("no no no no no") pass the compression ratio, which needs length to rise.
    """
    words = text.casefold().split()
    return any(_repeats(words, length) for length in range(1, LONGEST_PHRASE + 1))


def _repeats(words: list[str], length: int) -> bool:
    same = 0
    for earlier, word in zip(words, words[length:], strict=False):
        same = same + 1 if word == earlier else 0
        if same >= max(length * REPEATS, LONGEST_PHRASE // 2):
            return True
    return False


def judge(hypothesis: Hypothesis, limits: Thresholds) -> Verdict:
    """Check one hypothesis against the thresholds."""
    improbable = limits.log_prob is not None and hypothesis.avg_logprob < limits.log_prob
    if is_silence(hypothesis, limits):
        return Verdict.SILENCE
    invented = is_invented(hypothesis, limits)
    # A loop is likely with silence too; it is no reason to give up sound that may be speech.
    hopeless = invented and _hears_nothing(hypothesis, limits)
    if not hopeless and is_repetitive(hypothesis.text.strip(), limits):
        return Verdict.REPETITIVE
    if invented:
        return Verdict.INVENTED
    if not hypothesis.text.strip() and not _hears_nothing(hypothesis, limits):
        return Verdict.EMPTY
    return Verdict.IMPROBABLE if improbable else Verdict.ACCEPT


def _hears_nothing(hypothesis: Hypothesis, limits: Thresholds) -> bool:
    return limits.no_speech is not None and hypothesis.no_speech_prob > limits.no_speech


def is_repetitive(text: str, limits: Thresholds) -> bool:
    """Tell that a text repeats itself too much to be speech."""
    if limits.compression_ratio is None:
        return False
    return compression_ratio(text) > limits.compression_ratio or is_looping(text)


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
