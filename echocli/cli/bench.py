"""``echocli bench``: measure speed, latency, memory and word errors, and insist on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from echocli.cli import keeping_options, options
from echocli.decoding.presets import RECIPES, Preset
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.output.console import Console

MEASURING = "Measuring"
SAMPLES = Path("samples")

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE]...", help="Recordings [default: those in ./samples]."),
]
Runs = Annotated[
    int,
    options.option(MEASURING, "--runs", "-n", min=1, help="Measure this many times [default: 1]."),
]
Reference = Annotated[
    Path | None,
    options.option(MEASURING, "--reference", metavar="FILE", help="Text of the one recording."),
]
Manifest = Annotated[
    Path | None,
    options.option(
        MEASURING, "--manifest", metavar="FILE", help="JSON lines with 'file' and 'reference'."
    ),
]
Full = Annotated[
    bool,
    options.option(
        MEASURING, "--full", help="Also cold start, warm-up, recovery, two recordings at once."
    ),
]
Played = Annotated[
    bool,
    options.option(
        MEASURING, "--live", help="Play each file at its own speed and measure live latencies."
    ),
]
Asserts = Annotated[
    list[str] | None,
    options.option(
        MEASURING,
        "--assert",
        metavar="METRIC<NUMBER",
        help="Demand, as 'rtf<0.5'; may be repeated. Exit 6 when it does not hold.",
    ),
]


def command(
    ctx: typer.Context,
    files: Files = None,
    runs: Runs = 1,
    reference: Reference = None,
    manifest: Manifest = None,
    full: Full = False,
    live: Played = False,
    asserts: Asserts = None,
    model: options.Model = None,
    provider: options.Provider = None,
    device: options.Device = None,
    compute_type: options.ComputeType = None,
    threads: options.Threads = None,
    model_dir: options.ModelDir = None,
    offline: options.Offline = None,
    language: options.Language = None,
    preset: options.PresetName = None,
    beam_size: options.BeamSize = None,
    best_of: options.BestOf = None,
    vad: options.Vad = None,
    max_memory_mb: keeping_options.MaxMemory = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Measure speed, latency, memory and word error rate.

    A recording's text is in <name>.ref.txt beside it, in --reference or in --manifest; a manifest
    without FILE measures all its recordings that have a text. Times are medians over the runs; each
    run loads and warms the model in a fresh process. With --live each file is played at its own
    speed instead; <name>.words.json beside it may hold the true times of its words.
    """
    environment: Environment = ctx.obj
    console = Console(environment, quiet=quiet, verbose=verbose)

    if live and full:
        raise UsageError("--live and --full do not go together", hint="run bench twice")

    from echocli.bench.assertions import parse
    from echocli.bench.references import collect
    from echocli.cli.session import prepare
    from echocli.config import Settings

    demands = [parse(text) for text in asserts or ()]
    clips = collect(files or (), reference, manifest, SAMPLES)
    settings = Settings(environment)
    flags = {
        "provider": provider,
        "model": model,
        "device": device,
        "compute_type": compute_type,
        "threads": threads,
        "language": language,
    }
    setup = prepare(
        environment,
        console,
        flags,
        model_dir=model_dir,
        offline=bool(settings.get("offline", offline, False).value),
        max_memory_mb=settings.get("max_memory_mb", max_memory_mb).value,
    )

    # What decodes needs numpy, which --help and a mistyped assertion must not wait for.
    from echocli.cli.bench_runs import BenchRuns
    from echocli.cli.bench_show import conclude
    from echocli.decoding.pipeline import PipelineOptions
    from echocli.providers.base import DecodeOptions
    from echocli.runtime.offline import OfflineOptions
    from echocli.vad.endpointer import VadOptions

    recipe = RECIPES[Preset(settings.get("preset", preset, Preset.BALANCED).value)]
    beams = settings.get("beam_size", beam_size).value
    decode = DecodeOptions(
        language=setup.language,
        beam_size=beams or recipe.beam_size,
        foreign_beam_size=beams or recipe.foreign_beam_size,
        best_of=settings.get("best_of", best_of, 5).value,
        initial_prompt=settings.get("initial_prompt", None).value,
        hotwords=settings.get("hotwords", None).value,
        word_timestamps=settings.get("word_timestamps", None, False).value,
    )
    detect = settings.get("vad", vad, True).value
    if live:
        from echocli.cli.bench_live import LiveRuns, live_options

        played = LiveRuns(
            environment, console, setup, live_options(decode, recipe, setup), detect=detect
        )
        report = played.measure(clips, runs)
        raise typer.Exit(
            conclude(environment, console, report, demands, played.code, as_json=as_json)
        )
    detection = VadOptions() if detect else None
    bench = BenchRuns(
        environment, console, setup, OfflineOptions(decode, PipelineOptions.of(recipe), detection)
    )
    report = bench.measure(clips, runs)
    measured = [clip for clip in clips if any(clip.file == one.file for one in report.files)]
    if full and measured:
        report = replace(report, extras=bench.measure_extras(measured[0]))
    raise typer.Exit(conclude(environment, console, report, demands, bench.code, as_json=as_json))
