from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from echocli.errors import ProviderError, TranscriptionError
from echocli.providers.base import DecodeOptions, Hypothesis, Window
from echocli.providers.voxtral import Voxtral
from echocli.providers.voxtral_process import Limits
from echocli.types import SAMPLE_RATE, Task
from tests.providers.voxtral_playing import IMPATIENT, NUMBERS, Play, Stage, sound, window

pytestmark = pytest.mark.unit


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    with ExitStack() as stack:

        def start(load: bool = True, limits: Limits = IMPATIENT, **script: Any) -> Stage:
            stage = Stage(tmp_path, **script)
            stage.provider = Voxtral(stage.spec, limits)
            stack.callback(stage.provider.unload)
            if load:
                stage.provider.load()
            return stage

        yield start


def hear(stage: Stage, *windows: Window, options: DecodeOptions | None = None) -> list[Hypothesis]:
    return stage.provider.decode(windows, options or DecodeOptions())


def texts(found: list[Hypothesis]) -> list[str]:
    return [one.text for one in found]


def test_windows_get_their_own_words_and_share_one_program(play: Play) -> None:
    stage = play()
    windows = [window(1, 0, sound(1, 2, 3)), window(2, 10, sound(4, 5)), window(3, 20, sound(6))]
    assert texts(hear(stage, *windows)) == [" one two three", " four five", " six"]
    assert stage.runs == 1
    assert stage.log[0]["arguments"][2:] == ["--stdin", "-I", "1"]


def test_words_have_times_of_the_sound_to_within_an_interval(play: Play) -> None:
    said = sound(1, 2, 3, 4, 5, 6, 7, 8, gap=0.6)
    (found,) = hear(play(), window(1, 0, said))
    words = [word for piece in found.pieces for word in piece.words or ()]
    assert [word.text for word in words] == [f" {number}" for number in NUMBERS[:8]]
    for index, word in enumerate(words):
        true = index * SAMPLE_RATE
        assert abs(word.start - true) < 1.3 * SAMPLE_RATE
        assert word.start <= word.end <= len(said)
    assert found.consumed == len(said)


def test_text_is_cut_into_sentences(play: Play) -> None:
    stage = play(words=["Who?", "Me.", "And", "you"])
    (found,) = hear(stage, window(1, 0, sound(1, 2, 3, 4)))
    assert [piece.text for piece in found.pieces] == [" Who?", " Me.", " And you"]


def test_an_open_window_costs_only_its_new_sound(play: Play) -> None:
    stage = play()
    said = sound(1, 2, 3, 4, 5, 6, 7, 8, gap=0.4, last=2)
    parts = [
        texts(hear(stage, window(n, 0, said[: n * SAMPLE_RATE], more=True)))[0] for n in range(1, 9)
    ]
    assert all(after.startswith(before) for before, after in itertools.pairwise(parts))
    assert parts[-1].startswith(" one two three four five")
    (final,) = hear(stage, window(9, 0, said))
    assert final.text == " one two three four five six seven eight"
    stage.provider.unload()
    assert stage.log[-1]["heard"] < len(said) / SAMPLE_RATE + 3.5


