from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.output.text import clean, display_width, one_line, pieces, printable, valid

pytestmark = pytest.mark.unit

ANY_TEXT = st.text(st.characters())


@given(ANY_TEXT)
def test_valid_text_is_always_utf8(text: str) -> None:
    assert valid(text).encode("utf-8").decode("utf-8") == valid(text)


@given(ANY_TEXT)
def test_cleaned_text_is_one_line_without_control_characters(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned.splitlines()) <= 1
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in cleaned)


def test_cleaning_keeps_the_leading_space_of_a_word() -> None:
    assert clean(" hello\r\nthere\x1b[31m\x00") == " hello there[31m"


def test_lone_surrogate_becomes_a_replacement_character() -> None:
    assert valid("a\ud800b") == "a\ufffdb"


def test_escape_sequences_are_shown_on_a_terminal() -> None:
    assert printable("a\x1b[2J\x9b1m\rb\n\tc") == "a\\u001b[2J\\u009b1m\\u000db\n\tc"


def test_right_to_left_override_is_shown() -> None:
    assert printable("\u202egnp.exe\u2066") == "\\u202egnp.exe\\u2066"


@given(ANY_TEXT)
def test_json_stays_json_when_printed(text: str) -> None:
    line = json.dumps(valid(text), ensure_ascii=False)
    assert json.loads(printable(line)) == valid(text)


def test_message_with_newlines_and_escapes_is_one_line() -> None:
    assert one_line("a\nb\x1bc") == "a b\\u001bc"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("한", 2), ("", 0)]
)
def test_wide_characters_count_twice(text: str, width: int) -> None:
    assert display_width(text) == width


@given(ANY_TEXT)
def test_joined_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two  three", ["one", " two", "  three"]),
        ("今日は、晴れ", ["今", "日", "は、", "晴", "れ"]),
        ("「はい」と", ["「は", "い」", "と"]),
        ("안녕하세요 여러분", ["안녕하세요", " 여러분"]),
        ("", []),
    ],
)
def test_lines_break_at_spaces_and_between_ideographs(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected
