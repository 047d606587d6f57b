"""Text and tokens of a GGML model, whose file has the vocabulary but not how to split a text.

The vocabulary is in the order in which its byte-pair encoding was learnt (openai/gpt-2,
``vocab.bpe``; openai/whisper's ``*.tiktoken``), so the number of a token is the rank of its merge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

PARTS = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
r"""What no merge goes across: GPT-2's pattern, with ``[^\W\d_]`` for letters."""


LONGEST = 120
"""Bytes that are merged together at most; joining takes the square of them."""


class Vocabulary:
    """The ordinary tokens of a model."""

    def __init__(self, bytes_of: Callable[[int], bytes], size: int) -> None:
        self.bytes_of = bytes_of
        """What a token stands for."""
        self._size = size

    @cached_property
    def _ranks(self) -> dict[bytes, int]:
        known = ((self.bytes_of(token), token) for token in range(self._size))
        return {text: token for text, token in known if text}

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens; those that are not ordinary have none."""
        text = b"".join(self.bytes_of(token) for token in tokens if token < self._size)
        return text.decode("utf-8", errors="replace")

    def encode(self, text: str) -> Iterator[int]:
        """Yield the tokens of a text."""
        for found in PARTS.finditer(text):
            part = found.group().encode("utf-8", errors="ignore")
            for start in range(0, len(part), LONGEST):
                yield from self._merged(part[start : start + LONGEST])

    def _merged(self, text: bytes) -> list[int]:
        """Join the two neighbours whose merge was learnt first until none are left."""
        parts = [bytes([byte]) for byte in text]
        while len(parts) > 1:
            ranks = [self._ranks.get(a + b, self._size) for a, b in pairwise(parts)]
            first = min(ranks)
            if first == self._size:
                break
            at = ranks.index(first)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self._ranks[part] for part in parts if part in self._ranks]
