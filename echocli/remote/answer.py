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
    UNTRUSTED,
    WRONG_PLACE,
    WRONG_TOKEN,
)
from echocli.types import Segment, Word

_INPUT = frozenset({"invalid_audio", "missing_file", "file_too_large"})
"""Codes that are about the sound."""

_USAGE = frozenset({"unsupported_value", "invalid_value", "model_not_found"})
"""Codes that are about what was asked."""

_NO_TOKEN = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no text."""

    message: str
    code: str = ""
    status: int | None = None
    """HTTP status; ``None`` for what is said in the middle of an answer."""
    blames_us: bool = False
    """Whether the same again would end the same way."""
    untrusted: bool = False
    """Whether its certificate is one that nobody known has signed."""

    def error(self, host: str, name: str) -> EchoError:
        """Return it as an error of this program."""
        text = f"{name}: {host}: {self.message}"
        if self.code in _INPUT:
            return InputError(text)
        if self.code in _USAGE:
            return UsageError(text)
        return TranscriptionError(text, hint=self._hint)

    @property
    def _hint(self) -> str | None:
        if self.untrusted:
            return UNTRUSTED
        if self.status in _NO_TOKEN:
            return WRONG_TOKEN
        if self.status is None:
            return NOT_THERE
        elsewhere = self.status < CLIENT_ERROR or self.status == NOT_FOUND
        return WRONG_PLACE if elsewhere else None


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
        blames_us = ours and (status is None or not is_passing(status))
        said = str(error.get("message") or reason)
        return Problem(said, str(error.get("code") or ""), status, blames_us)
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
