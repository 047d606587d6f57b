"""Speech made of known words, and a recogniser that hears them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from echocli.providers.base import Hypothesis, Piece, TimedWord, Window
from echocli.types import SAMPLE_RATE, Samples, Span, to_samples
from echocli.vad.endpointer import FRAME

SHORTEST_WORD = SAMPLE_RATE // 10


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word and the samples in which it is said."""

    start: int
    end: int
    text: str


def made_up(seed: object) -> str:
    """Return a word nobody else says, with the space before it; it hardly compresses."""
    digest = hashlib.sha256(str(seed).encode()).digest()
    return " " + "".join(chr(ord("a") + byte % 26) for byte in digest[: 7 + digest[-1] % 5])


class Speech:
    """Words, the sound they make and the probability that a frame is speech."""

    def __init__(self, words: Sequence[Spoken], total: int) -> None:
        self.words = words
        self.total = total
        noise = np.random.default_rng(total).random(total + FRAME, np.float32)
        self._voiced = np.zeros(total + FRAME, np.bool_)
        for word in words:
            self._voiced[word.start : word.end] = True
        self._sound = np.where(self._voiced, noise, noise / 100).astype(np.float32)

    def sound(self, start: int, end: int) -> Samples:
        return self._sound[start:end]

    def probabilities(self, start: int, count: int) -> NDArray[np.float32]:
        """Return those of ``count`` frames from ``start`` on: one that touches a word is speech."""
        frames = self._voiced[start : start + count * FRAME].reshape(-1, FRAME)
        sure = 0.5 + self._sound[start : start + count * FRAME : FRAME] / 2
        return np.where(frames.any(axis=1), sure, np.float32(0.2)).astype(np.float32)


@st.composite
def speeches(
    draw: st.DrawFn,
    phrases: st.SearchStrategy[list[tuple[float, float]]] | None = None,
) -> Speech:
    """Draw speech: phrases of 0.1 to 60 s without a pause, and pauses of 0.1 to 3 s."""
    short, long = st.floats(0.1, 4), st.floats(4, 60)
    phrase = st.tuples(st.one_of(short, short, long), st.floats(0.1, 3))
    seed = draw(st.integers(0, 2**16))
    return speech(draw(phrases or st.lists(phrase, max_size=4)), seed)


def speech(phrases: Sequence[tuple[float, float]], seed: int = 0, lead: float = 0.5) -> Speech:
    """Say phrases of so many seconds, each followed by so many seconds of silence."""
    chance = random.Random(seed)
    words: list[Spoken] = []
    at = to_samples(lead)
    for length, pause in phrases:
        words += _phrase(at, at + to_samples(length), chance)
        at += to_samples(length) + to_samples(pause)
    return Speech(words, at)


def _phrase(start: int, end: int, chance: random.Random) -> Iterator[Spoken]:
    """Yield words back to back: no frame between them is silent."""
    while end - start >= SHORTEST_WORD:
        length = chance.randint(SHORTEST_WORD, 6 * SHORTEST_WORD)
        if end - start - length < SHORTEST_WORD:
            length = end - start
        length = min(length, SAMPLE_RATE)
        yield Spoken(start, start + length, made_up(start))
        start += length + (chance.randint(0, 100) if end - start > length else 0)


Recogniser = Callable[[Window], "Hypothesis | str"]


@dataclass(frozen=True, slots=True)
class Listener:
    """Hear the words wholly in a window; one that its end cuts is heard as another word."""

    speech: Speech
    lost: Sequence[Span] = ()

    def __call__(self, window: Window) -> Hypothesis:
        start, end = window.start, window.start + len(window.samples)
        assert np.array_equal(window.samples, self.speech.sound(start, end))
        assert not any(start < span.end and span.start < end for span in self.lost)
        heard = [word for word in self.speech.words if start <= word.start and word.end <= end]
        cut = [word for word in self.speech.words if start <= word.start < end < word.end]
        heard += [Spoken(word.start, end, made_up(f"cut at {end}")) for word in cut]
        texts = [word.text for word in heard]
        if texts and not cut:
            texts[-1] += "."  # it sounds like the end of a sentence, and may not be one
        timed = tuple(
            TimedWord(word.start - start, word.end - start, text, 0.9)
            for word, text in zip(heard, texts, strict=True)
        )
        return hypothesis(window, "".join(texts), timed)


def hypothesis(
    window: Window,
    text: str,
    words: tuple[TimedWord, ...] | None = None,
    *,
    consumed: int | None = None,
) -> Hypothesis:
    """Return that a window says ``text``; one without text is said to be silent."""
    last = len(window.samples)
    start, end = (words[0].start, words[-1].end) if words else (0, last)
    pieces = (Piece(start, end, text, (), words),) if text else ()
    used = last if consumed is None else consumed
    silence = 0.0 if text else 0.9
    return Hypothesis(window.id, pieces, used, avg_logprob=-0.2, no_speech_prob=silence)


SAYINGS = ("the", " The", " the,", "THE.", " cat", " cat-", "-", " …", " 7", " é", "的", "ที่", " की")


def adversary(seed: int) -> Recogniser:
    """Hear anything anywhere, differently each time, or break."""
    chance = random.Random(seed)

    def word(limit: int) -> TimedWord:
        start = chance.randint(-FRAME, limit + FRAME)
        return TimedWord(start, chance.randint(start, limit + 2 * FRAME), chance.choice(SAYINGS), 0)

    def answer(window: Window) -> Hypothesis | str:
        if chance.random() < 0.05:
            return "the recogniser broke"
        limit = len(window.samples)
        words = tuple(word(limit) for _ in range(chance.randint(0, 8)))
        text = "".join(one.text for one in words)
        timed = words if chance.random() < 0.7 else None
        return hypothesis(window, text, timed, consumed=chance.randint(0, limit))

    return answer
