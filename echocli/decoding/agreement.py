"""Words that are settled while their utterance goes on: LocalAgreement.

A word is committed when consecutive hypotheses agree on it and on all words before it (Liu et al.
2020, arXiv:2005.11185; as used for Whisper by Macháček et al. 2023, arXiv:2307.14743). Words are
compared casefolded and without punctuation; what was shown first stays. The last words of a
hypothesis can be held back: the sound ends in the middle of them.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile

from echocli.providers.base import TimedWord

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
"""Scripts that write without spaces: Thai, Lao, Burmese, Khmer, kana and Chinese characters."""

_WORD = re.compile(rf"\s*(?:[{_UNSPACED}]\W*|[^\s{_UNSPACED}]+)")


AGREEING = 3
"""Hypotheses that must agree. Of 1,479 words two, as in the papers, got 13 more wrong than decoding
each utterance once; three got one more wrong, and words were committed 0.14 s later."""


def split_words(text: str) -> list[str]:
    """Cut a text into words with the space before them; joined they are the text, but for its end.

    Scripts without spaces are cut at every character.
    """
    return _WORD.findall(text)


def same(word: str) -> str:
    """Return what two words must share to be the same."""
    return "".join(filter(_is_written, word.casefold()))


def bare(word: str) -> str:
    """Return a word without the punctuation behind it."""
    end = max((at for at, char in enumerate(word, 1) if _is_written(char)), default=len(word))
    return word[:end]


def _is_written(char: str) -> bool:
    """Tell letters, digits and marks, which many scripts write vowels with, from punctuation."""
    return char.isalnum() or unicodedata.category(char).startswith("M")


@dataclass(frozen=True, slots=True)
class Merged:
    """A text that begins with the committed words."""

    words: tuple[str, ...]
    replaced: int
    """How many words of the hypothesis the committed ones stand for."""


class Agreement:
    """Follow the hypotheses of one utterance; what is committed only ever grows."""

    def __init__(self) -> None:
        self._committed: list[str] = []
        self._earlier: list[list[str]] = []
        """What the last hypotheses say behind the committed words, the newest last."""

    @property
    def committed(self) -> tuple[str, ...]:
        """The words that will not change any more.

        What stands behind the last one is not settled before the next is: "morning" may go on as
        "morning." or as "morning, and".
        """
        return (*self._committed[:-1], *map(bare, self._committed[-1:]))

    @property
    def text(self) -> str:
        """Committed and pending words as one text."""
        pending = self._earlier[-1] if self._earlier else []
        return "".join([*self._committed, *pending])

    def update(self, text: str, *, held: int = 0, agreeing: int = AGREEING) -> int:
        """Take the next hypothesis; how many words are committed now that were not before.

        ``agreeing`` hypotheses must agree, this one counted; its last ``held`` words are not
        committed, whatever the others say.
        """
        earlier = self._earlier[1 - agreeing :] if agreeing > 1 else []
        rest = self._take(text)
        settled = 0
        if len(earlier) == agreeing - 1:
            alike = min((_common(words, rest) for words in earlier), default=len(rest))
            settled = max(0, min(alike, len(rest) - held))
        self._committed += rest[:settled]
        self._earlier = [words[settled:] for words in self._earlier]
        return settled

    def look(self, text: str) -> None:
        """Take a hypothesis from which nothing is committed."""
        self._take(text)

    def merge(self, text: str) -> Merged:
        """Return the last hypothesis with the committed words in place of its own."""
        words = split_words(text)
        rest = self._rest(words)
        return Merged((*self._committed, *rest), len(words) - len(rest))

    def _take(self, text: str) -> list[str]:
        rest = self._rest(split_words(text))
        self._earlier = [*self._earlier, rest][-AGREEING:]
        return rest

    def _rest(self, words: Sequence[str]) -> list[str]:
        """Return the words behind the committed ones; the last of those is punctuated as here."""
        count = self._stands_for(words)
        if count and self._committed and same(words[count - 1]) == same(self._committed[-1]):
            tail = words[count - 1][len(bare(words[count - 1])) :]
            self._committed[-1] = bare(self._committed[-1]) + tail
        return list(words[count:])

    def _stands_for(self, words: Sequence[str]) -> int:
        """Return how many words at the beginning are the committed ones, however misheard.

        The beginning with the least edit distance; of equals the one of most nearly their number.
        """
        mine, theirs = [same(one) for one in self._committed], [same(one) for one in words]
        if mine == theirs[: len(mine)]:
            return len(mine)
        distances = _distances(mine, theirs)
        return min(range(len(distances)), key=lambda n: (distances[n], abs(n - len(mine))))


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: same(pair[0]) == same(pair[1]), pairs))


def _distances(mine: Sequence[str], theirs: Sequence[str]) -> list[int]:
    """Return the edit distance of ``mine`` to each beginning of ``theirs`` (Levenshtein 1966)."""
    row = list(range(len(theirs) + 1))
    for word in mine:
        before, row = row, [row[0] + 1]
        for index, other in enumerate(theirs):
            row.append(min(before[index] + (word != other), before[index + 1] + 1, row[-1] + 1))
    return row


def timed_words(text: str, timed: Sequence[TimedWord]) -> list[TimedWord]:
    """Return the words of a text with the times of the aligned words it was written as.

    An aligner may cut words elsewhere ("forty", "-two"); the characters of both are the same.
    """
    if not timed:
        return []
    ends = list(accumulate(len(one.text) for one in timed))
    found, at = [], 0
    for word in split_words(text):
        first = min(bisect_right(ends, at), len(timed) - 1)
        at += len(word)
        last = min(bisect_left(ends, at), len(timed) - 1)
        found.append(replace(timed[last], start=timed[first].start, text=word))
    return found


def with_committed(merged: Merged, timed: Sequence[TimedWord]) -> list[TimedWord]:
    """Give the words of a merged text their times.

    Committed words that are as many as those they stand for take their times one by one; otherwise
    they share the time of all of them.
    """
    tail = timed[merged.replaced :]
    head, old = merged.words[: len(merged.words) - len(tail)], timed[: merged.replaced]
    if len(head) == len(old):
        own = [replace(word, text=text) for word, text in zip(old, head, strict=True)]
    else:
        start = old[0].start if old else (tail[0].start if tail else 0)
        end = old[-1].end if old else start
        each = (end - start) / len(head)
        own = [
            TimedWord(start + round(n * each), start + round((n + 1) * each), text, 0.0)
            for n, text in enumerate(head)
        ]
    return [*own, *tail]
