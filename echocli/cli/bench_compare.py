"""``echocli bench --compare``: a table of two earlier reports, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from echocli.bench.compare import (
    COLUMNS,
    Comparison,
    Row,
    Tolerances,
    as_object,
    cells,
    compare,
    facts,
)
from echocli.bench.earlier import read
from echocli.cli.columns import fitting
from echocli.environment import Environment
from echocli.errors import EchoError, ExitCode, UsageError
from echocli.output.console import Console, width_of
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink
from echocli.output.table import Column
from echocli.output.text import one_line

RANKS = (0, 0, 0, 2, 1, 0)
"""Of the columns: the highest is left out first on a narrow terminal."""

LEAST = 12
"""Columns the name of a figure keeps."""

TOGETHER = frozenset(
    {"compare", "tolerance", "wer_tolerance", "as_json", "quiet", "verbose", "profile"}
)
"""Parameters that may stand beside ``--compare``."""

NAMES = {"files": "FILE", "asserts": "--assert", "vad": "--vad"}
"""Parameters that are not called as their option is."""


def run_compare(
    environment: Environment,
    console: Console,
    paths: tuple[Path, Path],
    typed: Mapping[str, Any],
) -> ExitCode:
    """Print the comparison; ``ASSERTION`` where something is worse.

    Raises ``UsageError`` for files that are no reports or have nothing in common, and for anything
    ``typed`` that is about measuring.
    """
    for name in typed:
        if name not in TOGETHER:
            option = NAMES.get(name, "--" + name.replace("_", "-"))
            text = f"{option} and --compare do not go together: nothing is measured"
            raise UsageError(text, hint="echocli bench --compare A.json B.json")
    given = {
        "percent": typed.get("tolerance"),
        "points": typed.get("wer_tolerance"),
    }
    tolerances = Tolerances(**{name: one for name, one in given.items() if one is not None})
    a, b = map(read, paths)
    found = compare(a, b, tolerances)
    _warn(console, found)
    sink = StdoutSink(environment.stdout)
    as_json = typed.get("as_json", False)
    if as_json:
        sink.write(dump(as_object(found, tolerances), indent=2) + "\n")
    else:
        sink.write(_plain(found, width_of(environment, environment.stdout)))
    sink.flush()
    for text in (*map(_complaint, found.worse), *map(_lost(found), found.missing)):
        console.error(EchoError(text))
    return ExitCode.ASSERTION if found.count_worse else ExitCode.OK


def _warn(console: Console, found: Comparison) -> None:
    for one in found.differences:
        console.notice(str(one), "compare-differs")
    if found.left_out:
        names = ", ".join(found.left_out[:3]) + (", …" if len(found.left_out) > 3 else "")
        alone = found.recordings == 1
        both = "the one recording both have is" if alone else "the recordings both have are"
        text = f"only {both} compared, without {names}"
        console.notice(f"{text}; percentiles of all are left out", "compare-recordings")


def _complaint(row: Row) -> str:
    if row.b is None:
        return f"{row.metric} is known of A only: what is not measured any more counts as worse"
    _, a, b, change, tolerance, _ = cells(row)
    return f"{row.metric} is worse: {a} → {b} (change {change}, tolerance {tolerance})"


def _lost(found: Comparison) -> Callable[[str], str]:
    """Return what there is to say of a recording that B has not, given its name."""
    failed = found.b.facts.get("failed")
    why = {
        str(one.get("file")): one.get("error")
        for one in (failed if isinstance(failed, list) else [])
        if isinstance(one, dict)
    }

    def text(file: str) -> str:
        reason = f"failed in B ({why[file]})" if file in why else "is in A only"
        return f"{file} {reason}: a recording that is not measured any more counts as worse"

    return text


def _plain(found: Comparison, width: int | None) -> str:
    columns = [
        Column(
            name, flush_right=1 <= place <= 4, least=12 if not place else None, rank=RANKS[place]
        )
        for place, name in enumerate(COLUMNS)
    ]
    table = fitting(columns, map(cells, found.rows), width)
    rows = facts(found)
    most = max(len(label) for label, _ in rows)
    return table + "\n" + "".join(f"{name:<{most}}  {one_line(text)}\n" for name, text in rows)
