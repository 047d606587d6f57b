"""whisper.cpp on the samples: weights of eight bits, loaded providers, and what they hear."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec, Window
from echocli.providers.whisper_cpp import WhisperCpp
from echocli.types import SAMPLE_RATE, Samples

KETTLE = "The kettle is on, so please make yourself comfortable."
PLAIN = DecodeOptions(language="en", word_timestamps=False)
TAIL = 4 * SAMPLE_RATE

_ids = itertools.count()


def spec_of(path: Path, **changes: object) -> LoadSpec:
    return replace(LoadSpec("whisper-cpp", "tiny.en", str(path)), **changes)  # type: ignore[arg-type]


@contextmanager
def loaded(spec: LoadSpec) -> Iterator[WhisperCpp]:
    """Give a provider that has its weights, and take them back."""
    provider = WhisperCpp(spec)
    provider.load()
    yield provider
    provider.unload()


def window(samples: Samples, **changes: object) -> Window:
    made = Window(next(_ids), 0, samples, tail=TAIL)
    return replace(made, **changes)  # type: ignore[arg-type]


def hear(
    provider: WhisperCpp, samples: Samples, options: DecodeOptions = PLAIN, **changes: object
) -> Hypothesis:
    return provider.decode([window(samples, **changes)], options)[0]


def figures(found: Hypothesis) -> tuple[str, float, float]:
    return found.text, found.avg_logprob, found.no_speech_prob
