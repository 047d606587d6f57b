"""``echocli live``: speech to text while it is spoken."""

from __future__ import annotations

from typing import Annotated

import typer

from echocli.api.live_sources import EXAMPLE
from echocli.cli import keeping_options, live_options, options, remote_options
from echocli.cli.chosen import chosen_by, console_of
from echocli.cli.live_run import live_from
from echocli.environment import Environment
from echocli.errors import UsageError

Stdin = Annotated[str | None, typer.Argument(metavar="[-]", help="'-' listens to standard input.")]


def command(
    ctx: typer.Context,
    stdin: Stdin = None,
    mic: live_options.Mic = False,
    input_device: live_options.InputDevice = None,
    file: live_options.PlayFile = None,
    pace: live_options.Pace = False,
    raw: options.Raw = None,
    channel: options.Channel = None,
    record: live_options.Record = None,
    stop_after: live_options.StopAfter = None,
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
    chunk_seconds: live_options.ChunkSeconds = None,
    initial_prompt: options.InitialPrompt = None,
    hotwords: options.Hotwords = None,
    word_timestamps: options.WordTimestamps = None,
    vad: options.Vad = None,
    vad_threshold: options.VadThreshold = None,
    vad_min_speech_ms: options.VadMinSpeech = None,
    vad_min_silence_ms: options.VadHangover = None,
    vad_pad_ms: options.VadPad = None,
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
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Turn speech into text while it is spoken.

    On a terminal words that are settled are plain and words that may still change are dim; finished
    lines go to standard output. With -o DIR files grow final by final under their own name. Ctrl-C
    ends a microphone with the last words written.
    """
    environment: Environment = ctx.obj
    if stdin not in (None, "-"):
        raise UsageError(f"live {stdin}: a file is named with --file", hint=EXAMPLE)
    chosen = chosen_by(ctx)
    raise typer.Exit(live_from(ctx, environment, console_of(environment, chosen), chosen))
