"""Words of a text and when they were said, from whisper.cpp's tokens.

How tokens make words follows openai/whisper (``split_to_word_tokens`` of tokenizer.py). The times
come from what Whisper would write if a timestamp followed: with every token whisper.cpp tells the
likeliest one. Most are within a tenth of a second of the end of the token before, some far off;
those that fit one another are kept. Against alignment by cross-attention (faster-whisper), the
ends of 212 words were off by 0.12 s in the median, and at the ninetieth percentile by 0.36 s with
tiny.en and 0.5 s with base. whisper.cpp's own ``token_timestamps`` had 0.29 and 1.07 s (180 of
them, tiny.en). Its ``dtw_token_timestamps`` agree to 0.02 s, but need an encoder without flash
attention: together 90 to 100 MB more in each slot.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median

from echocli.providers.base import TimedWord
from echocli.providers.whisper_alignment import APPENDED, PREPENDED
from echocli.types import SAMPLE_RATE

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without spaces, where each character counts as a word."""

LONGEST_USUAL = SAMPLE_RATE * 7 // 10
"""Samples that a usual word takes at most (openai/whisper, ``add_word_timestamps``)."""

FASTEST = SAMPLE_RATE // 25
"""Samples that a character of speech takes at least."""


@dataclass(frozen=True, slots=True)
class GuessedToken:
    """An ordinary token, the sample at which it may end, and its probability."""

    id: int
    end: int | None
    probability: float


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    tokens: tuple[GuessedToken, ...]

    def joined(self, other: _Word) -> _Word:
        return _Word(self.text + other.text, self.tokens + other.tokens)

    @property
    def probability(self) -> float:
        return sum(token.probability for token in self.tokens) / len(self.tokens)


def timed_words(
    tokens: Sequence[GuessedToken],
    bytes_of: Callable[[int], bytes],
    language: str | None,
    start: int,
    end: int,
) -> tuple[TimedWord, ...]:
    """Return the words of a piece that lies between the samples ``start`` and ``end``.

    Its timestamps may lie in the pauses around it: the first and the last word take no longer than
    twice the usual time.
    """
    split = _characters(tokens, bytes_of)
    words = _with_marks(split if language in UNSPACED else _spaced(split))
    bounds = list(pairwise([start, *_ends(words, start, end)]))
    longest = 2 * _usual([stop - begin for begin, stop in bounds])
    first, last = bounds[0], bounds[-1]
    bounds[0] = max(first[0], first[1] - longest), first[1]
    if len(bounds) > 1:
        bounds[-1] = last[0], min(last[1], last[0] + longest)
    return tuple(
        TimedWord(begin, stop, word.text, word.probability)
        for word, (begin, stop) in zip(words, bounds, strict=True)
    )


def _usual(lengths: Sequence[int]) -> int:
    return min(int(median(lengths)), LONGEST_USUAL)


def _ends(words: Sequence[_Word], start: int, end: int) -> list[int]:
    """Return where each word ends; the last one does with the piece."""
    lengths = list(accumulate(len(word.text.strip()) + 1 for word in words))
    guesses = [
        (length, word.tokens[-1].end) for length, word in zip(lengths[:-1], words, strict=False)
    ]
    known = [(0, start), *consistent(guesses, start, end), (lengths[-1], end)]
    return [_between(known, length) for length in lengths]


def consistent(
    guesses: Sequence[tuple[int, int | None]], start: int, end: int
) -> list[tuple[int, int]]:
    """Return as many guesses as possible that leave time to speak what lies between them.

    A guess is a number of characters and the sample at which they have been said.
    """
    chains: list[list[tuple[int, int]]] = [[]]
    for length, at in guesses:
        if at is None or not start < at < end:
            continue
        if fitting := [chain for chain in chains if _fits(chain, length, at, start)]:
            chains.append([*max(fitting, key=len), (length, at)])
    return max(chains, key=len)


def _fits(chain: Sequence[tuple[int, int]], length: int, at: int, start: int) -> bool:
    before, since = chain[-1] if chain else (0, start)
    return at - since >= FASTEST * (length - before)


def _between(known: Sequence[tuple[int, int]], length: int) -> int:
    """Return where so many characters end, in proportion between the nearest known places."""
    for (low, begin), (high, stop) in pairwise(known):
        if length <= high:
            return begin + (stop - begin) * (length - low) // (high - low)
    return known[-1][1]


def _characters(
    tokens: Sequence[GuessedToken], bytes_of: Callable[[int], bytes]
) -> Iterator[_Word]:
    """Yield the shortest runs of tokens that are whole characters."""
    held: list[GuessedToken] = []
    for number, token in enumerate(tokens, 1):
        held.append(token)
        text = b"".join(bytes_of(one.id) for one in held)
        whole = text.decode("utf-8", errors="replace")
        if "\ufffd" not in whole or number == len(tokens):
            yield _Word(whole, tuple(held))
            held = []


def _spaced(split: Iterator[_Word]) -> Iterator[_Word]:
    """Join what is not set apart by a space or a mark."""
    held: _Word | None = None
    for part in split:
        apart = part.text.startswith(" ") or part.text.strip() in string.punctuation
        if held is not None and apart:
            yield held
            held = None
        held = part if held is None else held.joined(part)
    if held is not None:
        yield held


def _with_marks(words: Iterator[_Word]) -> list[_Word]:
    """Give punctuation to the word it belongs to."""
    out: list[_Word] = []
    opening: _Word | None = None
    for word in words:
        if word.text.startswith(" ") and word.text.strip() in PREPENDED:
            opening = word if opening is None else opening.joined(word)
        elif out and opening is None and word.text in APPENDED:
            out[-1] = _Word(out[-1].text + word.text, out[-1].tokens)
        else:
            out.append(word if opening is None else opening.joined(word))
            opening = None
    return out if opening is None else [*out, opening]