def test_a_final_without_the_last_of_its_sound_is_heard_once(play: Play) -> None:
    stage = play()
    said = sound(1, 2, last=1.0)
    hear(stage, window(1, 0, said, more=True))
    (final,) = hear(stage, window(2, 0, said[: -SAMPLE_RATE // 2]))
    assert final.text == " one two"
    assert final.pieces[-1].end <= len(said) - SAMPLE_RATE // 2


@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_words_behind_a_forced_split_are_only_those_of_the_next_utterance(
    play: Play, noise: float
) -> None:
    stage = play()
    said = sound(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    said = np.where(said == 0, np.float32(noise), said)
    split = 3 * SAMPLE_RATE
    hear(stage, window(1, 0, said, more=True))
    (final,) = hear(stage, window(2, 0, said[:split]))
    assert final.text == " one two three four five six"
    assert texts(hear(stage, window(3, 3, said[split:]))) == [" seven eight nine ten"]
    assert stage.runs == 1


def test_an_utterance_that_goes_on_behind_its_final_is_not_heard_again(play: Play) -> None:
    stage = play()
    said = np.concatenate([sound(1, 2, last=0.5), sound(3)])
    assert texts(hear(stage, window(1, 0, said[: round(1.4 * SAMPLE_RATE)]))) == [" one two"]
    (found,) = hear(stage, window(2, 0, said))
    assert found.text == " one two three"
    words = [word for piece in found.pieces for word in piece.words or ()]
    assert words[-1].start >= SAMPLE_RATE // 2
    stage.provider.unload()
    assert stage.log[-1]["heard"] < 2 * 2.9 + 2.5


def test_a_window_that_is_asked_for_again_is_not_heard_again(play: Play) -> None:
    stage = play()
    first, again = (hear(stage, window(n, 0, sound(1, 2)))[0] for n in (1, 2))
    assert first.pieces == again.pieces
    stage.provider.unload()
    assert stage.log[-1]["heard"] < 4.5


def test_another_window_at_the_same_place_is_heard_by_itself(play: Play) -> None:
    stage = play()
    hear(stage, window(1, 0, sound(1, 2), more=True))
    assert texts(hear(stage, window(2, 0, sound(3)))) == [" three"]


def test_silence_has_no_text_and_says_so(play: Play) -> None:
    (found,) = hear(play(), window(1, 0, np.zeros(SAMPLE_RATE, np.float32)))
    assert found.pieces == ()
    assert found.no_speech_prob == 1.0


@pytest.mark.parametrize("count", [0, 1, 100])
def test_a_window_of_hardly_any_sound_is_no_error(play: Play, count: int) -> None:
    (found,) = hear(play(), window(1, 0, np.zeros(count, np.float32)))
    assert found.text == ""


def test_characters_that_come_in_halves_are_put_together(play: Play) -> None:
    stage = play(words=["größer", "日本語", "🎉"], halves=True)
    assert texts(hear(stage, window(1, 0, sound(1, 2, 3)))) == [" größer 日本語 🎉"]


def test_a_program_that_hears_nothing_is_believed(play: Play) -> None:
    assert texts(hear(play(silent=True), window(1, 0, sound(1)))) == [""]


def test_chunk_seconds_set_the_interval_of_the_next_program(play: Play) -> None:
    stage = play(crashes=[0.1, 1])
    hear(stage, window(1, 0, sound(1)), options=DecodeOptions(chunk_seconds=8))
    hear(stage, window(2, 5, sound(2)), options=DecodeOptions(chunk_seconds=0.1))
    assert [line["interval"] for line in stage.log if line["what"] == "start"] == [1, 2]


def test_a_program_that_crashes_is_replaced_and_hears_the_window_again(play: Play) -> None:
    stage = play(crashes=[4, 2])
    windows = [window(1, 0, sound(1, 2)), window(2, 9, sound(3, 4, 5))]
    assert texts(hear(stage, *windows)) == [" one two", " three four five"]
    assert stage.runs == 3


def test_a_program_that_always_crashes_is_an_error_with_the_cause(play: Play) -> None:
    stage = play(crashes=[1, 99])
    with pytest.raises(TranscriptionError, match=r"voxtral ended with status 9: .*Model loaded"):
        hear(stage, window(1, 0, sound(1, 2, 3)))
    assert stage.runs == 3


def test_a_program_that_stops_reading_is_replaced(play: Play) -> None:
    stage = play(hangs=[1, 1])
    assert texts(hear(stage, window(1, 0, sound(1, 2, 3)))) == [" one two three"]
    assert stage.runs == 2


def test_a_program_that_always_hangs_is_an_error(play: Play) -> None:
    with pytest.raises(TranscriptionError, match=r"took no sound for 0.5 s"):
        hear(play(hangs=[1, 99]), window(1, 0, sound(1, 2, 3)))


def test_a_processor_gets_more_time_for_a_block_than_an_accelerator(play: Play) -> None:
    stage = play(load=False)
    slow, fast = (
        Voxtral(replace(stage.spec, device=device))._limits.stall for device in ("cpu", "metal")
    )
    # Two seconds and the silence at the end, at the RTF that is to be expected.
    assert slow >= (2 + 2) * Voxtral.info.expected_rtf > fast


def test_a_slow_program_is_waited_for(play: Play) -> None:
    stage = play(load_ms=300, interval_ms=200)
    assert texts(hear(stage, window(1, 0, sound(1, 2, 3)))) == [" one two three"]
    assert stage.runs == 1


def minutes(stage: Stage, count: int) -> list[str]:
    """Hear windows of 29 s, each with two words at its ends."""
    found = []
    for number in range(count):
        middle = np.zeros(28 * SAMPLE_RATE, np.float32)
        said = np.concatenate([sound(1 + number % 9), middle, sound(2 + number % 9)])
        found += texts(hear(stage, window(number, number * 30.0, said)))
    return found


def test_a_new_program_is_started_at_a_pause_before_the_decoder_resets(play: Play) -> None:
    stage = play(resets=160, interval_ms=0)
    found = minutes(stage, 9)
    assert found == [f" {first} {second}" for first, second in itertools.pairwise(NUMBERS)]
    stage.provider.unload()
    heard = [line["heard"] for line in stage.log if line["what"] == "end"]
    assert len(heard) >= 2
    assert max(heard) <= 150


def test_words_that_only_come_at_the_end_of_the_input_are_not_lost_there(play: Play) -> None:
    stage = play(keeps=1)
    assert minutes(stage, 4)[-1].endswith(" four five")


def test_a_program_that_does_not_end_is_killed(play: Play) -> None:
    stage = play(stays=True)
    assert minutes(stage, 4)[-1] == " four five"
    stage.provider.unload()
    assert not [line["pid"] for line in stage.log if psutil.pid_exists(line["pid"])]


def test_unloading_ends_the_program_and_may_be_done_twice(play: Play) -> None:
    stage = play()
    hear(stage, window(1, 0, sound(1)))
    stage.provider.unload()
    stage.provider.unload()
    assert stage.log[-1]["what"] == "end"
    assert not psutil.pid_exists(stage.log[-1]["pid"])


def test_translation_is_refused(play: Play) -> None:
    with pytest.raises(ProviderError, match="cannot translate"):
        hear(play(), window(1, 0, sound(1)), options=DecodeOptions(task=Task.TRANSLATE))


def test_a_program_that_refuses_is_an_error_with_its_last_words(play: Play) -> None:
    stage = play(load=False, refuses="cannot open it")
    with pytest.raises(ProviderError, match=r"status 1: .*vox_load: cannot open it") as caught:
        stage.provider.load()
    assert "-d" in str(caught.value.hint)


def test_a_model_that_never_loads_is_an_error(play: Play) -> None:
    stage = play(load=False, limits=Limits(load=0.4), never_loads=True)
    with pytest.raises(ProviderError, match=r"did not load its model within 0.4 s"):
        stage.provider.load()
    assert not psutil.pid_exists(stage.log[-1]["pid"])


def test_a_program_of_another_machine_is_an_error(play: Play) -> None:
    stage = play(load=False)
    Path(stage.spec.program).write_bytes(b"\x00 not a program")
    with pytest.raises(ProviderError, match=r"status 126: .*Exec format error"):
        stage.provider.load()


def test_slots_take_turns_and_the_program_has_the_threads_of_all(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    stage = play(load=False)
    stage.provider = Voxtral(replace(stage.spec, slots=3, threads=2), IMPATIENT)
    stage.provider.load()
    assert stage.log[0]["threads"] == "6"
    found = hear(stage, *(window(n, n * 9.0, sound(n)) for n in range(1, 6)))
    assert texts(found) == [" one", " two", " three", " four", " five"]
    stage.provider.unload()
