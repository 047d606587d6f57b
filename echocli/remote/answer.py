"""What a server answers about a file, back as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from echocli.errors import EchoError, InputError, TranscriptionError, UsageError
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


def problem_in(body: str, status: int | None, reason: str = "") -> Problem | None:
    """Return what a body says went wrong; ``None`` for one that says nothing of the kind.

    Where there is a ``status`` something did, whatever the body is.
    """
    try:
        found = json.loads(body)
        error = found.get("error") if isinstance(found, dict) else None
    except ValueError:
        error = None
    if isinstance(error, Mapping):
        ours = error.get("type") == "invalid_request_error"
        said, code = str(error.get("message") or reason), str(error.get("code") or "")
        blames_us = ours and (status is None or not is_passing(status))
        return Problem(said, code, status, blames_us or code in _FOR_GOOD)
    return None if status is None else Problem(f"HTTP {status} {reason}".strip(), status=status)


def segment_of(found: Mapping[str, Any]) -> Segment:
    """Return a segment of a stream; raises ``KeyError``, ``TypeError`` or ``ValueError``.

    A word whose probability the server does not tell counts as certain.
    """
    words = found.get("words")
    measures = ("avg_logprob", "compression_ratio", "no_speech_prob", "temperature")
    given: dict[str, Any] = {
        name: float(found[name]) for name in measures if found.get(name) is not None
    }
    logprob = given.get("avg_logprob", 0.0)
    return Segment(
        id=int(found["id"]),
        start=float(found["start"]),
        end=float(found["end"]),
        text=str(found["text"]),
        confidence=float(found.get("confidence") or min(1.0, max(0.0, 1 + logprob / 2))),
        words=None if words is None else tuple(_word(word) for word in words),
        language=found.get("language"),
        **given,
    )


def language_of(name: object) -> str | None:
    """Return the code of a language that is told by its English name."""
    try:
        return parse_language(str(name)) if name else None
    except UsageError:
        return None


def _word(found: Mapping[str, Any]) -> Word:
    # OpenAI's words have no space before them; ours do where there is one.
    text = str(found["word"])
    probability = found.get("probability")
    return Word(
        float(found["start"]),
        float(found["end"]),
        text if text.startswith(" ") else f" {text}",
        1.0 if probability is None else float(probability),
    )
