"""What whisper.cpp makes of options: prompts, languages, temperatures, and what it goes without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from echocli.errors import UsageError
from echocli.providers.base import DecodeOptions, Hypothesis
from echocli.providers.whisper_cpp import WhisperCpp
from echocli.providers.whisper_cpp_limits import unsupported
from echocli.providers.whisper_cpp_text import Vocabulary
from echocli.types import SAMPLE_RATE, Samples, Task
from tests.conftest import Corpus
from tests.providers.whisper_cpp_hearing import (
    KETTLE,
    PLAIN,
    figures,
    hear,
    loaded,
    spec_of,
)
from tests.sounds import read

pytestmark = pytest.mark.model

pytest.importorskip("_pywhispercpp", reason="the extra `whisper-cpp` is not installed")


@pytest.fixture(scope="module")
def tiny(weights: Path) -> Iterator[WhisperCpp]:
    with loaded(spec_of(weights, slots=2)) as provider:
        yield provider


@pytest.fixture(scope="module")
def multilingual(base: Path) -> Iterator[WhisperCpp]:
    with loaded(spec_of(base, model="base")) as provider:
        yield provider


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
    assert figures(among) == figures(hear(tiny, kettle, previous=known))


def test_the_language_is_told_and_its_characters_are_whole(
    multilingual: WhisperCpp, corpus: Corpus
) -> None:
    for clip, language in (("de_fleurs_000", "de"), ("ja_leopard", "ja")):
        options = DecodeOptions()
        found = hear(multilingual, read(corpus[clip].path, end=12), options)
        assert found.language == language
        assert found.language_probability > 0.8
        assert "\ufffd" not in found.text


def test_it_translates(multilingual: WhisperCpp, corpus: Corpus) -> None:
    options = DecodeOptions(language="de", task=Task.TRANSLATE, word_timestamps=False)
    speech = read(corpus["de_fleurs_000"].path, end=12)
    assert {"the", "of", "to", "a"} & set(hear(multilingual, speech, options).text.lower().split())


@pytest.mark.parametrize("language", ["xx", "yue"])
def test_a_language_it_does_not_know_is_refused(
    multilingual: WhisperCpp, kettle: Samples, language: str
) -> None:
    with pytest.raises(UsageError, match=language):
        hear(multilingual, kettle, DecodeOptions(language=language))
