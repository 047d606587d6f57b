from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import UsageError
from echocli.models.languages import LANGUAGES, parse_language

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", [None, "", "auto", " AUTO "])
def test_auto_or_nothing_listens(text: str | None) -> None:
    assert parse_language(text) is None


@given(st.sampled_from(sorted(LANGUAGES)))
def test_every_code_and_every_name_is_known_in_any_case(code: str) -> None:
    assert parse_language(code.upper()) == code
    assert parse_language(f" {LANGUAGES[code].title()} ") == code


@pytest.mark.parametrize(
    ("name", "code"),
    [("Castilian", "es"), ("flemish", "nl"), ("haitian", "ht"), ("Mandarin", "zh")],
)
def test_other_names_of_whisper_are_known(name: str, code: str) -> None:
    assert parse_language(name) == code


def test_a_typing_error_is_told_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="unknown language 'Germann'") as caught:
        parse_language("Germann")
    assert "german" in str(caught.value.hint)


@given(st.text())
def test_any_text_is_a_code_or_a_usage_error(text: str) -> None:
    try:
        code = parse_language(text)
    except UsageError:
        return
    assert code is None or code in LANGUAGES


def test_the_table_is_that_of_faster_whisper() -> None:
    tokenizer = pytest.importorskip("faster_whisper.tokenizer")
    assert set(LANGUAGES) == set(tokenizer._LANGUAGE_CODES)
