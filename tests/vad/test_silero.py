from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from echocli.types import Samples, Span
from echocli.vad.endpointer import Endpointer, VadOptions
from echocli.vad.silero import FRAME, Silero, VadError
from tests.conftest import Corpus
from tests.sounds import read

pytestmark = pytest.mark.unit

SHORT = [
    "en_cv_no",
    "en_cv_firefox",
    "en_lj002_0020",
    "en_brooklyn_silence_padded",
    "en_weather_mulaw",
    "en_onetwothree_stereo_16_bit_aiff",
    "en_onetwothree_mono_8_bit_wav",
]
SPEECHLESS = [
    "noise_speechbrain_1",
    "noise_speechbrain_2",
    "noise_speechbrain_3",
    "noise_keyboard",
    "silence_ina_2s",
    "silence_digital_30s",
    "tone_dtmf_stereo",
    "music_musan",
]


def spans(samples: Samples) -> list[Span]:
    silero, pointer = Silero(), Endpointer(VadOptions())
    found = pointer.feed(silero.probabilities(samples)) + pointer.feed(silero.flush())
    return found + pointer.finish(len(samples))


def noise(count: int) -> Samples:
    return (0.1 * np.random.default_rng(0).standard_normal(count)).astype(np.float32)


def pieces(samples: Samples) -> Iterator[Samples]:
    sizes, at = np.random.default_rng(1).integers(0, 3_000, 10_000), 0
    for size in sizes:
        yield samples[at : at + size]
        at += int(size)
        if at >= len(samples):
            return


def both_ways(samples: Samples) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    one, many = Silero(), Silero()
    whole = np.concatenate([one.probabilities(samples), one.flush()])
    parts = [many.probabilities(piece) for piece in pieces(samples)]
    return whole, np.concatenate([*parts, many.flush()])


def test_cutting_the_sound_does_not_change_the_probabilities() -> None:
    whole, parts = both_ways(noise(40_000))
    assert len(whole) == -(-40_000 // FRAME)
    np.testing.assert_allclose(whole, parts, atol=1e-5)


def test_nothing_gives_no_probability_and_silence_a_low_one() -> None:
    silero = Silero()
    assert len(silero.probabilities(np.zeros(0, np.float32))) == 0
    assert len(silero.flush()) == 0
    assert silero.probabilities(np.zeros(16_000, np.float32)).max() < 0.2


def test_reset_forgets_what_was_heard() -> None:
    silero = Silero()
    first = silero.probabilities(noise(5_000))
    silero.reset()
    np.testing.assert_array_equal(first, silero.probabilities(noise(5_000)))


def test_weights_that_are_missing_or_broken_are_a_vad_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    for path in (broken, tmp_path / "missing.onnx"):
        with pytest.raises(VadError, match="could not be loaded"):
            Silero(path)


def test_cutting_real_speech_does_not_change_the_probabilities(corpus: Corpus) -> None:
    whole, parts = both_ways(read(corpus["en_lj001_0001"].path))
    np.testing.assert_allclose(whole, parts, atol=1e-4)


@pytest.mark.parametrize("name", SHORT)
def test_short_speech_survives(corpus: Corpus, name: str) -> None:
    samples = read(corpus[name].path)
    energy = np.square(samples, dtype=np.float64)
    found = spans(samples)
    inside = sum(energy[span.start : span.end].sum() for span in found)
    assert inside > 0.98 * energy.sum()


@pytest.mark.parametrize("name", SPEECHLESS)
def test_sound_without_speech_gives_no_span(corpus: Corpus, name: str) -> None:
    assert spans(read(corpus[name].path)) == []


@pytest.mark.parametrize(
    ("name", "share"), [("en_lj001_chapter", 0.9999), ("en_long_pauses_public", 0.98)]
)
def test_true_segments_lie_inside_spans(corpus: Corpus, name: str, share: float) -> None:
    # The segments of the second clip begin and end with the room tone of their recordings.
    samples = read(corpus[name].path)
    energy = np.square(samples, dtype=np.float64)
    inside = np.zeros(len(samples), bool)
    for span in spans(samples):
        inside[span.start : span.end] = True
    for segment in corpus[name].facts["segments"]:
        part = slice(round(segment["start"] * 16_000), round(segment["end"] * 16_000))
        assert energy[part][inside[part]].sum() > (share - 0.05) * energy[part].sum(), segment
    assert energy[inside].sum() > share * energy.sum()
