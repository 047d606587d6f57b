"""``echocli config show``: what is in force, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from echocli.api.survey import survey
from echocli.cli.columns import fitting
from echocli.cli.config_help import explained
from echocli.cli.config_rows import Row, Variable, rows, variables
from echocli.cli.options import Json, Profile
from echocli.config import KEYS, Settings, shown
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.output.console import Console, width_of
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink
from echocli.output.table import Column
from echocli.output.text import one_line

COLUMNS = (
    Column("setting", least=18),
    Column("value", least=10),
    Column("from", rank=1, least=14),
    Column("instead of", rank=2, least=14),
)
VARIABLE_COLUMNS = (Column("variable"), Column("setting", rank=1), Column("", least=16))


def command(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Show those nobody said anything about as well.")
    ] = False,
    as_json: Json = False,
    profile: Profile = None,
) -> None:
    """Show the settings in force and where each comes from.

    What comes from nowhere else is the recommendation of 'echocli detect'. Of the variables of the
    environment those are listed that say something, and whether that counts. JSON has every
    setting.
    """
    environment: Environment = ctx.obj
    settings = Settings(environment, profile=profile)
    found = rows(settings, _recommended(environment, settings))
    said = variables(environment, settings)
    sink = StdoutSink(environment.stdout)
    if as_json:
        sink.write(dump(as_object(settings, found, said), indent=2) + "\n")
    else:
        width = width_of(environment, environment.stdout)
        sink.write(_page(settings, found, said, everything=everything, width=width))
    sink.flush()


def _recommended(environment: Environment, settings: Settings) -> dict[str, Any]:
    """Return what suits this machine; nothing, and a notice, where that cannot be told."""
    try:
        advice = survey(environment, settings.choose({})).recommendation
    except EchoError as error:
        hint = f" ({error.hint})" if error.hint else ""
        Console(environment).notice(f"nothing can be recommended: {error}{hint}")
        return {}
    return {
        "provider": advice.provider,
        "model": advice.usable_model or advice.model,
        "device": advice.device,
        "compute_type": advice.compute_type,
        "threads": advice.slots * advice.threads,
    }


def as_object(
    settings: Settings, found: Sequence[Row], said: Sequence[Variable]
) -> dict[str, object]:
    """Return everything as JSON has it; see ``docs/reference/json.md``."""
    return {
        "path": str(settings.file.path),
        "exists": settings.file.exists,
        "profile": settings.profile,
        "profiles": list(settings.file.profiles),
        "settings": {row.name: _row_object(row) for row in found},
        "variables": [
            {"name": it.name, "setting": it.setting, "used": it.used, "note": it.note}
            for it in said
        ],
    }


def _row_object(row: Row) -> dict[str, object]:
    return {
        "value": row.value,
        "source": row.source,
        "line": row.line,
        "default": KEYS[row.name].default,
        "overridden": [
            {"value": it.value, "source": it.source, "line": it.line} for it in row.overridden
        ],
    }


def _page(
    settings: Settings,
    found: Sequence[Row],
    said: Sequence[Variable],
    *,
    everything: bool,
    width: int | None,
) -> str:
    told = [row for row in found if everything or row.is_told]
    usual = explained() if everything else {}
    cells = [_cells(row, usual[row.name].usual if everything else "") for row in told]
    parts = [_head(settings), fitting(COLUMNS, cells, width)]
    if said:
        lines = [(it.name, it.setting or "", it.note) for it in said]
        parts.append(fitting(VARIABLE_COLUMNS, lines, width))
    if left := len(found) - len(told):
        parts.append(f"{left} other settings have their default: echocli config show --all\n")
    return "\n".join(parts)


def _cells(row: Row, usual: str) -> tuple[str, ...]:
    """Return the cells of a setting, with the ``usual`` value where it has none of its own."""
    name, value, *others = row.cells
    return name, value or usual, *others


def _head(settings: Settings) -> str:
    lines = [f"config file: {one_line(str(settings.file.path))}"]
    if not settings.file.exists:
        lines[0] += " (not there; echocli config init writes it)"
    if settings.profile is not None:
        lines.append(f"profile: {one_line(settings.profile)}")
    if others := [name for name in settings.file.profiles if name != settings.profile]:
        lines.append(f"other profiles: {one_line(shown(others))}")
    return "\n".join(lines) + "\n"
