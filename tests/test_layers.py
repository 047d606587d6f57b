"""Lower layers never import higher ones, wherever in a module the import stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).resolve().parent.parent / "echocli"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset(
        {"types", "events", "errors", "clock", "log", "environment", "heap", "interrupts", "kept"}
    ),
    frozenset({"audio", "vad", "models"}),
    frozenset({"providers"}),
    frozenset({"decoding"}),
    frozenset({"runtime", "capability"}),
    frozenset({"config"}),
    frozenset({"output", "api", "bench", "wire", "server", "remote"}),
    frozenset({"cli", "__main__"}),
)
"""Parts of the package from the bottom to the top."""

STRANGERS = (LAYERS[1], frozenset({"server", "remote"}))
"""Parts of one layer that must not know of each other."""

COMMANDS = ("transcribe", "live", "live_run", "live_output", "batch", "stopping")
"""Modules of the commands that transcribe."""

BELOW_THE_API = frozenset[str]().union(*LAYERS[1:5])
"""What those reach through the API only, as any other program."""

FREE = frozenset({"", "__init__"})
"""``echocli`` itself holds the version, and names of the API that are imported when asked for."""


def part_of(module: str) -> str:
    """Return the second word of a dotted name: ``echocli.audio.file`` is in ``audio``."""
    words = module.split(".")
    return words[1] if len(words) > 1 else ""


def level(part: str) -> int:
    """Return the layer of a part; a part nobody placed fails the test."""
    for number, parts in enumerate(LAYERS):
        if part in parts:
            return number
    raise AssertionError(f"echocli.{part} has no layer: add it to LAYERS")


def imported(source: str, package: str) -> Iterator[str]:
    """Yield the full names of ``echocli`` modules that a source imports, at any depth.

    ``package`` is what a relative import starts from.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, package)
            # `from echocli import types` names the module only in its second half.
            names = [f"{base}.{alias.name}" if base == "echocli" else base for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "echocli")


def absolute(node: ast.ImportFrom, package: str) -> str:
    """Return the absolute name that a ``from`` import starts from."""
    if not node.level:
        return node.module or ""
    words = package.split(".")
    parents = words[: len(words) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def violations(module: str, source: str) -> list[str]:
    """Return a line for each import of ``source`` that goes up or sideways."""
    own = part_of(module)
    if own in FREE:
        return []
    found = []
    for name in imported(source, module.rpartition(".")[0]):
        other = part_of(name)
        if other in FREE or other == own or other.startswith("__version"):
            continue
        sideways = any(own in group and other in group for group in STRANGERS)
        if level(other) > level(own) or sideways:
            found.append(f"{module} (layer {level(own)}) imports {name} (layer {level(other)})")
    return found


def without_types(source: str) -> str:
    """Return a source without what is imported for the type checker alone."""
    tree = ast.parse(source)
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    return ast.unparse(tree)


def modules() -> dict[str, str]:
    """Return every module of the package with its source."""
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path.read_text("utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def test_no_module_imports_a_higher_layer() -> None:
    found = [line for module, source in modules().items() for line in violations(module, source)]
    assert not found, "\n".join(found)


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {part_of(module) for module in modules()} - FREE
    assert all(level(part) >= 0 for part in parts)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_transcribes_does_it_through_the_api(name: str) -> None:
    source = modules()[f"echocli.cli.{name}"]
    used = {part_of(module) for module in imported(without_types(source), "echocli.cli")}
    assert not used & BELOW_THE_API


@pytest.mark.parametrize(
    "source",
    [
        "from echocli.cli.app import main",
        "import echocli.runtime.worker",
        "def late():\n    from echocli import output",
        "if TYPE_CHECKING:\n    from echocli.decoding import windows",
        "from ..config import Settings",
        "from echocli.vad.silero import Silero",
    ],
)
def test_a_made_up_violation_is_found(source: str) -> None:
    assert violations("echocli.audio.file", source)


@pytest.mark.parametrize(
    "source",
    [
        "from echocli.types import Samples",
        "from echocli import __version__, errors",
        "from .source import Source",
        "import numpy",
    ],
)
def test_imports_of_the_own_part_and_of_lower_layers_are_allowed(source: str) -> None:
    assert not violations("echocli.audio.file", source)
