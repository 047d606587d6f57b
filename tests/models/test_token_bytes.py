"""The bytes that the tokens of a byte-level vocabulary stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel

from echocli.models.ggml import byte_decoder, token_bytes

pytestmark = pytest.mark.unit


def test_every_byte_has_one_character() -> None:
    assert sorted(byte_decoder().values()) == list(range(256))
    assert set(byte_decoder()) == set(ByteLevel.alphabet())


@given(st.text())
def test_words_are_the_bytes_of_their_text(text: str) -> None:
    # The tokenizers library cuts text as GPT-2 does and writes it with the same characters.
    pieces = ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    assert b"".join(token_bytes(token) for token, _ in pieces) == text.encode()


@given(st.binary())
def test_bytes_that_are_no_text_survive(data: bytes) -> None:
    characters = {byte: character for character, byte in byte_decoder().items()}
    assert token_bytes("".join(characters[byte] for byte in data)) == data


@pytest.mark.parametrize("token", ["a b", "\n", "あ"])
def test_other_characters_stand_for_nothing(token: str) -> None:
    with pytest.raises(KeyError):
        token_bytes(token)
