"""whisper.cpp loads weights and hears speech: texts with figures, words with times, each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from echocli.errors import ModelError
from echocli.providers.base import LoadSpec, Window
from echocli.providers.whisper_cpp import WhisperCpp
from echocli.providers.whisper_cpp_hearing import ALL_POSITIONS, positions_of
from echocli.providers.whisper_cpp_model import KEYS_GRID
from echocli.types import SAMPLE_RATE, Samples
from tests.providers.whisper_cpp_hearing import (
    KETTLE,
    PLAIN,
    TAIL,
    figures,
    hear,
    loaded,
    spec_of,
    window,
)

pytestmark = pytest.mark.model

pytest.importorskip("_pywhispercpp", reason="the extra `whisper-cpp` is not installed")


@pytest.fixture(scope="module")
def tiny(weights: Path) -> Iterator[WhisperCpp]:
    with loaded(spec_of(weights, slots=2)) as provider:
        yield provider


def test_speech_becomes_text_with_its_figures(tiny: WhisperCpp, kettle: Samples) -> None:
    found = hear(tiny, kettle)
    assert found.text.strip() == KETTLE
    assert -0.8 < found.avg_logprob < 0
    assert found.no_speech_prob < 0.5
    assert found.evidence is None
    assert (found.language, found.language_probability) == ("en", 1.0)
    assert 3 * SAMPLE_RATE < found.consumed <= len(kettle)
    assert found.decode_ms > 1


def test_noise_is_doubted(tiny: WhisperCpp) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 5 * SAMPLE_RATE).astype(np.float32)
    found = hear(tiny, noise)
    assert found.no_speech_prob > 0.6
    assert found.evidence is None or found.evidence < 1.5


def test_the_report_says_what_was_loaded(weights: Path) -> None:
    provider = WhisperCpp(spec_of(weights))
    report = provider.load()
    assert (report.multilingual, report.device, report.compute_type) == (False, "cpu", "q8_0")
    assert set(report.phases_ms) == {"convert", "import", "weights"}
    assert report.notices == ()
    provider.unload()
    provider.unload()


def test_without_a_gpu_it_decodes_on_the_processor_and_says_so(weights: Path) -> None:
    provider = WhisperCpp(spec_of(weights, device="metal"))
    report = provider.load()
    provider.unload()
    if report.device == "metal":
        pytest.skip("there is a GPU here")
    assert report.device == "cpu"
    assert "no GPU" in report.notices[0]


def test_a_ctranslate2_directory_is_converted(
    tiny_model: Path, kettle: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOCLI_DATA_DIR", str(tmp_path))
    provider = WhisperCpp(spec_of(tiny_model, compute_type="int8"))
    assert provider.load().compute_type == "q8_0"
    assert hear(provider, kettle).text.strip() == KETTLE
    provider.unload()
    assert [path.name for path in (tmp_path / "models").glob("*.bin")] == ["ggml-tiny.en-q8_0.bin"]


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "missing"])
def test_a_file_that_is_no_model_is_refused_and_named(
    weights: Path, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "ggml-broken.bin"
    if kind == "text":
        path.write_text("this is not a model\n" * 100)
    elif kind != "missing":
        path.write_bytes(weights.read_bytes()[: 2_000_000 if kind == "cut" else 0])
    with pytest.raises(ModelError, match="ggml-broken"):
        WhisperCpp(spec_of(path)).load()


def test_words_lie_in_order_within_the_window_and_make_the_text(
    tiny: WhisperCpp, meeting: Samples
) -> None:
    options = replace(PLAIN, word_timestamps=True)
    found = hear(tiny, meeting[: 12 * SAMPLE_RATE], options)
    words = [word for piece in found.pieces for word in piece.words or ()]
    assert "".join(word.text for word in words) == found.text
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[-1] <= 12 * SAMPLE_RATE
    assert all(0 < word.probability <= 1 for word in words)


def test_a_word_said_is_near_its_time(tiny: WhisperCpp, meeting: Samples) -> None:
    found = hear(tiny, meeting[: 12 * SAMPLE_RATE], replace(PLAIN, word_timestamps=True))
    ends = {w.text.strip(): w.end / SAMPLE_RATE for p in found.pieces for w in p.words or ()}
    # By alignment with faster-whisper.
    for word, end in {"morning": 1.34, "thank": 2.12, "joining": 2.70, "short": 3.24}.items():
        assert ends[word] == pytest.approx(end, abs=0.3)


@pytest.mark.parametrize("length", [0, 1, 100, SAMPLE_RATE // 2])
def test_a_window_shorter_than_a_second_is_no_trouble(tiny: WhisperCpp, length: int) -> None:
    found = hear(tiny, np.zeros(length, np.float32))
    assert all(0 <= piece.start <= piece.end <= length for piece in found.pieces)


def test_what_was_decoded_before_does_not_change_a_text(
    weights: Path, kettle: Samples, meeting: Samples
) -> None:
    provider = WhisperCpp(spec_of(weights))
    provider.load()
    fresh = [figures(hear(provider, kettle)), figures(hear(provider, kettle, tail=None))]
    for tail in (TAIL, 0, None):
        hear(provider, meeting[: 18 * SAMPLE_RATE], tail=tail)
    assert [figures(hear(provider, kettle)), figures(hear(provider, kettle, tail=None))] == fresh
    provider.unload()


@pytest.mark.parametrize("changes", [{"temperature": 0.8}, {"beam_size": 5}])
def test_a_draw_can_be_repeated(
    tiny: WhisperCpp, kettle: Samples, meeting: Samples, changes: dict[str, object]
) -> None:
    options = replace(PLAIN, best_of=2)
    first = hear(tiny, kettle, options, **changes)
    hear(tiny, meeting[: 5 * SAMPLE_RATE], options, **changes)
    assert figures(hear(tiny, kettle, options, **changes)) == figures(first)


def test_windows_side_by_side_give_what_they_give_alone(
    tiny: WhisperCpp, kettle: Samples, meeting: Samples
) -> None:
    sounds = [kettle, meeting[: 8 * SAMPLE_RATE], kettle, meeting[5 * SAMPLE_RATE :]]
    alone = [figures(hear(tiny, samples)) for samples in sounds]
    assert [figures(it) for it in tiny.decode([window(s) for s in sounds], PLAIN)] == alone


def test_the_encoder_sees_a_window_at_its_own_length() -> None:
    def positions(secs: float, tail: int | None) -> int:
        return positions_of(Window(0, 0, np.zeros(int(secs * SAMPLE_RATE), np.float32), tail=tail))

    assert positions(5, 0) == KEYS_GRID
    assert positions(5.2, 0) == 2 * KEYS_GRID
    assert positions(8, TAIL) == positions(8, 2 * TAIL) == 3 * KEYS_GRID
    assert positions(29, TAIL) == positions(1, None) == ALL_POSITIONS


def test_a_store_that_cannot_be_written_costs_a_conversion_each_time(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("ECHOCLI_DATA_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    provider = WhisperCpp(LoadSpec("whisper-cpp", "tiny.en", str(tiny_model), compute_type="q8_0"))
    try:
        assert provider.load().compute_type == "q8_0"
    finally:
        provider.unload()
    assert list(folder.iterdir()) == []
