"""From settings to the options of decoding, for files and for live sound."""

from __future__ import annotations

from dataclasses import replace

from echocli.api.decoding import WordTiming, parse_temperatures, parse_tokens
from echocli.api.setup import Setup
from echocli.audio.clip import WHOLE, Clip
from echocli.config import AUTO_CHUNKS, Chosen
from echocli.decoding.guards import Thresholds
from echocli.decoding.pipeline import PipelineOptions
from echocli.decoding.presets import RECIPES, Preset, Recipe
from echocli.errors import UsageError
from echocli.providers.base import DecodeOptions
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.offline import OfflineOptions
from echocli.runtime.operating import OperatingPoint
from echocli.types import SAMPLE_RATE, to_samples
from echocli.vad.endpointer import VadOptions
from echocli.vad.turns import TurnOptions

CHUNKS = (0.2, 30.0)
"""Bounds of ``chunk_seconds``: below, decoding does nothing else; above, no utterance is."""

HANGOVER_MS = 500
"""Silence after which an utterance is over, unless ``vad_min_silence_ms`` says otherwise."""


def recipe_of(chosen: Chosen) -> Recipe:
    """Return what the preset stands for."""
    return RECIPES[Preset(chosen["preset"])]


def decode_options(setup: Setup, *, align: bool) -> DecodeOptions:
    """Return how windows are decoded; ``align`` times every word."""
    chosen, recipe = setup.chosen, recipe_of(setup.chosen)
    with chosen.naming("suppress_tokens"):
        suppressed = parse_tokens(chosen["suppress_tokens"])
    return DecodeOptions(
        language=setup.language,
        task=setup.task,
        beam_size=chosen["beam_size"] or recipe.beam_size,
        foreign_beam_size=chosen["beam_size"] or recipe.foreign_beam_size,
        best_of=chosen["best_of"],
        patience=chosen["patience"],
        length_penalty=chosen["length_penalty"],
        initial_prompt=chosen["initial_prompt"],
        hotwords=chosen["hotwords"],
        suppress_tokens=suppressed,
        word_timestamps=align,
    )


def offline_options(setup: Setup, timing: WordTiming, parts: Clip = WHOLE) -> OfflineOptions:
    """Return how files are transcribed."""
    chosen = setup.chosen
    with chosen.naming("temperature_increment_on_fallback"):
        step = chosen["temperature_increment_on_fallback"]
        temperatures = parse_temperatures(chosen["temperature"], step)
    pipeline = replace(
        PipelineOptions.of(recipe_of(chosen)),
        thresholds=Thresholds(
            compression_ratio=chosen["compression_ratio_threshold"],
            log_prob=chosen["log_prob_threshold"],
            no_speech=chosen["no_speech_threshold"],
            temperatures=temperatures,
        ),
        condition_on_previous_text=chosen["condition_on_previous_text"],
        keep_words=timing.keep,
    )
    detection = _detection(chosen, chosen["vad_min_silence_ms"]) if chosen["vad"] else None
    return OfflineOptions(decode_options(setup, align=timing.align), pipeline, detection, parts)


def _detection(chosen: Chosen, min_silence_ms: int | None) -> VadOptions:
    """Return how speech is detected; what was left out keeps its default."""
    given = {
        "threshold": chosen["vad_threshold"],
        "min_speech_ms": chosen["vad_min_speech_ms"],
        "min_silence_ms": min_silence_ms,
        "pad_ms": chosen["vad_pad_ms"],
    }
    return VadOptions(**{key: value for key, value in given.items() if value is not None})


def offline_point(setup: Setup, decode: DecodeOptions) -> OperatingPoint:
    """Return how files are decoded while all is well."""
    return OperatingPoint(
        setup.spec, decode.beam_size, decode.foreign_beam_size, 0, 0, partials=False
    )


def live_options(setup: Setup, timing: WordTiming) -> LiveOptions:
    """Return how live sound is transcribed; raise ``UsageError`` for chunks that cannot be."""
    chosen, recipe = setup.chosen, recipe_of(setup.chosen)
    hangover = chosen["vad_min_silence_ms"]
    vad = _detection(chosen, HANGOVER_MS if hangover is None else hangover)
    decode = decode_options(setup, align=False)
    options = LiveOptions(
        decode=DecodeOptions(
            language=decode.language,
            task=decode.task,
            beam_size=decode.beam_size,
            foreign_beam_size=decode.foreign_beam_size,
            initial_prompt=decode.initial_prompt,
            hotwords=decode.hotwords,
        ),
        turns=TurnOptions.of(vad),
        tail=recipe.tail,
        pre_roll=vad.samples(vad.pad_ms),
        most_interval=round(setup.recommendation.chunk_seconds * SAMPLE_RATE),
        keep_words=timing.keep,
    )
    with chosen.naming("chunk_seconds"):
        return _at_intervals(options, chosen["chunk_seconds"])


def _at_intervals(options: LiveOptions, secs: float | str) -> LiveOptions:
    if secs == AUTO_CHUNKS:
        return options
    low, high = CHUNKS
    if isinstance(secs, str) or not low <= secs <= high:
        raise UsageError(f"--chunk-seconds {secs}: live speech needs {low:g} to {high:g}")
    every = to_samples(secs)
    return replace(options, first=every, least_interval=every, most_interval=every)


def live_point(setup: Setup, options: LiveOptions) -> OperatingPoint:
    """Return how live sound is decoded while all is well."""
    return OperatingPoint(
        setup.spec,
        options.decode.beam_size,
        options.decode.foreign_beam_size,
        options.least_interval,
        options.most_interval,
        discards=setup.chosen["drop_policy"] == "discard",
    )
