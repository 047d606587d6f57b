from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from echocli.audio.file import FileSource
from echocli.errors import ModelError, UsageError
from echocli.models.converted import ggml_of
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec, Window
from echocli.providers.whisper_cpp import WhisperCpp
from echocli.providers.whisper_cpp_hearing import ALL_POSITIONS, positions_of
from echocli.providers.whisper_cpp_limits import unsupported
from echocli.providers.whisper_cpp_model import KEYS_GRID
from echocli.providers.whisper_cpp_text import Vocabulary
from echocli.runtime.spawning import child_environment
from echocli.runtime.worker import Worker
from echocli.types import SAMPLE_RATE, Samples, Task
from tests.conftest import Corpus

pytestmark = pytest.mark.model

pytest.importorskip("_pywhispercpp", reason="the extra `whisper-cpp` is not installed")

KETTLE = "The kettle is on, so please make yourself comfortable."
PLAIN = DecodeOptions(language="en", word_timestamps=False)
TAIL = 4 * SAMPLE_RATE
HIGHEST_MB = 300
"""Resident memory of a worker with the base model."""
MOST_MB = 400
"""The same while guards have it decode with several beams."""

_ids = itertools.count()


@pytest.fixture(scope="session")
def weights(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundled tiny.en as a GGML file of eight bits."""
    pytest.importorskip("_pywhispercpp", reason="the extra `whisper-cpp` is not installed")
    store = tmp_path_factory.mktemp("store")
    return ggml_of(tiny_model, "tiny.en", store, quantisation="q8_0")


def spec_of(path: Path, **changes: object) -> LoadSpec:
    return replace(LoadSpec("whisper-cpp", "tiny.en", str(path)), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tiny(weights: Path) -> Iterator[WhisperCpp]:
    provider = WhisperCpp(spec_of(weights, slots=2))
    provider.load()
    yield provider
    provider.unload()


@pytest.fixture(scope="module")
def kettle(samples: Path) -> Samples:
    """Return six seconds: "The kettle is on, so please make yourself comfortable."."""
    return sound(samples / "pauses.flac")[: 6 * SAMPLE_RATE]


@pytest.fixture(scope="module")
def meeting(samples: Path) -> Samples:
    return sound(samples / "meeting.flac")


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
    fresh = [_of(hear(provider, kettle)), _of(hear(provider, kettle, tail=None))]
    for tail in (TAIL, 0, None):
        hear(provider, meeting[: 18 * SAMPLE_RATE], tail=tail)
    assert [_of(hear(provider, kettle)), _of(hear(provider, kettle, tail=None))] == fresh
    provider.unload()


@pytest.mark.parametrize("changes", [{"temperature": 0.8}, {"beam_size": 5}])
def test_a_draw_can_be_repeated(
    tiny: WhisperCpp, kettle: Samples, meeting: Samples, changes: dict[str, object]
) -> None:
    options = replace(PLAIN, best_of=2)
    first = hear(tiny, kettle, options, **changes)
    hear(tiny, meeting[: 5 * SAMPLE_RATE], options, **changes)
    assert _of(hear(tiny, kettle, options, **changes)) == _of(first)


def _of(found: Hypothesis) -> tuple[str, float, float]:
    return found.text, found.avg_logprob, found.no_speech_prob


def test_windows_side_by_side_give_what_they_give_alone(
    tiny: WhisperCpp, kettle: Samples, meeting: Samples
) -> None:
    sounds = [kettle, meeting[: 8 * SAMPLE_RATE], kettle, meeting[5 * SAMPLE_RATE :]]
    alone = [_of(hear(tiny, samples)) for samples in sounds]
    assert [_of(it) for it in tiny.decode([window(s) for s in sounds], PLAIN)] == alone


def test_a_prompt_changes_what_is_written(tiny: WhisperCpp, meeting: Samples) -> None:
    lower = "the words are all lower case there is no punctuation here okay"
    plain = hear(tiny, meeting[: 6 * SAMPLE_RATE]).text
    prompted = hear(tiny, meeting[: 6 * SAMPLE_RATE], replace(PLAIN, initial_prompt=lower)).text
    assert prompted != plain
    assert prompted.casefold().split()[:3] == plain.casefold().split()[:3]


PROMPTS = """
import sys
import numpy as np
from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.providers.whisper_cpp import WhisperCpp

provider = WhisperCpp(LoadSpec("whisper-cpp", "tiny.en", sys.argv[1], slots=2))
provider.load()
prompts = ["a" * 200_000, "word " * 50_000, "日本" * 20_000, "x\\x00y \\ud800", " ", "\\n\\n"]
prompts += [f"Kubernetes {number} " + "etcd " * number * 9 for number in range(5)]
for prompt in prompts:
    options = DecodeOptions(initial_prompt=prompt, hotwords=prompt, word_timestamps=False)
    windows = [Window(n, 0, np.zeros(100, np.float32), tail=0) for n in range(2)]
    assert len(provider.decode(windows, options)) == 2
provider.unload()
print("survived")
"""


def test_no_prompt_ends_the_process(weights: Path) -> None:
    """whisper.cpp's own tokenizer runs out of stack on the first of them."""
    done = subprocess.run(
        [sys.executable, "-c", PROMPTS, str(weights)],
        capture_output=True,
        timeout=240,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (0, b"survived\n"), done.stderr.decode()[-500:]


def test_text_becomes_the_tokens_of_the_models_own_tokenizer(
    tiny: WhisperCpp, tiny_model: Path
) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    real = tokenizers.Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    model = tiny._loaded
    vocabulary = Vocabulary(model.bytes_of, model.tokens.end)
    for text in (
        " Hello, it's 2025; we'll meet at 3:30!",
        " naïve café — ½",
        "  a\n\tb",
        " 日本語",
    ):
        found = list(vocabulary.encode(text))
        assert found == real.encode(text, add_special_tokens=False).ids
        assert vocabulary.decode(found) == text


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, []),
        ({"beam_size": 8, "best_of": 8}, []),
        ({"repetition_penalty": 1.2}, ["--repetition-penalty"]),
        ({"no_repeat_ngram_size": 3}, ["--no-repeat-ngram-size"]),
        ({"patience": 2.0}, ["--patience"]),
        ({"suppress_tokens": (1, 2)}, ["--suppress-tokens"]),
        ({"best_of": 9}, ["--best-of above 8"]),
        ({"beam_size": 9}, ["--beam-size above 8"]),
        ({"foreign_beam_size": 9}, ["--beam-size above 8"]),
    ],
)
def test_what_it_goes_without_is_named(changes: dict[str, object], named: list[str]) -> None:
    assert unsupported(replace(DecodeOptions(), **changes)) == named  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "temperature"),
    [
        ({"repetition_penalty": 1.2, "no_repeat_ngram_size": 3, "patience": 2.0}, 0.0),
        ({"suppress_tokens": (1, 2)}, 0.0),
        ({"beam_size": 9}, 0.0),
        ({"best_of": 9}, 0.2),
    ],
)
def test_options_of_another_provider_do_not_end_the_run(
    tiny: WhisperCpp, kettle: Samples, changes: dict[str, object], temperature: float
) -> None:
    options = replace(PLAIN, **changes)  # type: ignore[arg-type]
    assert "kettle" in hear(tiny, kettle, options, temperature=temperature).text


