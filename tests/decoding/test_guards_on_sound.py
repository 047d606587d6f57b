"""Each guard with the real sound that fails without it, through the real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from echocli.audio.file import FileSource
from echocli.decoding.guards import Thresholds
from echocli.decoding.sequential import Sequential, SequentialOptions
from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.providers.faster_whisper import FasterWhisper
from echocli.runtime.hearing import Hearing
from echocli.types import SAMPLE_RATE, Samples
from echocli.vad.endpointer import VadOptions
from tests.conftest import Corpus

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> FasterWhisper:
    provider = FasterWhisper(LoadSpec("faster-whisper", "tiny.en", str(tiny_model), threads=2))
    provider.load()
    return provider


def read(path: Path) -> Samples:
    with FileSource(path) as source:
        return np.concatenate(list(source.blocks()))


def words(
    model: FasterWhisper,
    sound: Samples,
    vad: VadOptions | None,
    limits: Thresholds,
) -> str:
    """Transcribe in this process; sampling is off so that a test takes seconds."""
    hearing, sequence = Hearing(vad), Sequential(SequentialOptions(thresholds=limits))
    heard = hearing.hear(sound)
    sequence.feed(heard.samples, heard.closed, heard.open_start, heard.decided)
    sequence.finish(hearing.finish())
    texts: list[str] = []
    while (window := sequence.request()) is not None:
        (hypothesis,) = model.decode([window], DecodeOptions())
        texts += [segment.text for segment in sequence.accept(hypothesis)]
    return " ".join(texts)


def test_digital_silence_without_voice_detection_gives_no_words(model: FasterWhisper) -> None:
    silence = np.zeros(30 * SAMPLE_RATE, np.float32)
    assert words(model, silence, None, Thresholds(evidence=None, temperatures=(0.0,))) != ""
    assert words(model, silence, None, Thresholds(temperatures=(0.0,))) == ""


def test_murmur_that_passes_for_speech_gives_no_words(model: FasterWhisper, corpus: Corpus) -> None:
    sound = read(corpus["noise_office_ambience"].path)
    trusting = Thresholds(None, None, None, None, (0.0,))
    assert "I'm not sure" in words(model, sound, VadOptions(), trusting)
    assert words(model, sound, VadOptions(), Thresholds(temperatures=(0.0,))) == ""


def test_the_next_window_starts_behind_the_last_word_not_at_the_last_timestamp(
    model: FasterWhisper, corpus: Corpus
) -> None:
    """Here the model's timestamp lies most of a second behind its last word."""
    start = round(26.25 * SAMPLE_RATE)
    sound = read(corpus["en_lj001_chapter"].path)[start : start + 30 * SAMPLE_RATE]
    believing, checking = (
        model.decode([Window(number, start, sound)], DecodeOptions(word_timestamps=aligned))[0]
        for number, aligned in enumerate((False, True))
    )
    assert believing.text == checking.text
    assert believing.consumed - checking.consumed > SAMPLE_RATE // 2


def test_one_syllable_survives_the_guards(model: FasterWhisper, corpus: Corpus) -> None:
    for clip in ("en_cv_no", "en_cv_firefox"):
        assert words(model, read(corpus[clip].path), VadOptions(), Thresholds())
