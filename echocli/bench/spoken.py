"""What was really said and when, where a file beside the recording tells."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from echocli.decoding.agreement import same
from echocli.errors import UsageError
from echocli.types import Word

SUFFIX = ".words.json"
"""A recording ``talk.flac`` may have the times of its words beside it in ``talk.words.json``."""

FORM = 'write a list of words in order: [[0.32, 0.61, "good"], [0.61, 1.02, "morning"]]'


def beside(file: str) -> tuple[Word, ...] | None:
    """Return the true words of a recording, ``None`` where nobody wrote them down.

    Raises ``UsageError`` where the file cannot be read or holds something else.
    """
    path = Path(file).parent / f"{Path(file).stem}{SUFFIX}"
    try:
        found = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"the words {path} cannot be read: {error}", hint=FORM) from error
    return parse(str(path), found)


def parse(name: str, text: str) -> tuple[Word, ...]:
    """Read ``[[start, end, "word"], ...]``, seconds; raise ``UsageError`` naming what is wrong."""
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the words {name} are no JSON: {error}", hint=FORM) from error
    if not isinstance(rows, list):
        raise UsageError(f"the words {name} are no list", hint=FORM)
    return tuple(_word(name, number, row) for number, row in enumerate(rows, start=1))


def _word(name: str, number: int, row: Any) -> Word:
    match row:
        case [int() | float() as start, int() | float() as end, str() as text]:
            if 0 <= start <= end and math.isfinite(end):
                return Word(float(start), float(end), text, 1.0)
    raise UsageError(f"{name}: word {number} is not [start, end, text]", hint=FORM)


def pairs(true: Sequence[str], shown: Sequence[str]) -> list[tuple[int, int]]:
    """Return which true word was shown as which, by position; others were misheard or left out.

    Words are compared casefolded and without punctuation (Ratcliff and Metzener 1988, as in
    :mod:`difflib`).
    """
    said, seen = [same(word) for word in true], [same(word) for word in shown]
    blocks = SequenceMatcher(None, said, seen, autojunk=False).get_matching_blocks()
    return [(block.a + n, block.b + n) for block in blocks for n in range(block.size)]
