"""Turn annotated classes into JSON Schema, draft 2020-12 (https://json-schema.org/draft/2020-12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from enum import EnumType
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, is_typeddict

from tools.schemas.shapes import (
    Between,
    Many,
    Matching,
    Property,
    Refined,
    about,
    properties,
)

Json: TypeAlias = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_SIMPLE: Mapping[Any, str] = {
    str: "string",
    Path: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
}


@dataclass(slots=True)
class Drawing:
    """One schema in the making: the classes that came up are its ``$defs``."""

    refined: Refined = field(default_factory=dict)
    defs: dict[str, Json] = field(default_factory=dict)

    def reference(self, shape: type) -> Json:
        """Return a reference to a class, and describe it if it is the first."""
        if shape.__name__ not in self.defs:
            self.defs[shape.__name__] = {}
            found = self.object(about(shape), properties(shape, self.refined))
            self.defs[shape.__name__] = found
        return {"$ref": f"#/$defs/{shape.__name__}"}

    def object(self, text: str, fields: Sequence[Property]) -> Json:
        """Return the schema of an object; more fields than these are allowed."""
        return {
            "description": text,
            "type": "object",
            "properties": {one.name: self._field(one) for one in fields},
            "required": [one.name for one in fields if one.required],
            "additionalProperties": True,
        }

    def kind(self, kind: Any) -> Json:
        """Return the schema of an annotation."""
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if kind is Any:
            return {}
        if is_dataclass(kind) or is_typeddict(kind):
            return self.reference(kind)
        if isinstance(kind, EnumType):
            words: Iterable[Any] = kind
            return {"enum": [word.value for word in words]}
        return self._generic(get_origin(kind), get_args(kind))

    def _field(self, one: Property) -> Json:
        return {"description": one.text, **self.kind(one.kind)}

    def _generic(self, origin: Any, inside: Sequence[Any]) -> Json:
        if origin is Annotated:
            return self.kind(inside[0]) | _bounds(inside[1])
        if origin is Literal:
            return {"const": inside[0]} if len(inside) == 1 else {"enum": list(inside)}
        if origin in (Union, UnionType):
            return _any_of([self.kind(one) for one in inside])
        if issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.kind(inside[1])}
        assert issubclass(origin, Sequence), origin
        return {"type": "array", "items": self.kind(inside[0])}


def _bounds(bounds: Between | Matching | Many) -> Json:
    found: Json
    match bounds:
        case Between(least, most):
            found = {"minimum": least, "maximum": most}
        case Matching(pattern, longest):
            found = {"pattern": pattern and f"^(?:{pattern})$", "maxLength": longest}
        case Many(least, most):
            found = {"minItems": least, "maxItems": most}
    return {key: value for key, value in found.items() if value is not None}


def _any_of(schemas: Sequence[Json]) -> Json:
    """Return one schema for several; null joins the other's type or list of values."""
    null = {"type": "null"}
    rest = [schema for schema in schemas if schema != null]
    if len(rest) == 1 and len(schemas) == 2:
        (one,) = rest
        if "enum" in one:
            return {"enum": [*one["enum"], None]}
        if isinstance(one.get("type"), str):
            return one | {"type": [one["type"], "null"]}
    if all(schema.keys() == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": list(schemas)}
