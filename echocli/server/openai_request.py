"""What a form of OpenAI's audio endpoints asks for (its API reference, "Create transcription").

What it has besides and this server has no use for, such as ``include[]``, is passed over.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PureWindowsPath
from typing import Any

from echocli.errors import UsageError
from echocli.models import catalog
from echocli.models.languages import parse_language
from echocli.server.problems import SHOWN, Problem
from echocli.types import Task

ANY_MODEL = "whisper-1"
"""OpenAI's name for Whisper: whatever serves."""


class Shape(StrEnum):
    """How the answer is written: ``response_format``."""

    JSON = "json"
    """An object with the text."""
    TEXT = "text"
    """The text."""
    SRT = "srt"
    """SubRip subtitles."""
    VERBOSE = "verbose_json"
    """An object with the text, segments and words."""
    VTT = "vtt"
    """WebVTT subtitles."""


TIMED = (Shape.SRT, Shape.VTT)
"""Shapes whose times are those of the words in them, as on the command line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, beside the file."""

    task: Task
    shape: Shape = Shape.JSON
    segments: bool = True
    """Whether ``verbose_json`` has segments."""
    words: bool = False
    """Whether words have times."""
    stream: bool = False
    """Whether segments are sent as they become final."""
    wishes: Mapping[str, Any] = field(default_factory=dict)
    """Settings by name."""


def asked(fields: Mapping[str, Sequence[str]], task: Task) -> Asked:
    """Return what a form asks for; raise :class:`Problem` for what makes no sense."""
    shape = _shape(last(fields, "response_format"))
    stream = _truth(fields, "stream")
    granularities = _granularities(fields, shape, stream=stream)
    words = "word" in granularities
    return Asked(
        task,
        shape,
        segments=not words or "segment" in granularities,
        words=words,
        stream=stream,
        wishes=_wishes(fields, task, words=words or shape in TIMED),
    )


def model_name(model: str) -> str:
    """Return how a model is called here: of one that was named by its path, the last part."""
    return PureWindowsPath(model).name or model  # it knows both kinds of slashes


def check_model(name: str | None, served: Collection[str]) -> None:
    """Raise :class:`Problem` for a model that does not serve here."""
    told = [*map(model_name, served), ANY_MODEL]
    if name in (None, "") or catalog.canonical(str(name)) in (*told, *served):
        return
    names = ", ".join(dict.fromkeys(told))
    text = f"model '{str(name)[:SHOWN]}' does not serve here; there is: {names}"
    raise Problem(404, "model_not_found", text, param="model")


def last(fields: Mapping[str, Sequence[str]], name: str) -> str | None:
    """Return a field, the last of several; ``None`` where it is missing or says nothing."""
    found = fields.get(name)
    return found[-1].strip() or None if found else None


def _shape(text: str | None) -> Shape:
    try:
        return Shape.JSON if text is None else Shape(text)
    except ValueError:
        raise _invalid("response_format", text, ", ".join(Shape)) from None


def _truth(fields: Mapping[str, Sequence[str]], name: str) -> bool:
    text = last(fields, name)
    if text is None:
        return False
    if text.lower() not in ("true", "false", "1", "0"):
        raise _invalid(name, text, "true, false")
    return text.lower() in ("true", "1")


def _granularities(
    fields: Mapping[str, Sequence[str]], shape: Shape, *, stream: bool
) -> frozenset[str]:
    name = "timestamp_granularities"
    found = frozenset([*fields.get(f"{name}[]", ()), *fields.get(name, ())])
    if unknown := sorted(found - {"word", "segment"}):
        raise _invalid(name, unknown[0], "word, segment")
    if "word" in found and not (stream or shape is Shape.VERBOSE):
        text = f"{name}: words have times only with response_format verbose_json"
        raise Problem(400, "unsupported_value", text, param=name)
    return found


def _wishes(fields: Mapping[str, Sequence[str]], task: Task, *, words: bool) -> dict[str, Any]:
    wishes: dict[str, Any] = {"task": str(task)}
    if language := _language(last(fields, "language")):
        wishes["language"] = language
    if (prompt := last(fields, "prompt")) is not None:
        wishes["initial_prompt"] = prompt
    if keywords := [one.strip() for name in _KEYWORDS for one in fields.get(name, ())]:
        wishes["hotwords"] = ", ".join(filter(None, keywords)) or None
    if (temperature := last(fields, "temperature")) is not None:
        wishes["temperature"] = _temperature(temperature)
    if words:
        wishes["word_timestamps"] = True
    return {name: value for name, value in wishes.items() if value is not None}


_KEYWORDS = ("keywords", "keywords[]", "hotwords")


def _language(text: str | None) -> str | None:
    try:
        return parse_language(text and text[:SHOWN])
    except UsageError as error:
        hint = f"; {error.hint}" if error.hint else ""
        raise Problem(400, "unsupported_value", f"{error}{hint}", param="language") from error


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise _invalid("temperature", text, "a number from 0 to 1")
    return value


def _invalid(name: str, value: str | None, takes: str) -> Problem:
    text = f"{name} is '{str(value)[:SHOWN]}'; it takes: {takes}"
    return Problem(400, "invalid_value", text, param=name)
