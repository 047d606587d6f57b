"""``echocli transcribe``: files or a pipe to text."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from echocli.api.decoding import parse_clip, word_timing
from echocli.api.transcriber import Transcriber
from echocli.cli import batch_options, keeping_options, live_options, options, remote_options
from echocli.cli.batch_results import overall
from echocli.cli.chosen import chosen_by, console_of, formats_of, typed
from echocli.cli.inputs import expand
from echocli.cli.live_run import layout_of, live_from
from echocli.cli.remote_options import check_remote
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.output.files import missing, plan_outputs
from echocli.output.writers import expand_formats

if TYPE_CHECKING:
    from echocli.remote.files import RemoteTranscriber

ONLY_LIVE = (
    *("record", "stop_after", "chunk_seconds", "drop_policy", "outage_seconds", "unload_after"),
    "spool_mb",
)
"""Parameters that mean nothing for files."""

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE...]", help="Sound or video files; '-' reads standard input."),
]


def command(
    ctx: typer.Context,
    files: Files = None,
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
    task: options.TaskName = None,
    preset: options.PresetName = None,
    beam_size: options.BeamSize = None,
    best_of: options.BestOf = None,
    patience: options.Patience = 1.0,
    length_penalty: options.LengthPenalty = 1.0,
    temperature: options.Temperature = 0.0,
    temperature_increment_on_fallback: options.TemperatureStep = "0.2",
    condition_on_previous_text: options.ConditionOnPreviousText = False,
    initial_prompt: options.InitialPrompt = None,
    hotwords: options.Hotwords = None,
    suppress_tokens: options.SuppressTokens = "-1",
    word_timestamps: options.WordTimestamps = None,
    compression_ratio_threshold: options.CompressionRatioThreshold = 2.4,
    log_prob_threshold: options.LogProbThreshold = -1.0,
    no_speech_threshold: options.NoSpeechThreshold = 0.6,
    vad: options.Vad = None,
    vad_threshold: options.VadThreshold = None,
    vad_min_speech_ms: options.VadMinSpeech = None,
    vad_min_silence_ms: options.VadMinSilence = None,
    vad_pad_ms: options.VadPad = None,
    channel: options.Channel = None,
    raw: options.Raw = None,
    clip: options.Clip = None,
    clip_timestamps: options.ClipTimestamps = None,
    recursive: batch_options.Recursive = False,
    jobs: batch_options.Jobs = None,
    mic: live_options.Mic = False,
    input_device: live_options.InputDevice = None,
    record: live_options.Record = None,
    stop_after: live_options.StopAfter = None,
    chunk_seconds: live_options.ChunkSeconds = None,
    degrade: keeping_options.Degrade = None,
    ladder: keeping_options.Ladder = None,
    fallback: keeping_options.ClientFallbackName = None,
    remote: remote_options.RemoteUrl = None,
    token: remote_options.Token = None,
    token_file: remote_options.TokenFile = None,
    ca_file: remote_options.CaFile = None,
    retries: remote_options.Retries = None,
    spool_mb: remote_options.SpoolMb = None,
    max_memory_mb: keeping_options.MaxMemory = None,
    drop_policy: keeping_options.DropPolicyName = None,
    outage_seconds: keeping_options.OutageSeconds = None,
    unload_after: keeping_options.UnloadAfter = None,
    simulate_load: keeping_options.SimulateLoad = None,
    metrics_file: keeping_options.MetricsFile = None,
    metrics_seconds: keeping_options.MetricsSeconds = None,
    log_level: keeping_options.LogLevel = None,
    log_file: keeping_options.LogFile = None,
    output_dir: options.OutputDir = None,
    output_format: options.OutputFormat = None,
    max_line_width: options.MaxLineWidth = None,
    max_line_count: options.MaxLineCount = None,
    max_words_per_line: options.MaxWordsPerLine = None,
    skip_existing: options.SkipExisting = False,
    dry_run: batch_options.DryRun = False,
    as_json: batch_options.DryRunJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Turn files, a pipe or the microphone into text.

    Without -o the text goes to standard output as it becomes final; with -o DIR each input becomes
    DIR/<name>.<format>, which appears when it is whole. A file that fails does not stop the others.
    With --mic it is 'echocli live --mic'.
    """
    environment: Environment = ctx.obj
    flags, chosen = typed(ctx), chosen_by(ctx)
    console = console_of(environment, chosen)
    if mic or "input_device" in flags:
        raise typer.Exit(live_from(ctx, environment, console, chosen))
    if name := next((name for name in ONLY_LIVE if name in flags), None):
        option = "--" + name.replace("_", "-")
        raise UsageError(f"{option} needs --mic", hint="see: echocli live --help")
    if as_json and not dry_run:
        raise UsageError("--json needs --dry-run", hint="a transcript as JSON: -f json")
    if not files:
        raise UsageError("nothing to transcribe", hint="see: echocli transcribe --help")
    if flags.get("skip_existing") and chosen["output_dir"] is None:
        raise UsageError("--skip-existing needs --output-dir", hint="add -o DIR")
    check_remote(flags, chosen)
    if chosen["remote"] is not None:
        for name in ("dry_run", "clip", "clip_timestamps"):
            if flags.get(name):
                raise UsageError(f"--{name.replace('_', '-')} and --remote do not go together")
    parts = parse_clip(clip or (), clip_timestamps or "")
    found = expand(files, recursive=chosen["recursive"])
    for text in found.notices:
        console.notice(text, "input")
    formats = formats_of(chosen, found.paths)
    plans = plan_outputs(found.paths, chosen["output_dir"], formats, found.below)
    skips = chosen["skip_existing"]
    if dry_run:
        from echocli.cli import batch_dry_run

        code = batch_dry_run.dry_run(
            environment,
            console,
            chosen,
            plans,
            skip_existing=skips,
            refused=found.refused,
            as_json=as_json,
        )
        raise typer.Exit(code)
    if not plans:
        for error in found.refused.values():
            console.error(error)
        raise typer.Exit(overall([error.exit_code for error in found.refused.values()]))
    timing = word_timing(expand_formats(formats), chosen["word_timestamps"])
    transcriber: Transcriber | RemoteTranscriber
    if chosen["remote"] is None:
        transcriber = Transcriber(
            environment=environment, listener=console, chosen=chosen, timing=timing
        )
    else:
        from echocli.remote.files import RemoteTranscriber

        transcriber = RemoteTranscriber(
            chosen, listener=console, environment=environment, timing=timing, token=token
        )
    with ExitStack() as stack:
        stack.push(transcriber)
        if not skips or any(missing(plan).targets for plan in plans):
            transcriber.start()
        # Decoding needs numpy: --help, a mistyped option and the worker do not wait for it.
        from echocli.cli.batch import Batch

        jobs, layout = chosen["jobs"], layout_of(chosen)
        batch = Batch(environment, console, transcriber, layout, parts, jobs=jobs)
        code = batch.run(plans, skip_existing=skips, refused=found.refused)
    raise typer.Exit(code)