def test_what_it_goes_without_is_known_without_the_library() -> None:
    code = (
        "import sys, echocli.providers.whisper_cpp_limits as it; it.unsupported;"
        "print({'numpy', '_pywhispercpp'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_text_drawn_hot_is_as_probable_as_the_model_finds_it(
    tiny: WhisperCpp, kettle: Samples
) -> None:
    options = replace(PLAIN, word_timestamps=True, best_of=1)
    plain, cold = hear(tiny, kettle, options), hear(tiny, kettle, options, temperature=0.01)
    assert cold.text == plain.text
    assert cold.avg_logprob == pytest.approx(plain.avg_logprob, abs=0.05)
    assert _sureness(cold) == pytest.approx(_sureness(plain), abs=0.05)
    assert _sureness(cold).min() < 0.9


def _sureness(found: Hypothesis) -> NDArray[np.float64]:
    return np.array([word.probability for piece in found.pieces for word in piece.words or ()])


def test_a_prompt_counts_for_the_probability_of_a_text_drawn_hot(
    tiny: WhisperCpp, kettle: Samples
) -> None:
    options = replace(PLAIN, initial_prompt=KETTLE, best_of=1)
    cold = hear(tiny, kettle, options, temperature=0.01)
    assert cold.avg_logprob == pytest.approx(hear(tiny, kettle, options).avg_logprob, abs=0.05)


def test_token_ids_of_a_larger_vocabulary_are_left_out(tiny: WhisperCpp, kettle: Samples) -> None:
    known = (1002, 13)
    among = hear(tiny, kettle, previous=(51_864, *known, 51_865))
    assert _of(among) == _of(hear(tiny, kettle, previous=known))


ABORT = """
import sys
from echocli.providers.base import LoadSpec
from echocli.providers.whisper_cpp import WhisperCpp

provider = WhisperCpp(LoadSpec("whisper-cpp", "tiny.en", sys.argv[1]))
provider.load()
with provider._state() as state:
    state.logits([10**6], 0)
"""


def test_the_last_word_of_a_process_that_aborts_is_the_cause(weights: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ABORT, str(weights)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=child_environment(),
    )
    assert done.returncode < 0
    assert "GGML_ASSERT" in done.stderr.splitlines()[-1]


def test_more_slots_are_threads_of_two_states(weights: Path) -> None:
    provider = WhisperCpp(spec_of(weights, slots=4, threads=1))
    assert (provider.spec.slots, provider.spec.threads) == (2, 2)
    assert WhisperCpp(spec_of(weights, slots=3, threads=0)).spec.threads == 0
    provider.load()
    assert provider._states.qsize() == 2
    provider.unload()


