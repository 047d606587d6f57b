"""Read a dataclass from what JSON holds, field by field, by its annotations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from enum import EnumType
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from echocli.types import Segment
from echocli.wire.codes import MAX_POSITION, MAX_SECONDS, Code, Malformed

MEASURES = frozenset(
    {"avg_logprob", "no_speech_prob", "compression_ratio", "confidence", "probability"}
    | {"rms", "peak"}
)
"""Fields that hold what was computed: it may lie below 0, and ``null`` is what was not finite, NaN.

Any other number is a time or an amount, and is there.
"""


def build(shape: Any, found: Mapping[str, Any]) -> Any:
    """Return a dataclass made of a dict; raises :class:`Malformed`.

    Lists become tuples where the annotation says so, dicts the dataclasses it names, and a segment
    is read from the fields around it. Whole numbers lie between 0 and :data:`MAX_POSITION`, others
    between 0 and :data:`MAX_SECONDS`, but for :data:`MEASURES`; closer bounds are the caller's.
    """
    values = {}
    called = str(found.get("type", shape.__name__))[:40]
    for name, key, kind, required in _plan(shape):
        if kind is Segment:
            values[name] = build(Segment, found)
        elif key in found:
            read = _measure if name in MEASURES else partial(_value, kind)
            values[name] = read(found[key], f"{called}.{key}")
        elif required:
            raise Malformed(f"{called} has no {key}")
    return shape(**values)


@cache
def _plan(shape: Any) -> tuple[tuple[str, str, Any, bool], ...]:
    """Return name, JSON key, annotation and whether it must be there, of each field."""
    hints = get_type_hints(shape)
    return tuple(
        (
            one.name,
            one.name.removesuffix("_"),
            hints[one.name],
            one.default is MISSING and one.default_factory is MISSING,
        )
        for one in fields(shape)
    )


def _value(kind: Any, value: Any, where: str) -> Any:
    reader = _SIMPLE.get(kind)
    if reader is not None:
        return reader(value, where)
    if isinstance(kind, EnumType):
        return _word(kind, value, where)
    return _composed(kind, get_origin(kind), get_args(kind), value, where)


def _composed(kind: Any, origin: Any, inside: tuple[Any, ...], value: Any, where: str) -> Any:
    if origin in (Union, UnionType):
        others = [one for one in inside if one is not NoneType]
        return None if value is None else _value(others[0], value, where)
    if origin is tuple:
        return tuple(_value(inside[0], one, where) for one in _list(value, where))
    if origin is not None:
        return _mapping(inside, value, where)
    return build(kind, _object(value, where))


def _word(kind: EnumType, value: Any, where: str) -> Any:
    words: tuple[Any, ...] = tuple(kind)
    if value not in words:
        # The format of the sound is the only one of a few words that a client names.
        text = f"{where} must be one of {', '.join(words)}"
        raise Malformed(text, Code.BAD_FORMAT)
    return kind(value)


def _mapping(inside: tuple[Any, ...], value: Any, where: str) -> dict[str, Any]:
    return {key: _value(inside[1], one, where) for key, one in _object(value, where).items()}


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{where} is no object")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{where} is no list")
    return value


def _any(value: Any, where: str) -> Any:  # noqa: ARG001 -- as its neighbours
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{where} is no string")
    return value


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{where} is neither true nor false")
    return value


def _whole(value: Any, where: str) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise Malformed(f"{where} is no whole number")
    if not 0 <= value <= MAX_POSITION:
        raise Malformed(f"{where} must be between 0 and 2^53 - 1")
    return int(value)


def _amount(value: Any, where: str) -> float:
    number = _number(value, where)
    if not 0 <= number <= MAX_SECONDS:
        raise Malformed(f"{where} must be between 0 and {MAX_SECONDS:.0e}")
    return number


def _measure(value: Any, where: str) -> float:
    return math.nan if value is None else _number(value, where)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(f"{where} is no number")
    try:
        return float(value)
    except OverflowError:
        raise Malformed(f"{where} is too large") from None


_SIMPLE: Mapping[Any, Callable[[Any, str], Any]] = {
    Any: _any,
    str: _text,
    bool: _truth,
    int: _whole,
    float: _amount,
}
