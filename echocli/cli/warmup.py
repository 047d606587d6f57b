"""``echocli warmup``: load and warm a model, and say where the time goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from echocli import __version__
from echocli.cli import keeping_options, options
from echocli.cli.chosen import chosen_by, console_of
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.events import Notice
from echocli.output.console import Console
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink
from echocli.output.text import one_line

if TYPE_CHECKING:
    from echocli.api.setup import Setup
    from echocli.providers.base import LoadSpec
    from echocli.runtime.warmup import WarmupReport

SCHEMA = "echocli/warmup/1"

LevelNumber = Annotated[
    int,
    options.option(
        options.MODEL,
        "--level",
        min=1,
        max=3,
        help="1 loads, 2 runs one inference, 3 several lengths up to 30 s [default: 2].",
    ),
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far it came: without ``spec`` no model was found, without ``report`` none started."""

    spec: LoadSpec | None = None
    report: WarmupReport | None = None
    error: ModelError | None = None


def command(
    ctx: typer.Context,
    level: LevelNumber = 2,
    profile: options.Profile = None,
    model: options.Model = None,
    provider: options.Provider = None,
    device: options.Device = None,
    compute_type: options.ComputeType = None,
    threads: options.Threads = None,
    model_dir: options.ModelDir = None,
    model_revision: options.ModelRevision = None,
    model_sha256: options.ModelSha256 = None,
    voxtral_binary: options.VoxtralBinary = None,
    voxtral_model: options.VoxtralModel = None,
    offline: options.Offline = None,
    language: options.Language = None,
    max_memory_mb: keeping_options.MaxMemory = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Load and warm a model, with the time of each phase.

    The model is loaded in a worker process and run on speech-like sound through that very process;
    it ends with the command. A start that fails ends in the state ERROR with its cause and exit 4.
    """
    environment: Environment = ctx.obj
    chosen = chosen_by(ctx)
    console = console_of(environment, chosen)
    from echocli.api.setup import prepare

    try:
        setup = prepare(environment, chosen, console)
        setup.announce(console)
    except ModelError as error:
        outcome = Outcome(error=error)
    else:
        outcome = _warm(setup, level, console)
    sink = StdoutSink(environment.stdout)
    value = as_object(outcome, level)
    sink.write((dump(value, indent=2) if as_json else as_text(value)) + "\n")
    sink.flush()
    if outcome.error is not None:
        raise outcome.error


def _warm(setup: Setup, level: int, console: Console) -> Outcome:
    from echocli.api.setup import supervised
    from echocli.runtime.warmup import Level, warm_up

    with supervised(setup) as supervisor:
        report = warm_up(supervisor, Level(level))
        for notice in supervisor.notices:
            if isinstance(notice, Notice):
                console.notice(notice.message, notice.code)
        # Not the spec that was asked for: a full GPU makes it another one.
        return Outcome(supervisor.spec, report, report.error)


def as_object(outcome: Outcome, level: int) -> dict[str, Any]:
    """Return the outcome as JSON-ready values; see ``docs/reference/json.md``."""
    error = outcome.error
    return {
        "schema": SCHEMA,
        "echocli": __version__,
        "level": level,
        "state": "error" if error else "ready",
        "states": list(outcome.report.states) if outcome.report else ["uninitialized", "error"],
        "cause": str(error) if error else None,
        "hint": error.hint if error else None,
        **_what(outcome.spec),
        **_figures(outcome.report),
    }


def _what(spec: LoadSpec | None) -> dict[str, Any]:
    keys = ("provider", "model", "device", "compute_type", "slots", "threads")
    return {key: getattr(spec, key) if spec else None for key in keys}


def _figures(report: WarmupReport | None) -> dict[str, Any]:
    phases = report.phases if report else ()
    return {
        "phases": [
            {"name": phase.name, "ms": phase.ms}
            | ({} if phase.seconds is None else {"seconds": phase.seconds})
            for phase in phases
        ],
        "total_ms": report.total_ms if report else None,
        "first_inference_ms": report.first_inference_ms if report else None,
        "worker_memory_mb": report.worker_memory_mb if report else None,
        "parent_memory_mb": report.parent_memory_mb if report else None,
    }


def as_text(value: dict[str, Any]) -> str:
    """Lay the same values out for people, a row each."""
    rows = [("model", _model(value))] if value["model"] else []
    rows += [(_phase(phase), _ms(phase["ms"])) for phase in value["phases"]]
    rows += [("total", _ms(value["total_ms"]))] if value["total_ms"] is not None else []
    for who in ("worker", "parent"):
        memory = value[f"{who}_memory_mb"]
        rows += [(f"{who} memory", f"{memory:8.0f} MB")] if memory else []
    rows += [("states", " → ".join(state.upper() for state in value["states"]))]
    rows += [("state", _state(value))]
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in rows)


def _model(value: dict[str, Any]) -> str:
    return one_line(
        f"{value['model']} ({value['compute_type']}) on {value['device']} with "
        f"{value['provider']}, {value['slots']} × {value['threads']}"
    )


def _phase(phase: dict[str, Any]) -> str:
    if phase["name"] == "inference":
        return f"inference {phase['seconds']:g} s"
    return str(phase["name"])


def _ms(value: float) -> str:
    return f"{value:8.0f} ms"


def _state(value: dict[str, Any]) -> str:
    cause = f": {one_line(value['cause'])}" if value["cause"] else ""
    return f"{value['state'].upper()}{cause}"