@pytest.fixture(scope="module")
def plain_peaks(weights: Path, kettle: Samples) -> list[int]:
    """Return the bytes of one slot and of two with one decoder each."""
    return [_peak(weights, kettle, slots, {}) for slots in (1, 2)]


@pytest.mark.parametrize("changes", [{"beam_size": 5}, {"temperature": 0.2}])
def test_one_window_at_a_time_has_several_decoders(
    weights: Path, kettle: Samples, plain_peaks: list[int], changes: dict[str, object]
) -> None:
    """Their keys and values take 16 MB a slot (tiny.en)."""
    peaks = [_peak(weights, kettle, slots, changes) for slots in (1, 2)]
    added = [high - low for high, low in zip(peaks, plain_peaks, strict=True)]
    assert added[1] < 1.5 * added[0]


def _peak(weights: Path, speech: Samples, slots: int, changes: dict[str, object]) -> int:
    """Return the bytes that a worker holds at most while all slots decode the full 30 s."""
    worker = Worker(spec_of(weights, slots=slots))
    try:
        worker.loaded.result(60)
        wide = [window(speech, tail=None, **changes) for _ in range(slots)]
        answer = worker.submit(wide, PLAIN)
        process, held = psutil.Process(worker.pid), [0]
        while not answer.done():
            held.append(process.memory_info().rss)
            wait([answer], 0.01)
        answer.result()
        return max(held)
    finally:
        worker.stop()


def test_the_encoder_sees_a_window_at_its_own_length() -> None:
    def positions(secs: float, tail: int | None) -> int:
        return positions_of(Window(0, 0, np.zeros(int(secs * SAMPLE_RATE), np.float32), tail=tail))

    assert positions(5, 0) == KEYS_GRID
    assert positions(5.2, 0) == 2 * KEYS_GRID
    assert positions(8, TAIL) == positions(8, 2 * TAIL) == 3 * KEYS_GRID
    assert positions(29, TAIL) == positions(1, None) == ALL_POSITIONS


def test_a_worker_serves_it_and_says_nothing(weights: Path, kettle: Samples) -> None:
    worker = Worker(spec_of(weights, slots=2))
    try:
        worker.loaded.result(60)
        answer = worker.submit([window(kettle)], PLAIN).result(60)
        assert answer.hypotheses[0].text.strip() == KETTLE
        assert not worker._last_words
    finally:
        worker.stop()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the multilingual base as a GGML file of eight bits, or skip without it."""
    folder = os.environ.get("ECHOCLI_TEST_MODELS")
    source = Path(folder or ".") / "base"
    if not folder or not (source / "model.bin").is_file():
        pytest.skip("ECHOCLI_TEST_MODELS names no folder with the base model")
    return ggml_of(source, "base", tmp_path_factory.mktemp("base"), quantisation="q8_0")


@pytest.fixture(scope="module")
def multilingual(base: Path) -> Iterator[WhisperCpp]:
    provider = WhisperCpp(spec_of(base, model="base"))
    provider.load()
    yield provider
    provider.unload()


def test_the_language_is_told_and_its_characters_are_whole(
    multilingual: WhisperCpp, corpus: Corpus
) -> None:
    for clip, language in (("de_fleurs_000", "de"), ("ja_leopard", "ja")):
        options = DecodeOptions()
        found = hear(multilingual, sound(corpus[clip].path)[: 12 * SAMPLE_RATE], options)
        assert found.language == language
        assert found.language_probability > 0.8
        assert "\ufffd" not in found.text


def test_it_translates(multilingual: WhisperCpp, corpus: Corpus) -> None:
    options = DecodeOptions(language="de", task=Task.TRANSLATE, word_timestamps=False)
    speech = sound(corpus["de_fleurs_000"].path)[: 12 * SAMPLE_RATE]
    assert {"the", "of", "to", "a"} & set(hear(multilingual, speech, options).text.lower().split())


@pytest.mark.parametrize("language", ["xx", "yue"])
def test_a_language_it_does_not_know_is_refused(
    multilingual: WhisperCpp, kettle: Samples, language: str
) -> None:
    with pytest.raises(UsageError, match=language):
        hear(multilingual, kettle, DecodeOptions(language=language))


def test_base_stays_below_its_memory(base: Path, meeting: Samples) -> None:
    worker = Worker(spec_of(base, model="base", slots=2))
    try:
        worker.loaded.result(60)
        windows = [window(meeting[: 19 * SAMPLE_RATE]) for _ in range(2)]
        done = worker.submit(windows, PLAIN).result(120)
        assert done.rss_bytes < HIGHEST_MB * 2**20
    finally:
        worker.stop()


def test_base_stays_below_its_memory_with_beams(base: Path, meeting: Samples) -> None:
    assert _peak(base, meeting, 2, {"beam_size": 5}) < MOST_MB * 2**20


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
