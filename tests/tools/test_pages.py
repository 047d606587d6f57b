"""Pages about settings, variables, exit codes and JSON have everything there is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from echocli import errors
from echocli.config import ALIASES, KEYS, VARIABLES, variable
from echocli.errors import EchoError, ExitCode
from tests.conftest import ROOT
from tools import environment, exit_codes, json_pages, settings
from tools.markdown import cell, table
from tools.schemas.documents import DOCUMENTS, schema
from tools.schemas.stream import event_types

pytestmark = pytest.mark.unit

READ = re.compile(r'(?:environ|variables)(?:\.get\(|\[)\s*"([A-Z_0-9]+)"')
"""How the program reads a variable by name."""


def test_every_setting_is_described() -> None:
    page = environment.settings_page()
    for name, text in environment.settings().items():
        assert text, name
    for name in KEYS:
        assert f"| `{name}` | " in page


@pytest.mark.parametrize("name", [*map(variable, KEYS), *VARIABLES, *ALIASES.values()])
def test_every_variable_of_ours_has_a_row(name: str) -> None:
    assert f"| `{name}` | " in environment.page()


def test_every_variable_that_is_read_anywhere_is_on_the_page() -> None:
    files = (ROOT / "echocli").rglob("*.py")
    read = {name for file in files for name in READ.findall(file.read_text("utf-8"))}
    assert {"NO_COLOR", "HF_TOKEN", "ECHOCLI_CACHE_DIR"} <= read
    page = environment.page()
    # What somebody else's program is started with is its own affair.
    assert {name for name in read if f"`{name}`" not in page} <= {
        "PATH",
        "HOME",
        "PULSE_SOURCE",
        "PYTHONPATH",
    }


def test_the_table_in_the_guide_is_made_again_in_its_place() -> None:
    page = f"before\n{settings.BEGIN}old\n{settings.END}after\n"
    assert (
        settings.updated(page) == f"before\n{settings.BEGIN}{settings.table()}{settings.END}after\n"
    )


def test_every_code_and_every_error_is_explained() -> None:
    page = exit_codes.page()
    for code in ExitCode:
        assert f"| {code.value} | {code.name} | " in page
    for name, one in vars(errors).items():
        if isinstance(one, type) and issubclass(one, EchoError):
            assert f"| `{name}` | `" in page
            assert f"` | {int(one.exit_code)} | " in page


def test_an_error_comes_after_the_one_it_is_a_kind_of() -> None:
    names = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", exit_codes.page(), re.MULTILINE)
    seen = {"Exception"}
    for name, base in names:
        assert base in seen
        seen.add(name)


def test_every_event_has_a_section_with_its_fields() -> None:
    page = json_pages.events_page()
    for one in event_types():
        assert f"## {getattr(one, 'type')}\n" in page  # noqa: B009 -- every event has one
    assert "| `replayed_seconds` | number | " in page
    assert "| … |  | the fields of a [Segment](json.md#segment) |" in page


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_field_of_every_document_has_a_row(document: Any) -> None:
    assert document in DOCUMENTS
    pages = json_pages.json_page() + json_pages.events_page() + json_pages.messages_page()
    for found in schema(document)["$defs"].values():
        for name, one in found.get("properties", {}).items():
            assert f"| `{name}` | " in pages
            assert cell(one["description"]) in pages


def test_links_within_the_page_lead_to_headings() -> None:
    page = json_pages.json_page()
    headings = {
        name.lower().replace(" ", "-") for name in re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    }
    links = json_pages.events_page() + page
    assert set(re.findall(r"\]\((?:json\.md)?#([\w-]+)\)", links)) <= headings


def test_the_page_of_messages_has_all_that_are_no_events() -> None:
    page = json_pages.messages_page()
    for kind in ("start", "resume", "seen", "finish", "accepted", "ready", "ack", "error"):
        assert page.count(f"### {kind}\n") == 1
    assert "### final\n" not in page
    links = set(re.findall(r"\]\(messages\.md#([\w-]+)\)", page))
    assert links == {name.lower() for name in json_pages.MESSAGE_PARTS}


def test_a_table_escapes_bars() -> None:
    assert table(("a", "b"), [("x | y", "z")])[-1] == r"| x \| y | z |"
