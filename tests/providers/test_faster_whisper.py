from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from echocli.errors import EchoError, ModelError, ProviderError
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec, Window
from echocli.providers.faster_whisper import FasterWhisper
from echocli.providers.whisper_generation import alike, beam_of
from echocli.types import SAMPLE_RATE, Samples
from tests.conftest import Corpus
from tests.sounds import read

pytestmark = pytest.mark.model

PLAIN = DecodeOptions(word_timestamps=False)
HOT = DecodeOptions(best_of=2, word_timestamps=False)
LOWER = "the words are all lower case there is no punctuation here okay"

_ids = itertools.count()


@pytest.fixture(scope="module")
def tiny(tiny_model: Path) -> Iterator[FasterWhisper]:
    provider = FasterWhisper(LoadSpec("faster-whisper", "tiny.en", str(tiny_model), slots=2))
    provider.load()
    yield provider
    provider.unload()


@pytest.fixture(scope="module")
def meeting(meeting: Samples) -> Samples:
    return meeting[: 30 * SAMPLE_RATE]


def window(samples: Samples, temperature: float = 0.0, start: int = 0) -> Window:
    return Window(next(_ids), start, samples, temperature=temperature)


def hear(
    tiny: FasterWhisper, samples: Samples, options: DecodeOptions = PLAIN, temperature: float = 0.0
) -> Hypothesis:
    return tiny.decode([window(samples, temperature)], options)[0]


def test_speech_becomes_text_with_its_figures(tiny: FasterWhisper, kettle: Samples) -> None:
    found = hear(tiny, kettle)
    assert found.text.strip() == "The kettle is on, so please make yourself comfortable."
    assert -0.6 < found.avg_logprob < 0
    assert found.no_speech_prob < 0.5
    assert (found.language, found.language_probability) == ("en", 1.0)
    assert found.decode_ms > 1


def test_the_report_says_what_was_loaded(tiny_model: Path) -> None:
    provider = FasterWhisper(LoadSpec("faster-whisper", "tiny.en", str(tiny_model)))
    report = provider.load()
    assert report.multilingual is False
    assert report.device == "cpu"
    assert report.compute_type.startswith("int8")
    assert set(report.phases_ms) == {"import", "weights"}
    provider.unload()
    provider.unload()


def test_pieces_lie_in_order_inside_the_window(tiny: FasterWhisper, meeting: Samples) -> None:
    found = hear(tiny, meeting)
    edges = [edge for piece in found.pieces for edge in (piece.start, piece.end)]
    assert len(found.pieces) > 1
    assert edges == sorted(edges)
    assert 0 <= edges[0] <= edges[-1] <= len(meeting)
    assert 0 < found.consumed <= len(meeting)


@pytest.mark.parametrize("secs", [0.3, 2.5, 8.0, 20.0])
def test_words_run_forward_inside_the_window_and_spell_the_text(
    tiny: FasterWhisper, meeting: Samples, secs: float
) -> None:
    part = meeting[: round(secs * SAMPLE_RATE)]
    found = hear(tiny, part, DecodeOptions(word_timestamps=True))
    for piece in found.pieces:
        assert piece.words is not None
        assert "".join(word.text for word in piece.words) == piece.text
    words = [word for piece in found.pieces for word in piece.words or ()]
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(part) for edge in edges)
    assert all(0 <= word.probability <= 1 for word in words)
    assert found.consumed <= len(part)


@pytest.mark.parametrize(
    "options",
    [
        replace(PLAIN, hotwords="Kettel"),
        replace(PLAIN, initial_prompt="The Kettel is a machine. Is the Kettel on?"),
    ],
    ids=["hotwords", "initial prompt"],
)
def test_what_the_user_expects_is_spelt_so(
    tiny: FasterWhisper, kettle: Samples, options: DecodeOptions
) -> None:
    assert "The Kettel is on" in hear(tiny, kettle, options).text


def test_an_initial_prompt_sets_the_style(tiny: FasterWhisper, kettle: Samples) -> None:
    found = hear(tiny, kettle, replace(PLAIN, initial_prompt=LOWER))
    assert found.text.strip() == "the kettle is on so please make yourself comfortable"


