"""Write the pages about JSON from the same classes that make the schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tools.markdown import NOTE_CODE, table
from tools.schemas.documents import CLIENT, DOCUMENTS, EVENT, SERVER, Document, schema
from tools.schemas.draft import Json
from tools.schemas.wire import client_messages, server_messages

HEADS = ("field", "type", "meaning")
SCHEMAS = "../schemas"

MESSAGE_PARTS = frozenset({"SourceStart", "SourceMetrics"})
"""What messages are made of and nothing else: it is on their page."""

MESSAGES = frozenset(shape.__name__ for shape in (*client_messages(), *server_messages()))
"""The messages that are no events."""

_ABOUT_JSON = """\
Everything the program writes as JSON, field by field. [JSON](../json.md) says what holds
everywhere; the [schemas](../schemas) say the same as this page for programs (JSON Schema, 2020-12).
"""

_ABOUT_EVENTS = f"""\
`-f jsonl` writes one event a line, as it happens. [JSON](../json.md) says what holds everywhere
and how gaps are filled; the [schema]({SCHEMAS}/{EVENT.file}) says the same as this page for
programs. Readers should pass over types and fields they do not know.
"""

_ABOUT_MESSAGES = f"""\
The messages of `/v1/live`, field by field. [Protocol](../protocol.md) says when they are sent, with
an example of each; the schemas of [client]({SCHEMAS}/{CLIENT.file}) and
[server]({SCHEMAS}/{SERVER.file}) say the same as this page for programs. Readers should pass over
fields and types they do not know.
"""

_ABOUT_NUMBERS = """\
The [events](events.md) of the session, but for `ready`, `meter` and `progress`. All but `partial`
have one field more:
"""


def json_page() -> str:
    """Return the page of all documents but events."""
    lines = [NOTE_CODE, "", "# JSON, field by field", "", _ABOUT_JSON]
    seen: set[str] = set()
    for document in DOCUMENTS:
        if document.shape is not None:
            lines += _document(document, seen)
    return "\n".join(lines)


def events_page() -> str:
    """Return the page of events."""
    defs = schema(EVENT)["$defs"]
    segment = schema(DOCUMENTS[0])["$defs"]["Segment"]["properties"]
    lines = [NOTE_CODE, "", "# Events", "", _ABOUT_EVENTS]
    for branch in schema(EVENT)["oneOf"]:
        found = defs[_name(branch)]
        lines += [f"## {found['properties']['type']['const']}", "", found["description"], ""]
        lines += [*table(HEADS, _event_rows(found, segment)), ""]
    return "\n".join(lines)


def messages_page() -> str:
    """Return the page of the messages of live sound."""
    lines = [NOTE_CODE, "", "# Messages", "", _ABOUT_MESSAGES]
    for document in (CLIENT, SERVER):
        whole = schema(document)
        lines += [f"## {document.title}", "", whole["description"], ""]
        for name, found in whole["$defs"].items():
            lines += _message(name, found)
    number = {"properties": {"seq": schema(SERVER)["$defs"]["Final"]["properties"]["seq"]}}
    rows = _rows(number | {"required": ["seq"]})
    return "\n".join([*lines, "### Events", "", _ABOUT_NUMBERS, *table(HEADS, rows), ""])


def _message(name: str, found: Json) -> Iterator[str]:
    """Yield the section of a message or a part of one; events are on their own page."""
    kind = found["properties"].get("type", {}).get("const")
    if name in MESSAGE_PARTS | MESSAGES:
        yield from (f"### {kind or name}", "", found["description"], "")
        yield from (*table(HEADS, _rows(found)), "")


def _document(document: Document, seen: set[str]) -> Iterator[str]:
    """Yield the section of a document; what it is made of follows unless it was ``seen``."""
    whole = schema(document)
    yield from (f"## {document.title}", "")
    made_by = document.made_by[0].upper() + document.made_by[1:]
    yield from (f"{made_by}: [schema]({SCHEMAS}/{document.file}). {whole['description']}", "")
    yield from (*table(HEADS, _rows(whole)), "")
    for name, found in whole["$defs"].items():
        if name not in seen:
            seen.add(name)
            yield from (f"### {name}", "", found["description"], "")
            yield from (*table(HEADS, _rows(found)), "")


def _event_rows(found: Json, segment: Mapping[str, Json]) -> Iterator[Sequence[str]]:
    """Yield the rows of an event; those of a segment are one."""
    flat = set(segment) <= set(found["properties"])
    for row in _rows(found, page="json.md"):
        name = row[0].strip("`")
        if not flat or name not in segment:
            yield row
        elif name == next(iter(segment)):
            yield ("…", "", "the fields of a [Segment](json.md#segment)")


def _rows(found: Json, page: str = "") -> Iterator[Sequence[str]]:
    for name, one in found["properties"].items():
        always = "" if name in found["required"] else "where there is one: "
        yield (f"`{name}`", always + _kind(one, page), one["description"])


def _kind(one: Json, page: str) -> str:
    """Return the type of a value for people."""
    if "$ref" in one:
        name = _name(one)
        return f"[{name}]({'messages.md' if name in MESSAGE_PARTS else page}#{name.lower()})"
    if "anyOf" in one:
        return _either([_kind(choice, page) for choice in one["anyOf"]])
    if "const" in one or "enum" in one:
        return _either([_literal(value) for value in one.get("enum", [one.get("const")])])
    if one.get("type") == "array":
        return f"array of {_kind(one['items'], page)}"
    if one.get("type") == "object":
        return f"object of {_kind(one['additionalProperties'], page)}"
    return _simple(one)


def _simple(one: Json) -> str:
    kinds = one.get("type", "anything")
    text = kinds if isinstance(kinds, str) else _either(kinds)
    most = f", {one['minimum']} to {one['maximum']}" if "maximum" in one else ""
    return text + most


def _either(choices: Sequence[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


def _literal(value: object) -> str:
    return "null" if value is None else f"`{value}`"


def _name(one: Json) -> str:
    return str(one["$ref"]).rpartition("/")[2]
