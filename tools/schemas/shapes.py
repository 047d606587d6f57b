"""Read the fields of a class: name, annotation, and the docstring under each."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, NotRequired, TypeAlias, get_type_hints, is_typeddict


@dataclass(frozen=True, slots=True)
class Between:
    """Bounds of a number; ``None`` is no bound."""

    least: float
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """A text that a regular expression matches as a whole, of at most so many characters."""

    pattern: str | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """How many items a list has."""

    least: int
    most: int


Amount: TypeAlias = Annotated[float, Between(0)]
"""A measure that is never negative."""
Seconds: TypeAlias = Amount
"""A time, or a length of time."""
Share: TypeAlias = Annotated[float, Between(0, 1)]
"""A probability or a part of a whole."""
Count: TypeAlias = Annotated[int, Between(0)]
"""How many."""


@dataclass(frozen=True, slots=True)
class Property:
    """One field as it is in JSON."""

    name: str
    kind: Any
    """Its annotation, resolved."""
    text: str
    """What it means, for people, on one line."""
    required: bool


Refined: TypeAlias = Mapping[tuple[type, str], Any]
"""Class and field → the annotation that is true of the JSON, where the program says less."""


def properties(shape: type, refined: Refined) -> list[Property]:
    """Return the fields of a dataclass or ``TypedDict`` in their order.

    An underscore behind a name is left out: it keeps the name from being a word of Python's. Raises
    ``ValueError`` for a field nobody has described.
    """
    texts = _texts(shape)
    hints = get_type_hints(shape, include_extras=True)
    return [_property(shape, name, hints[name], texts, refined) for name in _names(shape)]


def about(shape: type) -> str:
    """Return the first paragraph of a class's docstring on one line."""
    return plain((inspect.getdoc(shape) or "").partition("\n\n")[0])


def plain(text: str) -> str:
    """Return a docstring on one line, with the code in it as Markdown has it."""
    text = re.sub(r":\w+:`[.~]*([^`]+)`", r"`\1`", " ".join(text.split()))
    return text.replace("``", "`")


def _names(shape: type) -> Iterator[str]:
    assert is_dataclass(shape) or is_typeddict(shape), shape
    for name, annotation in inspect.get_annotations(shape).items():
        if "ClassVar" not in str(annotation):
            yield name


def _property(
    shape: type, name: str, hint: Any, texts: Mapping[str, str], refined: Refined
) -> Property:
    kind = refined.get((shape, name), hint)
    if name not in texts:
        raise ValueError(f"{shape.__name__}.{name} has no description")
    required = getattr(kind, "__origin__", None) is not NotRequired
    kind = kind if required else kind.__args__[0]
    return Property(name.removesuffix("_"), kind, plain(texts[name]), required)


def _texts(shape: type) -> dict[str, str]:
    """Return field → the docstring under it, which only the source has; bases first."""
    (definition,) = ast.parse(inspect.getsource(shape)).body
    assert isinstance(definition, ast.ClassDef)
    module = vars(sys.modules[shape.__module__])
    bases = (module[base.id] for base in definition.bases if isinstance(base, ast.Name))
    shapes = filter(is_typeddict, bases)
    found = {name: text for base in shapes for name, text in _texts(base).items()}
    for line, below in zip(definition.body, definition.body[1:], strict=False):
        match line, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = text
    return found
