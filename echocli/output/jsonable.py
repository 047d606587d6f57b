"""The stable JSON: events and transcripts as plain dicts, as ``docs/reference/json.md`` says.

Times are seconds with three digits, other measures have four; what is not a finite number is
``null``; every string is valid UTF-8. An event class needs nothing here: its fields are taken as
they are, and a segment among them is laid out flat.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, TypeAlias

from echocli.events import Event
from echocli.output.text import valid
from echocli.types import Segment, Transcript, Word

Json: TypeAlias = dict[str, Any]

TIME_DIGITS = 3
MEASURE_DIGITS = 4


def dump(value: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Write a dict as JSON text in UTF-8 characters, on one line unless indented."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent)


def event_to_dict(event: Event) -> Json:
    """Return an event with its ``type`` first and a segment's fields flat.

    ``Progress`` is no part of the stream: whoever writes the stream leaves it out.
    """
    result: Json = {"type": event.type}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, Segment):
            result |= segment_to_dict(value)
        else:
            # A word of Python's own has an underscore behind it as a field.
            name = field.name.removesuffix("_")
            result[name] = plain(value, TIME_DIGITS if isinstance(value, float) else None)
    return result


def transcript_to_dict(transcript: Transcript) -> Json:
    """Return a whole result, in the order the schema lists the fields."""
    return {
        "schema": transcript.schema,
        "text": valid(transcript.text),
        "language": plain(transcript.language),
        "duration": plain(transcript.duration, TIME_DIGITS),
        "segments": [segment_to_dict(segment) for segment in transcript.segments],
        "provider": valid(transcript.provider),
        "model": valid(transcript.model),
        "model_revision": plain(transcript.model_revision),
        "model_sha256": plain(transcript.model_sha256),
        "stats": plain(transcript.stats),
    }


def segment_to_dict(segment: Segment) -> Json:
    """Return a segment; ``words`` is only there when words were asked for."""
    result: Json = {
        "id": segment.id,
        "start": plain(segment.start, TIME_DIGITS),
        "end": plain(segment.end, TIME_DIGITS),
        "text": valid(segment.text),
        "avg_logprob": plain(segment.avg_logprob),
        "no_speech_prob": plain(segment.no_speech_prob),
        "compression_ratio": plain(segment.compression_ratio),
        "confidence": plain(segment.confidence),
        "temperature": plain(segment.temperature),
    }
    if segment.words is not None:
        result["words"] = [word_to_dict(word) for word in segment.words]
    for name in ("language", "source", "speaker"):
        result[name] = plain(getattr(segment, name))
    return result


def word_to_dict(word: Word) -> Json:
    """Return a word with its times and its probability."""
    return {
        "start": plain(word.start, TIME_DIGITS),
        "end": plain(word.end, TIME_DIGITS),
        "text": valid(word.text),
        "probability": plain(word.probability),
    }


def plain(value: Any, digits: int | None = None) -> Any:
    """Return a value as JSON knows it; ``digits`` (four unless given) rounds its floats."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _finite(float(value), MEASURE_DIGITS if digits is None else digits)
    if isinstance(value, Mapping):
        return {valid(str(key)): plain(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, digits) for item in value]
    return valid(str(value))


def _finite(number: float, digits: int) -> float | None:
    # Adding zero turns the -0.0 that rounding may give into 0.0.
    return round(number, digits) + 0.0 if math.isfinite(number) else None
