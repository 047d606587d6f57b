"""What a setting may be: how a flag, a variable or a value of the config file is read.

A converter raises ``ValueError`` for what makes no sense, with a text only where it knows more than
what the setting takes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from echocli.capability.advice import parse_device
from echocli.errors import UsageError
from echocli.models.languages import AUTO, parse_language

AUTO_CHUNKS = "auto"
"""Chunk seconds that adapt to how long decoding takes."""

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")

_DEVICES = ("auto", "cpu", "cuda", "metal", "mps")

_PROVIDERS = {"voxtral-realtime": "voxtral"}
_COMPUTE = {"fp16": "float16", "fp32": "float32", "bf16": "bfloat16"}
COMPUTE_TYPES = (
    *("auto", "default"),
    *("int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16"),
    *("float16", "bfloat16", "float32"),
    *("q4_0", "q4_1", "q5_0", "q5_1", "q8_0"),
)
"""What CTranslate2 (its documentation, "Quantization") and GGML (``quantize`` of whisper.cpp) call
their numbers."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value."""

    convert: Callable[[object], Any]
    says: str
    """What it is, for people, as in "a whole number from 1"."""
    types: tuple[type, ...] = (str,)
    """What it may be in a config file; flags and variables are text that is converted."""


LONGEST_MS = 60_000
"""Of a pause or a padding: a minute."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value


def _boolean(value: object) -> bool:
    word = str(value).strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError
    return word in _TRUE


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError  # noqa: TRY004 -- one kind of error for every converter
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number


def _positive(value: object) -> float:
    number = _number(value)
    if number <= 0:
        raise ValueError
    return number


def _from_zero(value: object) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError
    return number


def _share(value: object) -> float:
    number = _from_zero(value)
    if number > 1:
        raise ValueError
    return number


def _integer(value: object) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _whole(value: object) -> int:
    return _integer(_from_zero(value))


def _milliseconds(value: object) -> int:
    number = _whole(value)
    if number > LONGEST_MS:
        raise ValueError
    return number


def _count(value: object) -> int:
    return _integer(_positive(value))


def _port(value: object) -> int:
    number = _whole(value)
    if number > 65_535:
        raise ValueError
    return number


def _step(value: object) -> str:
    word = str(value).strip()
    if word.lower() != "none":
        _positive(word)
    return word


def _tokens(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(_integer(one)) for one in value)
    if isinstance(value, str) and not value.strip():
        return ""  # nothing is suppressed
    return ",".join(str(_integer(part)) for part in str(value).split(",") if part.strip())


def _wording(value: object) -> str:
    """Return text, or a number as it would be typed."""
    return str(value) if type(value) in (int, float) else _text(value)


def _list(separator: str) -> Callable[[object], tuple[str, ...]]:
    def convert(value: object) -> tuple[str, ...]:
        if isinstance(value, list | tuple):
            return tuple(_wording(one) for one in value)
        parts = (part.strip() for part in _wording(value).split(separator))
        return tuple(part for part in parts if part)

    return convert


def _chunks(value: object) -> float | str:
    return AUTO_CHUNKS if str(value).strip().lower() == AUTO_CHUNKS else _positive(value)


def _provider(value: object) -> str:
    name = _text(value).strip().lower().replace("_", "-")
    return _PROVIDERS.get(name, name)


def _compute(value: object) -> str:
    name = _text(value).strip().lower()
    name = _COMPUTE.get(name, name)
    return _among(COMPUTE_TYPES, name)


def _device(value: object) -> str:
    text = _text(value)
    try:
        return parse_device(text)
    except UsageError as error:
        near = _nearest(text.strip().lower(), _DEVICES)
        raise ValueError(near or error.hint) from error


def _language(value: object) -> str:
    try:
        return parse_language(_text(value)) or AUTO
    except UsageError as error:
        raise ValueError(error.hint) from error


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    try:
        return Path(_text(value)).expanduser()
    except RuntimeError as error:  # the home of a user nobody knows
        raise ValueError(str(error)) from error


def _sha256(value: object) -> str:
    digest = _text(value).strip().lower().removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise ValueError
    return digest


def _among(words: Sequence[str], word: str) -> str:
    """Return a word of a closed list; raise ``ValueError`` with the nearest for another."""
    if word not in words:
        raise ValueError(_nearest(word, words))
    return word


def _nearest(word: str, words: Sequence[str]) -> str:
    """Return a question for the word of a list that was meant; nothing where that is not clear."""
    near = get_close_matches(word, words, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else ""


def one_of(*words: str) -> Kind:
    """Return the kind of a closed list of words."""

    def convert(value: object) -> str:
        return _among(words, str(value).strip().lower())

    return Kind(convert, ", ".join(words[:-1]) + f" or {words[-1]}")


TEXT = Kind(_text, "text")
WORDING = Kind(_wording, "text or a number", (str, int, float))
BOOLEAN = Kind(_boolean, "true or false", (bool,))
NUMBER = Kind(_number, "a number", (int, float))
POSITIVE = Kind(_positive, "a number above 0", (int, float))
FROM_ZERO = Kind(_from_zero, "a number from 0", (int, float))
SHARE = Kind(_share, "a number from 0 to 1", (int, float))
COUNT = Kind(_count, "a whole number from 1", (int,))
MILLISECONDS = Kind(_milliseconds, f"milliseconds: a whole number from 0 to {LONGEST_MS}", (int,))
WHOLE = Kind(_whole, "a whole number from 0", (int,))
PORT = Kind(_port, "a port: a whole number from 0 to 65535", (int,))
STEP = Kind(_step, 'a number above 0, or "None"', (str, int, float))
TOKENS = Kind(_tokens, "token ids: a list, or text with commas", (list, str, int))
WORDS = Kind(_list(","), "a list of words, or text with commas", (list, str))
DEVICES = Kind(
    _list(";"), "a name, an index, or a list of them; in a variable between ;", (list, str, int)
)
CHUNKS = Kind(_chunks, 'a number above 0, or "auto"', (str, int, float))
PROVIDER = Kind(_provider, "a name that `echocli providers` lists, or auto")
COMPUTE = Kind(_compute, f"one of {', '.join(COMPUTE_TYPES)}")
DEVICE = Kind(_device, "auto, cpu, cuda, cuda:N or metal")
LANGUAGE = Kind(_language, "a code, an English name or auto")
PATH = Kind(_path, "a path")
SHA256 = Kind(_sha256, "64 hexadecimal digits, as sha256sum prints them")


def spelled(value: object) -> str:
    """Return a value as a config file spells it; nothing for ``None``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | Path):
        # What JSON may leave as it is, TOML does not: U+007F must be escaped.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spelled, value))}]"
    return str(value)


def shown(value: object) -> str:
    """Return a value as people read it: text without quotes, lists with commas."""
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return str(value) if isinstance(value, str | Path) else spelled(value)
