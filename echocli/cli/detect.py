"""``echocli detect``: this machine, and what suits it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from echocli.api.report import as_object
from echocli.api.survey import survey
from echocli.cli import options
from echocli.cli.chosen import chosen_by
from echocli.cli.detect_text import show
from echocli.environment import Environment


def command(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Run a model for two seconds and predict the others.")
    ] = False,
    profile: options.Profile = None,
    provider: Annotated[
        str | None, typer.Option("--provider", "-p", help="Recommend for this provider.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Recommend for this model or path.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or metal.")
    ] = None,
    compute_type: Annotated[
        str | None, typer.Option("--compute-type", help="int8, float16, q5_0 ...")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", "-t", help="Cores to use.")] = None,
    chunk_seconds: Annotated[
        float | None, typer.Option("--chunk-seconds", help="Interval of live decoding.")
    ] = None,
    vad: Annotated[
        bool | None, typer.Option("--vad/--no-vad", help="Decode only where there is speech.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Recommend a model for it.")
    ] = None,
    model_dir: Annotated[
        Path | None, typer.Option("--model-dir", help="Look for models in this directory first.")
    ] = None,
) -> None:
    """Show this machine and what suits it.

    Reads memory, cores and accelerators, container limits included, and recommends a provider and a
    model with a fallback. Options and settings override single values. With --measure it runs what
    is installed, says how fast each model would be, and remembers that for this machine.
    """
    environment: Environment = ctx.obj
    chosen = chosen_by(ctx)
    report = survey(environment, chosen)
    if measure:
        from echocli.api.measuring import measured

        report = measured(environment, chosen, report)
    if as_json:
        environment.stdout.write(json.dumps(as_object(report), indent=2) + "\n")
    else:
        show(environment, report)
