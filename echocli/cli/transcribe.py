"""``echocli transcribe``: files or a pipe to text."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from echocli.cli import keeping_options, live_options, options
from echocli.cli.decoding import (
    parse_clip,
    parse_temperatures,
    parse_tokens,
    vad_options,
    word_timing,
)
from echocli.cli.keeping_up import adjuster, served, wishes_of
from echocli.cli.live_run import live_from
from echocli.cli.session import prepare
from echocli.cli.weights import refuse_ignored
from echocli.config import Settings
from echocli.decoding.presets import RECIPES, Preset
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.output.console import Console
from echocli.output.files import plan_outputs
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import expand_formats
from echocli.types import Task

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE...]", help="Sound or video files; '-' reads standard input."),
]


def command(
    ctx: typer.Context,
    files: Files = None,
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
    temperature_step: options.TemperatureStep = "0.2",
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
    mic: live_options.Mic = False,
    input_device: live_options.InputDevice = None,
    record: live_options.Record = None,
    stop_after: live_options.StopAfter = None,
    chunk_seconds: live_options.ChunkSeconds = None,
    degrade: keeping_options.Degrade = None,
    ladder: keeping_options.Ladder = None,
    fallback: keeping_options.FallbackName = None,
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
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Turn files, a pipe or the microphone into text.

    Without -o the text goes to standard output as it becomes final; with -o DIR each input becomes
    DIR/<name>.<format>, which appears when it is whole. A file that fails does not stop the others.
    With --mic it is 'echocli live --mic'.
    """
    environment: Environment = ctx.obj
    console = Console(environment, quiet=quiet, verbose=verbose)
    if mic or input_device:
        raise typer.Exit(live_from(ctx, environment, console))
    only_live = {
        "--record": record,
        "--stop-after": stop_after,
        "--chunk-seconds": chunk_seconds,
        "--drop-policy": drop_policy,
        "--outage-seconds": outage_seconds,
        "--unload-after": unload_after,
    }
    if name := next((name for name, value in only_live.items() if value is not None), None):
        raise UsageError(f"{name} needs --mic", hint="see: echocli live --help")
    if not files:
        raise UsageError("nothing to transcribe", hint="see: echocli transcribe --help")
    if skip_existing and output_dir is None:
        raise UsageError("--skip-existing needs --output-dir", hint="add -o DIR")
    parts = parse_clip(clip or (), clip_timestamps or "")
    plans = plan_outputs(files, output_dir, output_format or ["txt"])
    layout = WriteOptions(max_line_width, max_line_count, max_words_per_line)
    flags = {
        "provider": provider,
        "model": model,
        "device": device,
        "compute_type": compute_type,
        "threads": threads,
        "language": language,
        "model_revision": model_revision,
        "model_sha256": model_sha256,
        "voxtral_binary": voxtral_binary,
        "voxtral_model": voxtral_model,
    }
    keeping = wishes_of(
        environment,
        {
            "degrade": degrade,
            "ladder": ladder,
            "fallback": fallback,
            "max_memory_mb": max_memory_mb,
            "simulate_load": simulate_load,
            "metrics_file": metrics_file,
            "metrics_seconds": metrics_seconds,
            "log_level": log_level,
            "log_file": log_file,
        },
    )
    settings = Settings(environment)
    wishes = {
        "task": settings.get("task", task, Task.TRANSCRIBE),
        "offline": settings.get("offline", offline, False),
        "vad": settings.get("vad", vad, True),
        "preset": settings.get("preset", preset, Preset.BALANCED),
        "beam_size": settings.get("beam_size", beam_size),
        "best_of": settings.get("best_of", best_of, 5),
        "initial_prompt": settings.get("initial_prompt", initial_prompt),
        "hotwords": settings.get("hotwords", hotwords),
        "word_timestamps": settings.get("word_timestamps", word_timestamps, False),
    }
    timing = word_timing(expand_formats(output_format or ["txt"]), wishes["word_timestamps"].value)
    recipe = RECIPES[Preset(wishes["preset"].value)]
    for name, wish in wishes.items():
        if wish.source != "default":
            console.detail(f"{name}: {wish.value} [{wish.source}]")
    setup = prepare(
        environment,
        console,
        flags,
        model_dir=model_dir,
        task=Task(wishes["task"].value),
        offline=wishes["offline"].value,
        max_memory_mb=keeping.max_memory_mb,
    )
    with served(setup, keeping, environment, waits=True) as serving:
        detection = vad_options(
            enabled=wishes["vad"].value,
            threshold=vad_threshold,
            min_speech_ms=vad_min_speech_ms,
            min_silence_ms=vad_min_silence_ms,
            pad_ms=vad_pad_ms,
        )

        # Decoding needs numpy: --help, a mistyped option and the worker do not wait for it.
        from echocli.audio.pipe import RawFormat
        from echocli.cli.batch import Batch
        from echocli.decoding.guards import Thresholds
        from echocli.decoding.pipeline import PipelineOptions
        from echocli.providers.base import DecodeOptions
        from echocli.runtime.offline import OfflineOptions
        from echocli.runtime.operating import OperatingPoint

        decode = DecodeOptions(
            language=setup.language,
            task=Task(wishes["task"].value),
            beam_size=wishes["beam_size"].value or recipe.beam_size,
            foreign_beam_size=wishes["beam_size"].value or recipe.foreign_beam_size,
            best_of=wishes["best_of"].value,
            patience=patience,
            length_penalty=length_penalty,
            initial_prompt=wishes["initial_prompt"].value,
            hotwords=wishes["hotwords"].value,
            suppress_tokens=parse_tokens(suppress_tokens),
            word_timestamps=timing.align,
        )
        refuse_ignored(setup.spec, decode)
        pipeline = replace(
            PipelineOptions.of(recipe),
            thresholds=Thresholds(
                compression_ratio=compression_ratio_threshold,
                log_prob=log_prob_threshold,
                no_speech=no_speech_threshold,
                temperatures=parse_temperatures(temperature, temperature_step),
            ),
            condition_on_previous_text=condition_on_previous_text,
            keep_words=timing.keep,
        )
        raw_format = RawFormat.parse(raw) if raw is not None else None
        point = OperatingPoint(
            setup.spec, decode.beam_size, decode.foreign_beam_size, 0, 0, partials=False
        )
        batch = Batch(
            environment,
            console,
            serving.service,
            OfflineOptions(decode, pipeline, detection, parts),
            layout,
            raw=raw_format,
            channel=channel,
            watch=serving.watch,
            adjuster=adjuster(
                setup,
                keeping,
                environment,
                serving.service,
                point,
                live=False,
                keeps_model=setup.sources["model"] != "recommendation",
                keeps_beam=any(
                    wishes[name].source != "default" for name in ("beam_size", "preset")
                ),
            ),
        )
        code = batch.run(plans, skip_existing=skip_existing)
    raise typer.Exit(code)