def test_previous_text_reaches_the_decoder(tiny: FasterWhisper, kettle: Samples) -> None:
    before = hear(tiny, kettle, replace(PLAIN, hotwords="Kettel"))
    previous = tuple(token for piece in before.pieces for token in piece.tokens)
    with_context = replace(window(kettle), previous=previous)
    assert "Kettel" in tiny.decode([with_context], PLAIN)[0].text


def test_blank_prompts_change_nothing(tiny: FasterWhisper, kettle: Samples) -> None:
    blank = replace(PLAIN, initial_prompt="  ", hotwords="")
    assert hear(tiny, kettle, blank).text == hear(tiny, kettle).text


def test_a_prompt_and_previous_text_too_long_for_the_model_are_cut(
    tiny: FasterWhisper, kettle: Samples
) -> None:
    long = replace(window(kettle), previous=tuple(range(1000, 2000)))
    assert tiny.decode([long], PLAIN)[0].pieces
    assert hear(tiny, kettle, replace(PLAIN, initial_prompt="kettle " * 1000)).pieces


def test_a_rare_name_is_spelt_as_expected(tiny: FasterWhisper, corpus: Corpus) -> None:
    speech = read(corpus["en_voxtral_test_speech"].path)
    assert "Voxtral" not in hear(tiny, speech).text
    assert "Voxtral" in hear(tiny, speech, replace(PLAIN, hotwords="Voxtral")).text


def test_sampling_gives_the_same_text_twice_whatever_is_decoded_between(
    tiny: FasterWhisper, tiny_model: Path, kettle: Samples, meeting: Samples
) -> None:
    first = hear(tiny, kettle, HOT, temperature=1.0)
    hear(tiny, meeting, HOT, temperature=0.8)
    hear(tiny, meeting)
    again = hear(tiny, kettle, HOT, temperature=1.0)
    assert [piece.tokens for piece in again.pieces] == [piece.tokens for piece in first.pieces]
    fresh = FasterWhisper(LoadSpec("faster-whisper", "tiny.en", str(tiny_model), slots=1))
    fresh.load()
    restarted = hear(fresh, kettle, HOT, temperature=1.0)
    fresh.unload()
    assert restarted.text == first.text


def test_sampling_depends_on_the_position_of_the_window(
    tiny: FasterWhisper, meeting: Samples
) -> None:
    texts = {
        tiny.decode([window(meeting, 1.0, start)], HOT)[0].text for start in (0, 16_000, 32_000)
    }
    assert len(texts) > 1


def test_side_by_side_is_the_same_as_one_after_the_other(
    tiny: FasterWhisper, kettle: Samples, meeting: Samples
) -> None:
    parts = [kettle, meeting, meeting[: 10 * SAMPLE_RATE], kettle[: 2 * SAMPLE_RATE]]
    alone = [hear(tiny, part).text for part in parts]
    together = tiny.decode([window(part) for part in parts], PLAIN)
    assert [found.text for found in together] == alone


def test_a_window_can_be_asked_for_again(tiny: FasterWhisper, kettle: Samples) -> None:
    asked = window(kettle)
    first, second = (tiny.decode([asked], PLAIN)[0] for _ in range(2))
    assert first.text == second.text


@pytest.mark.parametrize("length", [1, 160, 8000])
def test_a_very_short_window_is_decoded(tiny: FasterWhisper, length: int) -> None:
    found = hear(tiny, np.zeros(length, np.float32))
    assert found.consumed <= length


def test_an_english_model_hears_english_whatever_is_asked(
    tiny: FasterWhisper, kettle: Samples
) -> None:
    assert hear(tiny, kettle, replace(PLAIN, language="de")).language == "en"


def copy_of(model: Path, folder: Path) -> LoadSpec:
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return LoadSpec("faster-whisper", "tiny.en", str(folder))


