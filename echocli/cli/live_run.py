"""Run live sources as the command line asks: what ``live`` and ``transcribe --mic`` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from echocli.audio.stopping import StopRule
from echocli.cli.decoding import vad_options, word_timing
from echocli.cli.fallbacks import standins
from echocli.cli.keeping_up import Wishes, adjuster, served, wishes_of
from echocli.cli.live_sources import EXAMPLE, Wanted, captures
from echocli.cli.session import MODEL_FLAGS, Setup, prepare
from echocli.cli.stopping import stopping
from echocli.cli.weights import WEIGHT_FLAGS, refuse_too_slow
from echocli.config import AUTO_CHUNKS, Settings
from echocli.decoding.presets import RECIPES, Preset
from echocli.environment import Environment
from echocli.errors import ExitCode, TranscriptionError, UsageError
from echocli.events import Final
from echocli.output.console import Console
from echocli.output.live_view import LiveFigures
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import expand_formats
from echocli.types import SAMPLE_RATE, Task, to_samples

if TYPE_CHECKING:
    from echocli.runtime.live_options import LiveOptions
    from echocli.runtime.operating import OperatingPoint
    from echocli.runtime.resting import Resting
    from echocli.runtime.service import Service

CHUNKS = (0.2, 30.0)
"""Bounds of ``--chunk-seconds``: below, decoding does nothing else; above, no utterance is."""

HANGOVER_MS = 500
"""Silence after which an utterance is over, unless ``--vad-min-silence-ms`` says otherwise."""

DEFAULTS: Mapping[str, Any] = {
    "task": Task.TRANSCRIBE,
    "offline": False,
    "vad": True,
    "preset": Preset.BALANCED,
    "beam_size": None,
    "chunk_seconds": AUTO_CHUNKS,
    "initial_prompt": None,
    "hotwords": None,
    "word_timestamps": False,
}

DETECTION = ("vad_threshold", "vad_min_speech_ms", "vad_min_silence_ms", "vad_pad_ms")
"""Parameters that say what speech is."""


@dataclass(frozen=True, slots=True)
class LiveWishes:
    """What was typed; ``None`` in a mapping leaves it to environment, file and recommendation."""

    flags: Mapping[str, object]
    """What decides which model is loaded."""
    settings: Mapping[str, object]
    detection: Mapping[str, float | None]
    model_dir: Path | None
    stop_after: str | None
    output_dir: Path | None
    formats: tuple[str, ...]
    layout: WriteOptions


OFFLINE_ONLY = ("files", "skip_existing", "clip", "clip_timestamps", "condition_on_previous_text")
"""Parameters of ``transcribe`` that a microphone has no use for."""


def live_from(ctx: typer.Context, environment: Environment, console: Console) -> ExitCode:
    """Run what the parameters of ``live`` or ``transcribe`` say; the two share their names."""
    given: dict[str, Any] = ctx.params
    for name in OFFLINE_ONLY:
        if given.get(name):
            option = "a file" if name == "files" else "--" + name.replace("_", "-")
            raise UsageError(f"{option} and --mic do not go together", hint=EXAMPLE)
    wanted = Wanted(
        mic=given["mic"],
        devices=tuple(given["input_device"] or ()),
        file=given.get("file"),
        pace=given.get("pace", False),
        stdin=given.get("stdin") is not None,
        raw=given["raw"],
        channel=given["channel"],
        record=_path(given["record"]),
    )
    wishes = LiveWishes(
        flags={name: given.get(name) for name in (*MODEL_FLAGS, *WEIGHT_FLAGS)},
        settings={name: given[name] for name in DEFAULTS},
        detection={name.removeprefix("vad_"): given[name] for name in DETECTION},
        model_dir=_path(given["model_dir"]),
        stop_after=given["stop_after"],
        output_dir=_path(given["output_dir"]),
        formats=tuple(given["output_format"] or ()),
        layout=WriteOptions(
            given["max_line_width"], given["max_line_count"], given["max_words_per_line"]
        ),
    )
    return run_live(environment, console, wanted, wishes, wishes_of(environment, given))


def _path(value: Any) -> Path | None:
    """Return a parameter as a path; Typer converts it only for the command itself."""
    return None if value is None else Path(value)


def run_live(
    environment: Environment,
    console: Console,
    wanted: Wanted,
    wishes: LiveWishes,
    keeping: Wishes,
) -> ExitCode:
    """Listen until the source ends or somebody stops it; the exit code that tells how it went."""
    rule = StopRule.parse(wishes.stop_after) if wishes.stop_after is not None else StopRule()
    formats = _formats(wishes)
    chosen = _choose(environment, console, wishes)
    if rule.silence is not None and not chosen["vad"]:
        raise UsageError("--stop-after silence: needs voice detection", hint="leave --no-vad out")
    setup = prepare(
        environment,
        console,
        wishes.flags,
        model_dir=wishes.model_dir,
        task=Task(chosen["task"]),
        offline=chosen["offline"],
        max_memory_mb=keeping.max_memory_mb,
    )
    in_step = wanted.file is not None and not wanted.pace
    for spec in (setup.spec, *standins(setup, environment, keeping.fallback, english=True).next):
        refuse_too_slow(spec)
    with (
        served(setup, keeping, environment, waits=in_step) as serving,
        captures(wanted, environment) as sources,
    ):
        from echocli.cli.live_output import outputs
        from echocli.runtime.live_run import Live
        from echocli.runtime.spool import Spool

        options = _options(chosen, setup, wishes, formats)
        point = replace(_point(options, setup), discards=keeping.drop_policy == "discard")
        live = Live(
            sources,
            serving.service,
            options,
            clock=environment.clock,
            detect=chosen["vad"],
            stop=rule,
            in_step=in_step,
            can_wait=wanted.stdin,
            adjuster=adjuster(setup, keeping, environment, serving.service, point, live=True),
            watch=serving.watch,
            resting=_resting(serving.service, keeping.unload_after),
            spool=Spool() if keeping.drop_policy == "spool" and not in_step else None,
        )
        names = [source.name for source in sources]
        with (
            outputs(
                environment,
                console,
                names,
                formats,
                wishes.output_dir,
                wishes.layout,
                setup.spec,
            ) as output,
            stopping(live, environment.clock) as stopped,
        ):
            latency: float | None = None
            try:
                for event in live.events():
                    if isinstance(event, Final):
                        latency = live.latency_ms(event.segment.source)
                    figures = LiveFigures(live.position, live.load, latency, live.level)
                    output.event(event, figures)
            finally:
                output.close()
                if live.kept is not None:
                    where, secs = live.kept
                    text = f"{secs:.1f} s of speech that was not decoded are kept in {where}"
                    hint = f"echocli transcribe {where}/*.wav"
                    console.error(TranscriptionError(text, hint=hint))
        errors = [error for one in sources if (error := getattr(one, "error", None))]
        for error in [*errors, *output.errors]:
            console.error(error)
        if errors or output.errors:
            return ExitCode.FAILED
        return _code(wanted, stopped=bool(stopped), whole=not output.collected.gaps)


def _resting(service: Service, after: float) -> Resting | None:
    """Return what lets go of the model after so many seconds of silence; 0 is never."""
    from echocli.runtime.resting import Resting

    return Resting(service, after) if after else None


def _formats(wishes: LiveWishes) -> tuple[str, ...]:
    """Return what to write: text unless something else is asked for."""
    formats = expand_formats(wishes.formats or ("txt",))
    if wishes.output_dir is None and len(formats) > 1:
        raise UsageError(
            f"standard output takes one format, not {len(formats)}",
            hint="add --output-dir DIR to write files",
        )
    return formats


def _code(wanted: Wanted, *, stopped: bool, whole: bool) -> ExitCode:
    if wanted.listens:
        return ExitCode.OK  # that somebody ends it is how it ends, and lost sound was stated
    if stopped:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if whole else ExitCode.FAILED


def _choose(environment: Environment, console: Console, wishes: LiveWishes) -> dict[str, Any]:
    settings = Settings(environment)
    chosen = {}
    for name, default in DEFAULTS.items():
        setting = settings.get(name, wishes.settings.get(name), default)
        chosen[name] = setting.value
        if setting.source != "default":
            console.detail(f"{name}: {setting.value} [{setting.source}]")
    return chosen


def _options(
    chosen: Mapping[str, Any], setup: Setup, wishes: LiveWishes, formats: tuple[str, ...]
) -> LiveOptions:
    from echocli.providers.base import DecodeOptions
    from echocli.runtime.live_options import LiveOptions
    from echocli.vad.turns import TurnOptions

    recipe = RECIPES[Preset(chosen["preset"])]
    given = {**wishes.detection}
    if given["min_silence_ms"] is None:
        given["min_silence_ms"] = HANGOVER_MS
    vad = vad_options(
        enabled=True,
        threshold=given.get("threshold"),
        min_speech_ms=given.get("min_speech_ms"),
        min_silence_ms=given["min_silence_ms"],
        pad_ms=given.get("pad_ms"),
    )
    assert vad is not None
    options = LiveOptions(
        decode=DecodeOptions(
            language=setup.language,
            task=Task(chosen["task"]),
            beam_size=chosen["beam_size"] or recipe.beam_size,
            foreign_beam_size=chosen["beam_size"] or recipe.foreign_beam_size,
            initial_prompt=chosen["initial_prompt"],
            hotwords=chosen["hotwords"],
        ),
        turns=TurnOptions.of(vad),
        tail=recipe.tail,
        pre_roll=vad.samples(vad.pad_ms),
        most_interval=round(setup.recommendation.chunk_seconds * SAMPLE_RATE),
        keep_words=word_timing(formats, chosen["word_timestamps"]).keep,
    )
    if chosen["chunk_seconds"] == AUTO_CHUNKS:
        return options
    if not CHUNKS[0] <= chosen["chunk_seconds"] <= CHUNKS[1]:
        raise UsageError(
            f"--chunk-seconds {chosen['chunk_seconds']:g}: live speech needs "
            f"{CHUNKS[0]:g} to {CHUNKS[1]:g}"
        )
    every = to_samples(chosen["chunk_seconds"])
    return replace(options, first=every, least_interval=every, most_interval=every)


def _point(options: LiveOptions, setup: Setup) -> OperatingPoint:
    """Return how it is done while all is well."""
    from echocli.runtime.operating import OperatingPoint

    return OperatingPoint(
        setup.spec,
        options.decode.beam_size,
        options.decode.foreign_beam_size,
        options.least_interval,
        options.most_interval,
    )
