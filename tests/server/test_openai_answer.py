"""Transcripts as OpenAI's endpoints write them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Notice
from echocli.server import openai_answer as answers
from echocli.server.openai_request import Asked, Shape
from echocli.types import Segment, Task, Transcript, Word

pytestmark = pytest.mark.unit

WORDS = (Word(0.5, 0.9, " Hello", 0.9), Word(0.9, 1.4, " there.", 0.8))
TWO = (
    Segment(0, 0.5, 1.4, " Hello there.", avg_logprob=-0.2, words=WORDS),
    Segment(1, 2.0, 3.0, "So be it. ", temperature=0.2),
)


def transcript(*segments: Segment, language: str | None = "de") -> Transcript:
    return Transcript("", language, 3.5, segments, "scripted", "m")


def test_one_space_is_between_two_segments() -> None:
    assert answers.spoken(TWO) == "Hello there. So be it."
    assert answers.spoken([]) == ""


def test_segments_have_the_fields_that_clients_read() -> None:
    found = answers.verbose(transcript(*TWO), Asked(Task.TRANSCRIBE, Shape.VERBOSE))
    assert (found["task"], found["language"], found["duration"]) == ("transcribe", "german", 3.5)
    assert "words" not in found
    first = found["segments"][0]
    assert (first["id"], first["seek"], first["start"], first["end"]) == (0, 50, 0.5, 1.4)
    assert first["tokens"] == []
    assert set(first) > {"avg_logprob", "compression_ratio", "no_speech_prob", "temperature"}


def test_words_stand_beside_segments_or_alone() -> None:
    both = answers.verbose(transcript(*TWO), Asked(Task.TRANSCRIBE, words=True))
    (first, *_) = both["words"]
    assert (first["word"], first["start"], first["end"]) == ("Hello", 0.5, 0.9)
    assert 0 < first["probability"] <= 1
    assert len(both["segments"]) == 2
    alone = answers.verbose(transcript(*TWO), Asked(Task.TRANSCRIBE, words=True, segments=False))
    assert "segments" not in alone


def test_a_translation_is_english_whatever_was_spoken() -> None:
    found = answers.verbose(transcript(*TWO), Asked(Task.TRANSLATE))
    assert (found["task"], found["language"]) == ("translate", "english")


@pytest.mark.parametrize(("code", "name"), [("de", "german"), (None, "unknown"), ("xx", "xx")])
def test_languages_have_their_english_names(code: str | None, name: str) -> None:
    assert answers.language_name(code) == name


@pytest.mark.parametrize("shape", Shape)
def test_no_words_at_all_can_be_written(shape: Shape) -> None:
    body = answers.body(transcript(), Asked(Task.TRANSCRIBE, shape))
    assert body == "" or shape is not Shape.SRT
    if answers.KINDS[shape] == answers.JSON:
        assert json.loads(body)["text"] == ""


@given(st.lists(st.text(max_size=30), max_size=6))
def test_the_pieces_of_a_stream_are_its_text(texts: list[str]) -> None:
    segments = [Segment(n, n, n + 1, text) for n, text in enumerate(texts)]
    pieces = [answers.delta(one, answers.spoken(segments[:n])) for n, one in enumerate(segments)]
    whole = answers.done(transcript(*segments))
    assert "".join(piece["delta"] for piece in pieces) == whole["text"]


@given(st.lists(st.builds(Notice, st.just("input"), st.text()), max_size=3))
def test_what_is_to_be_said_of_a_file_is_one_short_line_of_ascii(notices: list[Notice]) -> None:
    found = answers.headers(Asked(Task.TRANSCRIBE, Shape.SRT), notices)
    assert bool(found) == bool(notices)
    for line in found.values():
        assert line.isascii()
        assert line.isprintable() or not line
        assert len(line) <= answers.LONGEST


def test_an_object_has_it_in_its_body_and_is_the_same_without_any() -> None:
    notice = Notice("input", "a.wav: ends early")
    for shape in (Shape.JSON, Shape.VERBOSE):
        asked = Asked(Task.TRANSCRIBE, shape)
        assert answers.headers(asked, [notice]) == {}
        found = json.loads(answers.body(transcript(*TWO), asked, [notice]))
        assert found.pop("notices") == [{"code": "input", "message": "a.wav: ends early"}]
        none = json.loads(answers.body(transcript(*TWO), asked))
        assert none == found | {"notices": []}


@given(st.text())
def test_an_event_is_one_line_and_can_be_read(text: str) -> None:
    sent = answers.server_sent({"type": "x", "delta": text})
    assert sent.endswith(b"\n\n")
    (line,) = sent[:-2].split(b"\n")
    assert b"\r" not in line
    assert set(json.loads(line.removeprefix(b"data: "))) == {"type", "delta"}
