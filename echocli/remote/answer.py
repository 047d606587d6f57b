"""What a server answers about a file, back as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from echocli.errors import EchoError, InputError, TranscriptionError, UsageError
from echocli.events import Notice
from echocli.models.languages import parse_language
from echocli.remote.policy import is_passing
from echocli.remote.telling import (
    CLIENT_ERROR,
    NOT_FOUND,
    NOT_THERE,
    WRONG_PLACE,
    WRONG_TOKEN,
)
from echocli.types import Segment, Word
from echocli.wire.codes import Malformed
from echocli.wire.messages import parse_json
from echocli.wire.reading import build

_INPUT = frozenset({"invalid_audio", "missing_file", "file_too_large"})
"""Codes that are about the sound."""

_USAGE = frozenset({"unsupported_value", "invalid_value", "model_not_found"})
"""Codes that are about what was asked."""

_FOR_GOOD = frozenset({"transcript_incomplete"})
"""Codes of the server's own failures that the same sound would meet again."""

_OF_ITS_OWN = frozenset({"transcription_failed"})
"""Codes of those that say nothing of another file."""

_UNFIT = frozenset({413, 415})
"""HTTP statuses, also of a proxy, of a file that is too large or of a kind that is not taken."""

_NO_TOKEN = frozenset({401, 403})

_NOBODY = frozenset({502, 503, 504})
"""HTTP statuses of a server, or of a proxy before it, that serves nobody now."""

_OF_A_SEGMENT = (
    *("id", "start", "end", "text", "avg_logprob", "compression_ratio", "no_speech_prob"),
    *("temperature", "confidence", "language"),
)
"""What a stream tells of a segment, beside its words."""


_SHOWN = 1000
"""Letters of a message that are shown; a server of another kind may say anything."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no text."""

    message: str
    code: str = ""
    status: int | None = None
    """HTTP status; ``None`` for what is said in the middle of an answer."""
    blames_us: bool = False
    """Whether the same again would end the same way."""
    unreached: bool = False
    """Whether there was no connection, or none with a server of this kind."""
    advice: str | None = None
    """The next step, where the rest does not tell it."""

    @property
    def concerns_all(self) -> bool:
        """Whether no other input would fare better: there is no server, or none that takes us."""
        nobody = self.status in _NOBODY and self.code not in _OF_ITS_OWN
        return self.unreached or self.status in _NO_TOKEN or self._is_elsewhere or nobody

    def error(self, host: str, name: str) -> EchoError:
        """Return it as an error of this program."""
        text = f"{name}: {host}: {self.message}"
        if self.code in _INPUT or self.status in _UNFIT:
            return InputError(text)
        if self.code in _USAGE:
            return UsageError(text)
        return TranscriptionError(text, hint=self._hint)

    @property
    def _hint(self) -> str | None:
        if self.advice is not None:
            return self.advice
        if self.status in _NO_TOKEN:
            return WRONG_TOKEN
        if self.status is None and not self.code:
            return NOT_THERE
        return WRONG_PLACE if self._is_elsewhere else None

    @property
    def _is_elsewhere(self) -> bool:
        """Whether another server answers there."""
        if self.status is None or self.code in _USAGE:
            return False
        return self.status < CLIENT_ERROR or self.status == NOT_FOUND


@dataclass(frozen=True, slots=True)
class Done:
    """What a stream tells of the whole file, at its end."""

    duration: float | None = None
    language: str | None = None
    """Its English name."""
    notices: tuple[Notice, ...] = ()


def problem_in(body: str, status: int, reason: str = "") -> Problem:
    """Return what went wrong where there is a ``status``, as far as the body says it."""
    try:
        problem = problem_of(parse_json(body), status, reason)
    except Malformed:
        problem = None
    return problem or Problem(f"HTTP {status} {reason}".strip(), status=status)


def problem_of(found: object, status: int | None = None, reason: str = "") -> Problem | None:
    """Return what JSON says went wrong; ``None`` where it says nothing of the kind."""
    error = found.get("error") if isinstance(found, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    ours = error.get("type") == "invalid_request_error"
    said, code = str(error.get("message") or reason)[:_SHOWN], str(error.get("code") or "")
    blames_us = ours and (status is None or not is_passing(status))
    return Problem(said, code, status, blames_us or code in _FOR_GOOD)


def segment_of(found: object) -> Segment:
    """Return a segment of a stream; raises :class:`~echocli.wire.codes.Malformed`.

    A measure that is ``null`` is not told, and a word without a probability counts as certain.
    """
    told = _told(found, "segment", (*_OF_A_SEGMENT, "words"))
    words = told.pop("words", None)
    segment: Segment = build(Segment, told)
    if "confidence" not in told:
        confidence = min(1.0, max(0.0, 1 + segment.avg_logprob / 2))
        segment = replace(segment, confidence=confidence)
    return segment if words is None else replace(segment, words=_words(words))


def done_of(found: Mapping[str, Any]) -> Done:
    """Return the end of a stream; raises :class:`~echocli.wire.codes.Malformed`."""
    done: Done = build(Done, found)
    return done


def language_of(name: object) -> str | None:
    """Return the code of a language that is told by its English name."""
    try:
        return parse_language(str(name)) if name else None
    except UsageError:
        return None


def _words(found: object) -> tuple[Word, ...]:
    if not isinstance(found, list):
        raise Malformed("the words of a segment are no list")
    return tuple(_word(one) for one in found)


def _word(found: object) -> Word:
    told = _told(found, "word", ("start", "end", "word", "probability"))
    word: Word = build(Word, {"probability": 1.0, "text": told.pop("word", None), **told})
    # OpenAI's words have no space before them; ours do where there is one.
    return word if word.text.startswith(" ") else replace(word, text=f" {word.text}")


def _told(found: object, called: str, names: Iterable[str]) -> dict[str, Any]:
    """Return what an object tells under some names; ``null`` tells nothing."""
    if not isinstance(found, Mapping):
        raise Malformed(f"a {called} is no object")
    return {name: found[name] for name in names if found.get(name) is not None}
