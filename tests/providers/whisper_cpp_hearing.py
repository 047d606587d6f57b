"""whisper.cpp on the samples: weights of eight bits, loaded providers, and what they hear."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from echocli.audio.file import FileSource
from echocli.models.converted import ggml_of
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec, Window
from echocli.providers.whisper_cpp import WhisperCpp
from echocli.types import SAMPLE_RATE, Samples

KETTLE = "The kettle is on, so please make yourself comfortable."
PLAIN = DecodeOptions(language="en", word_timestamps=False)
TAIL = 4 * SAMPLE_RATE

_ids = itertools.count()

MADE: dict[Path, Path] = {}
"""Files of eight bits by what they were made from: once in a process, whoever wants them."""


def eight_bits(source: Path, model: str, places: pytest.TempPathFactory) -> Path:
    """Return weights as a GGML file of eight bits."""
    pytest.importorskip("_pywhispercpp", reason="the extra `whisper-cpp` is not installed")
    if source not in MADE:
        MADE[source] = ggml_of(source, model, places.mktemp("store"), quantisation="q8_0")
    return MADE[source]


def spec_of(path: Path, **changes: object) -> LoadSpec:
    return replace(LoadSpec("whisper-cpp", "tiny.en", str(path)), **changes)  # type: ignore[arg-type]


@contextmanager
def loaded(spec: LoadSpec) -> Iterator[WhisperCpp]:
    """Give a provider that has its weights, and take them back."""
    provider = WhisperCpp(spec)
    provider.load()
    yield provider
    provider.unload()


def kettle_of(samples: Path) -> Samples:
    """Return six seconds: "The kettle is on, so please make yourself comfortable."."""
    return sound(samples / "pauses.flac")[: 6 * SAMPLE_RATE]


def sound(path: Path) -> Samples:
    with FileSource(path) as source:
        return np.concatenate(list(source.blocks()))


def window(samples: Samples, **changes: object) -> Window:
    made = Window(next(_ids), 0, samples, tail=TAIL)
    return replace(made, **changes)  # type: ignore[arg-type]


def hear(
    provider: WhisperCpp, samples: Samples, options: DecodeOptions = PLAIN, **changes: object
) -> Hypothesis:
    return provider.decode([window(samples, **changes)], options)[0]


def figures(found: Hypothesis) -> tuple[str, float, float]:
    return found.text, found.avg_logprob, found.no_speech_prob


def base_weights(places: pytest.TempPathFactory) -> Path:
    """Return the multilingual base as a GGML file of eight bits, or skip without it."""
    folder = os.environ.get("ECHOCLI_TEST_MODELS")
    source = Path(folder or ".") / "base"
    if not folder or not (source / "model.bin").is_file():
        pytest.skip("ECHOCLI_TEST_MODELS names no folder with the base model")
    return eight_bits(source, "base", places)
