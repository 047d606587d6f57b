"""Hold JSON against its schema, unknown fields included."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from tools.schemas.documents import DOCUMENTS, UNIONS, schema

Json: TypeAlias = dict[str, Any]

ONE_OF_SEVERAL = frozenset(document.name for document in UNIONS)


def check(name: str, value: object) -> None:
    """Fail, and say where, if a value is not what the schema of that name says, to the last field.

    A line of the stream and a message are held against the schema of their own type: the one error
    is then told.
    """
    kind = value.get("type") if name in ONE_OF_SEVERAL and isinstance(value, Mapping) else None
    found = best_match(_validator(name, kind).iter_errors(value))
    assert found is None, f"{name}{found.json_path[1:]}: {found.message}"


@cache
def _validator(name: str, kind: str | None) -> Draft202012Validator:
    (document,) = (one for one in DOCUMENTS if one.name == name)
    whole = schema(document)
    if kind is not None:
        names = [key for key, one in whole["$defs"].items() if _type(one) == kind]
        assert names, f"nothing has the type {kind}"
        whole["oneOf"] = [{"$ref": f"#/$defs/{key}"} for key in names]
    return Draft202012Validator(strict(whole))


def _type(found: Json) -> object:
    return found["properties"].get("type", {}).get("const")


def strict(found: Any) -> Any:
    """Return a schema whose objects have the fields it names and no others."""
    if isinstance(found, list):
        return [strict(one) for one in found]
    if not isinstance(found, dict):
        return found
    closed = {key: strict(one) for key, one in found.items()}
    return (
        closed | {"additionalProperties": False}
        if found.get("additionalProperties") is True
        else closed
    )
