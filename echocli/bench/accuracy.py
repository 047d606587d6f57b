"""Word and character errors against a reference, counted by jiwer after normalisation.

English is normalised with Whisper's English normaliser (Radford et al. 2022, appendix C) where the
package whisper-normalizer is installed; everything else, and English without it, as Whisper's basic
normaliser does (lower case, no punctuation or symbols, single spaces), except that combining marks
stay, which many scripts write vowels with. Languages without spaces have characters only.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import jiwer

WITHOUT_SPACES = frozenset({"zh", "ja", "yue", "th", "lo", "my", "km", "bo"})
"""Languages whose words are not separated: their error rate is that of characters."""

INSTALL = "pip install 'echocli[bench]'"
"""What brings error rates."""


class Normaliser(StrEnum):
    """How both texts were made comparable."""

    WHISPER_ENGLISH = "whisper-english"
    """Whisper's English normaliser: numbers, spellings, contractions and fillers are unified."""
    BASIC = "basic"
    """Lower case, no punctuation or symbols, single spaces."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Edits that turn a reference of ``length`` units into what was heard."""

    length: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: Self) -> Errors:
        return Errors(
            self.length + other.length,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def rate(self) -> float | None:
        """Errors per hundred units of the reference; ``None`` without any."""
        wrong = self.substitutions + self.deletions + self.insertions
        return 100 * wrong / self.length if self.length else None


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of one text or of several; ``words`` is ``None`` where only characters count."""

    words: Errors | None
    characters: Errors
    normaliser: Normaliser | None
    """``None`` when texts with different ones were added."""

    def __add__(self, other: Self) -> Score:
        counted = [words for words in (self.words, other.words) if words is not None]
        return Score(
            sum(counted[1:], counted[0]) if counted else None,
            self.characters + other.characters,
            self.normaliser if self.normaliser == other.normaliser else None,
        )


def is_available() -> bool:
    """Tell whether errors can be counted here, without importing the library."""
    return find_spec("jiwer") is not None


def score(reference: str, heard: str, language: str | None) -> Score:
    """Count the errors of a text; needs jiwer, see :func:`is_available`."""
    normaliser = choose(language)
    texts = [normalise(text, normaliser) for text in (reference, heard)]
    words = None if language in WITHOUT_SPACES else _words(*texts)
    squeezed = (text.replace(" ", "") for text in texts)
    characters = _characters(*(squeezed if words is None else texts))
    return Score(words, characters, normaliser)


def choose(language: str | None) -> Normaliser:
    """Return the normaliser for a language; a text of unknown language gets the basic one."""
    english = language == "en" and find_spec("whisper_normalizer") is not None
    return Normaliser.WHISPER_ENGLISH if english else Normaliser.BASIC


def normalise(text: str, normaliser: Normaliser) -> str:
    """Make a text comparable."""
    return _english()(text).strip() if normaliser is Normaliser.WHISPER_ENGLISH else _basic(text)


@cache
def _english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser: Callable[[str], str] = EnglishTextNormalizer()
    return normaliser


def _basic(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    kept = (" " if unicodedata.category(char)[0] in "PSC" else char for char in folded)
    return " ".join("".join(kept).split())


def _words(reference: str, heard: str) -> Errors:
    import jiwer

    return _errors(jiwer.process_words(reference, heard))


def _characters(reference: str, heard: str) -> Errors:
    import jiwer

    return _errors(jiwer.process_characters(reference, heard))


def _errors(found: jiwer.WordOutput | jiwer.CharacterOutput) -> Errors:
    length = found.hits + found.substitutions + found.deletions
    return Errors(length, found.substitutions, found.deletions, found.insertions)
