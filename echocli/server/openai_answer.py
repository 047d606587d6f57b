"""Write a transcript as OpenAI's audio endpoints do, at once or as events of a stream."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from echocli.events import Final, Notice
from echocli.models.languages import LANGUAGES
from echocli.output.jsonable import dump, plain, segment_to_dict
from echocli.output.writers import make_writer
from echocli.server.openai_request import Asked, Shape
from echocli.types import Segment, Task, Transcript, Word

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

KINDS: Mapping[Shape, str] = {
    Shape.JSON: JSON,
    Shape.VERBOSE: JSON,
    Shape.TEXT: TEXT,
    Shape.SRT: TEXT,
    Shape.VTT: TEXT,
}
"""Media type of each shape; clients of OpenAI's API take subtitles as text."""

WRITERS = {Shape.SRT: "srt", Shape.VTT: "vtt"}
"""Which of our formats a shape is."""


NOTICES = "x-echocli-notices"
"""The header with what is to be said of a file, where the answer is text."""

LONGEST = 1000
"""Characters of that header."""


def body(transcript: Transcript, asked: Asked, notices: Sequence[Notice] = ()) -> str:
    """Return a whole answer as text."""
    if asked.shape in WRITERS:
        return _written(transcript, WRITERS[asked.shape])
    if asked.shape is Shape.TEXT:
        return spoken(transcript.segments) + "\n"
    if asked.shape is Shape.JSON:
        told = {"text": spoken(transcript.segments), "usage": _usage(transcript)}
        return dump(told | {"notices": _notices(notices)})
    return dump(verbose(transcript, asked, notices))


def headers(asked: Asked, notices: Sequence[Notice]) -> dict[str, str]:
    """Return what is to be said of a file beside a body of text, which has no place for it.

    One line of ASCII, whatever a file is called: what is not becomes a question mark.
    """
    if KINDS[asked.shape] == JSON or not notices:
        return {}
    text = "; ".join(one.message for one in notices)
    return {NOTICES: "".join(one if " " <= one <= "~" else "?" for one in text[:LONGEST])}


def verbose(transcript: Transcript, asked: Asked, notices: Sequence[Notice] = ()) -> dict[str, Any]:
    """Return the object of ``verbose_json``; ``notices`` in it is ours."""
    translated = asked.task is Task.TRANSLATE
    result: dict[str, Any] = {
        "task": "translate" if translated else "transcribe",
        "language": language_name("en" if translated else transcript.language),
        "duration": plain(transcript.duration, 3),
        "text": spoken(transcript.segments),
    }
    if asked.segments:
        result["segments"] = [segment(one) for one in transcript.segments]
    if asked.words:
        words = (word for one in transcript.segments for word in one.words or ())
        result["words"] = [_word(one) for one in words]
    return result | {"usage": _usage(transcript), "notices": _notices(notices)}


def segment(one: Segment) -> dict[str, Any]:
    """Return a segment with OpenAI's fields.

    ``seek`` is in frames of 10 ms, as in openai-whisper; ``tokens`` stay in the worker. Its
    ``language``, and the ``probability`` of words, are ours.
    """
    ours = segment_to_dict(one)
    kept = ("avg_logprob", "compression_ratio", "no_speech_prob", "temperature")
    return {
        "id": one.id,
        "seek": round(one.start * 100),
        "start": ours["start"],
        "end": ours["end"],
        "text": ours["text"],
        "language": ours["language"],
        "tokens": [],
        **{name: ours[name] for name in kept},
    }


def spoken(segments: Iterable[Segment]) -> str:
    """Return the text of segments, with one space between two."""
    return " ".join(text for one in segments if (text := one.text.strip()))


def language_name(code: str | None) -> str:
    """Return the English name of a language in small letters, as OpenAI has it."""
    return LANGUAGES.get(code or "", code or "unknown")


def delta(one: Segment, before: str) -> dict[str, Any]:
    """Return the event of a segment that is final; ``before`` is the text so far.

    ``segment`` is ours: where in the sound it is.
    """
    text = one.text.strip()
    told: dict[str, Any] = segment(one)
    if one.words is not None:
        told["words"] = [_word(word) for word in one.words]
    return {
        "type": "transcript.text.delta",
        "delta": f" {text}" if before and text else text,
        "segment": told,
    }


def done(transcript: Transcript, notices: Sequence[Notice] = ()) -> dict[str, Any]:
    """Return the event that ends a stream; its language, duration and ``notices`` are ours."""
    return {
        "type": "transcript.text.done",
        "text": spoken(transcript.segments),
        "language": language_name(transcript.language),
        "duration": plain(transcript.duration, 3),
        "notices": _notices(notices),
    }


def server_sent(event: Mapping[str, Any]) -> bytes:
    """Return one event of a stream (WHATWG HTML, "Server-sent events")."""
    return f"data: {json.dumps(plain(event), ensure_ascii=False)}\n\n".encode()


def _written(transcript: Transcript, name: str) -> str:
    sink = io.StringIO()
    writer = make_writer(name, sink)
    for one in transcript.segments:
        writer.event(Final(one))
    writer.close(transcript)
    return sink.getvalue()


def _word(word: Word) -> dict[str, Any]:
    times = {"start": plain(word.start, 3), "end": plain(word.end, 3)}
    return {"word": word.text.strip(), **times, "probability": plain(word.probability)}


def _notices(notices: Iterable[Notice]) -> list[dict[str, str]]:
    return [{"code": one.code, "message": one.message} for one in notices]


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": plain(transcript.duration, 3)}
