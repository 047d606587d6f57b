"""``echocli bench``: measure speed, latency, memory and word errors, and insist on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from echocli.api.decoding import WordTiming
from echocli.cli import keeping_options, options
from echocli.cli.chosen import chosen_by, console_of, typed
from echocli.environment import Environment
from echocli.errors import ExitCode, UsageError
from echocli.output.console import Console

if TYPE_CHECKING:
    from echocli.api.setup import Setup
    from echocli.bench.references import Clip
    from echocli.bench.report import Report

MEASURING = "Measuring"
COMPARING = "Comparing"
SAMPLES = Path("samples")

NEEDS = {
    "tolerance": "compare",
    "wer_tolerance": "compare",
    "degrade": "live",
    "ladder": "degrade",
    "simulate_load": "degrade",
}
"""Options that say nothing without another."""

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
Html = Annotated[
    Path | None,
    options.option(
        MEASURING, "--html", metavar="FILE", help="Also write everything as one page for people."
    ),
]
Degrade = Annotated[
    bool,
    options.option(
        MEASURING, "--degrade", help="With --live: do less where the machine does not keep up."
    ),
]
Compare = Annotated[
    tuple[Path, Path] | None,
    options.option(
        COMPARING,
        "--compare",
        metavar="A.json B.json",
        help="Compare what --json wrote earlier; exit 6 when B is worse. Nothing is measured.",
    ),
]
Tolerance = Annotated[
    float | None,
    options.option(
        COMPARING,
        "--tolerance",
        metavar="PERCENT",
        min=0,
        callback=options.finite,
        help="By how much times, memory and shares may be worse [default: 10].",
    ),
]
WerTolerance = Annotated[
    float | None,
    options.option(
        COMPARING,
        "--wer-tolerance",
        metavar="POINTS",
        min=0,
        callback=options.finite,
        help="By how much error rates may be worse [default: 0.5].",
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
    html: Html = None,
    compare: Compare = None,
    tolerance: Tolerance = None,
    wer_tolerance: WerTolerance = None,
    profile: options.Profile = None,
    model: options.Model = None,
    provider: options.Provider = None,
    device: options.Device = None,
    compute_type: options.ComputeType = None,
    threads: options.Threads = None,
    model_dir: options.ModelDir = None,
    voxtral_binary: options.VoxtralBinary = None,
    voxtral_model: options.VoxtralModel = None,
    offline: options.Offline = None,
    language: options.Language = None,
    preset: options.PresetName = None,
    beam_size: options.BeamSize = None,
    best_of: options.BestOf = None,
    vad: options.Vad = None,
    max_memory_mb: keeping_options.MaxMemory = None,
    degrade: Degrade = False,
    ladder: keeping_options.Ladder = None,
    simulate_load: keeping_options.SimulateLoad = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Measure speed, latency, memory and word error rate.

    A recording's text is in <name>.ref.txt beside it, in --reference or in --manifest; a manifest
    without FILE measures all its recordings that have a text. Times are medians over the runs; each
    run loads and warms the model in a fresh process. With --live each file is played at its own
    speed instead; <name>.words.json beside it may hold the true times of its words.
    With --compare nothing is measured: two earlier reports are held against each other.
    """
    environment: Environment = ctx.obj
    chosen = chosen_by(ctx)
    console = console_of(environment, chosen)
    if compare is not None:
        from echocli.cli.bench_compare import run_compare

        raise typer.Exit(run_compare(environment, console, compare, typed(ctx)))
    _refuse_mixtures(typed(ctx))

    from echocli.api.setup import prepare
    from echocli.bench.assertions import parse
    from echocli.bench.references import collect
    from echocli.cli.bench_page import page_file

    demands = [parse(text) for text in asserts or ()]
    clips = collect(files or (), reference, manifest, SAMPLES)
    read = [clip.file for clip in clips] + [str(path) for path in (reference, manifest) if path]
    with page_file(html, read) as page:
        setup = prepare(environment, chosen, console)
        setup.announce(console)
        # What decodes needs numpy, which --help and a mistyped assertion must not wait for.
        from echocli.cli.bench_show import conclude

        work = _Work(environment, console, setup, clips, runs)
        report, code = _play(work, ladder=degrade) if live else _run(work, full=full)
        code = conclude(environment, console, report, demands, code, as_json=as_json, page=page)
    raise typer.Exit(code)


def _refuse_mixtures(typed: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` for options that say nothing without others, or the contrary of them."""
    if typed.get("live") and typed.get("full"):
        raise UsageError("--live and --full do not go together", hint="run bench twice")
    for name, needs in NEEDS.items():
        if name in typed and needs not in typed:
            raise UsageError(f"--{name.replace('_', '-')} needs --{needs}")


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be measured, and with what."""

    environment: Environment
    console: Console
    setup: Setup
    clips: list[Clip]
    runs: int


def _play(work: _Work, *, ladder: bool) -> tuple[Report, ExitCode]:
    """Play the recordings at their own speed."""
    from echocli.cli.bench_live import LiveRuns, live_options

    setup, detect = work.setup, work.setup.chosen["vad"]
    options = live_options(setup)
    played = LiveRuns(work.environment, work.console, setup, options, detect=detect, ladder=ladder)
    return played.measure(work.clips, work.runs), played.code


def _run(work: _Work, *, full: bool) -> tuple[Report, ExitCode]:
    """Transcribe the recordings as fast as that goes."""
    from echocli.api.options import offline_options
    from echocli.cli.bench_runs import BenchRuns

    options = offline_options(work.setup, WordTiming.of(work.setup.chosen))
    bench = BenchRuns(work.environment, work.console, work.setup, options)
    report = bench.measure(work.clips, work.runs)
    files = {one.file for one in report.files}
    if full and (clip := next((one for one in work.clips if one.file in files), None)):
        report = replace(report, extras=bench.measure_extras(clip))
    return report, bench.code