Damage = Callable[[Path], object]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.bin").write_bytes(b""),
        lambda folder: (folder / "model.bin").write_bytes(
            (folder / "model.bin").read_bytes()[:1_000_000]
        ),
        lambda folder: (folder / "model.bin").write_bytes(b"\xff" * 1000),
        lambda folder: (folder / "model.bin").unlink(),
        lambda folder: (folder / "tokenizer.json").write_text("{"),
        lambda folder: (folder / "tokenizer.json").unlink(),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "vocabulary.txt").unlink(),
    ],
    ids=[
        "empty weights",
        "cut weights",
        "foreign weights",
        "no weights",
        "cut tokenizer",
        "no tokenizer",
        "cut config",
        "no vocabulary",
    ],
)
def test_a_damaged_model_is_a_model_error_that_names_its_place(
    tiny_model: Path, tmp_path: Path, damage: Damage
) -> None:
    spec = copy_of(tiny_model, tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=str(tmp_path)) as caught:
        FasterWhisper(spec).load()
    assert caught.value.exit_code == 4
    assert caught.value.hint


def test_a_folder_that_is_not_there_is_a_model_error(tmp_path: Path) -> None:
    spec = LoadSpec("faster-whisper", "tiny.en", str(tmp_path / "none"))
    with pytest.raises(ModelError, match=r"not whole.*model\.bin"):
        FasterWhisper(spec).load()


@pytest.mark.parametrize(
    "change",
    [{"compute_type": "int3"}, {"device": "metal"}, {"device": "cuda:x"}],
    ids=["compute type", "device", "device index"],
)
def test_settings_the_library_does_not_know_are_a_provider_error(
    tiny_model: Path, change: dict[str, str]
) -> None:
    spec = LoadSpec("faster-whisper", "tiny.en", str(tiny_model))
    with pytest.raises(ProviderError, match="refused the settings") as caught:
        FasterWhisper(replace(spec, **change)).load()  # type: ignore[arg-type]
    assert caught.value.exit_code == 4


def test_a_gpu_that_is_not_there_is_no_damaged_model(tiny_model: Path) -> None:
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        pytest.skip("this machine has a GPU")
    spec = LoadSpec("faster-whisper", "tiny.en", str(tiny_model), device="cuda")
    with pytest.raises(EchoError) as caught:
        FasterWhisper(spec).load()
    assert isinstance(caught.value, ProviderError)
    assert "damaged" not in str(caught.value.hint)


CRAMPED = """
import resource, sys
import numpy as np, psutil
from echocli.errors import OutOfMemory
from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.providers.faster_whisper import FasterWhisper
import faster_whisper, ctranslate2

def allow(megabytes):
    limit = psutil.Process().memory_info().vms + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

provider = FasterWhisper(LoadSpec("faster-whisper", "tiny.en", sys.argv[1]))
try:
    if sys.argv[2] == "load":
        allow(int(sys.argv[3]))
    provider.load()
    windows = [Window(n, 0, np.zeros(480_000, np.float32)) for n in range(8)]
    allow(int(sys.argv[3]))
    provider.decode(windows, DecodeOptions(beam_size=5))
except OutOfMemory as error:
    print("out of memory:", error, "|", error.hint)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
@pytest.mark.parametrize(
    ("when", "megabytes"), [("load", 5), ("load", 40), ("decode", 1), ("decode", 60)]
)
def test_a_processor_without_room_is_out_of_memory_and_no_damaged_model(
    tiny_model: Path, when: str, megabytes: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRAMPED, str(tiny_model), when, str(megabytes)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.startswith("out of memory: cpu has no room left: "), done.stderr
    assert done.stdout.endswith("| try a smaller --model\n")


def test_other_languages_than_english_get_their_own_beams() -> None:
    sound, options = np.zeros(16, np.float32), DecodeOptions(beam_size=2, foreign_beam_size=5)
    first = window(sound)
    assert [beam_of(first, options, code) for code in ("en", None, "fr")] == [2, 2, 5]
    assert beam_of(replace(first, beam_size=7), options, "fr") == 7
    assert beam_of(first, DecodeOptions(beam_size=2), "fr") == 2
    assert alike([2, 5, 2]) == [(2, [0, 2]), (5, [1])]
