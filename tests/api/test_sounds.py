"""What a program may give as sound."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from echocli.api.decoding import Part, clip_of
from echocli.api.sounds import Sound, open_sound
from echocli.config import chosen_of
from echocli.environment import Environment
from echocli.errors import InputError, UsageError
from echocli.types import SAMPLE_RATE, Samples

pytestmark = pytest.mark.unit


def heard(sound: Sound, rate: int = 16_000, **wishes: Any) -> Samples:
    source = open_sound(sound, chosen_of(wishes), Environment(), rate=rate)
    with source:
        return np.concatenate([np.zeros(0, np.float32), *source.blocks()])


def tone(rate: int = 16_000, secs: float = 1.5) -> Samples:
    return (0.3 * np.sin(440 * 2 * np.pi * np.arange(int(rate * secs)) / rate)).astype(np.float32)


def test_an_array_at_16_khz_is_heard_as_it_is() -> None:
    assert np.allclose(heard(tone()), tone(), atol=1e-6)


def test_a_file_a_stream_and_an_array_are_the_same_sound(samples: Path) -> None:
    path = samples / "meeting.flac"
    array, rate = soundfile.read(path, dtype="float32")
    from_file = heard(path)
    assert np.allclose(heard(array, rate), from_file, atol=1e-3)
    with path.open("rb") as stream:
        assert np.allclose(heard(stream), from_file, atol=1e-3)


@pytest.mark.parametrize(("kind", "scale"), [("int16", 1 << 15), ("int32", 1 << 31)])
def test_whole_numbers_are_scaled(kind: str, scale: int) -> None:
    whole = (tone().astype(np.float64) * (scale - 1)).astype(kind)
    assert np.allclose(heard(whole), tone(), atol=1e-4)


def test_another_rate_keeps_the_length() -> None:
    assert abs(len(heard(tone(44_100), 44_100)) - len(tone())) <= 32


def test_channels_are_mixed_or_picked() -> None:
    both = np.stack([tone(), np.zeros_like(tone())], axis=1)
    assert np.abs(heard(both)).max() > 0.25
    assert not heard(both, channel=2).any()


def test_pieces_are_taken_only_when_they_are_asked_for() -> None:
    taken: list[int] = []

    def pieces() -> Iterator[Samples]:
        for number in range(3):
            taken.append(number)
            yield tone(secs=1)

    source = open_sound(pieces(), chosen_of({}), Environment())
    blocks = source.blocks()
    assert not taken
    next(blocks)
    assert taken == [0]
    assert sum(len(block) for block in blocks) == 32_000


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 4), np.float32),
        np.zeros((3, 4410), np.float32),  # channels first
        np.zeros(10, np.int8),
        np.zeros(10, np.uint8),
        np.zeros(10, np.complex64),
        np.array(["a"]),
    ],
)
def test_what_is_no_sound_is_refused(array: Any) -> None:
    with pytest.raises(InputError) as caught:
        heard(array)
    assert str(caught.value)


def test_numbers_that_are_none_are_silence() -> None:
    array = tone()
    array[100:200] = np.nan
    assert np.isfinite(heard(array)).all()


def test_an_empty_array_is_an_empty_sound() -> None:
    assert not len(heard(np.zeros(0, np.float32)))


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="0 Hz"):
        heard(tone(), 0)


def test_a_number_is_no_sound() -> None:
    wrong: Any = 7
    with pytest.raises(UsageError, match="int is no sound"):
        heard(wrong)


def test_headerless_bytes_need_their_layout() -> None:
    data = (tone() * 32_767).astype("<i2").tobytes()
    assert np.allclose(heard(io.BytesIO(data), raw="s16le,16000,1"), tone(), atol=1e-3)


def test_a_rate_may_be_a_float_that_is_whole() -> None:
    sound = np.zeros(44100, np.float32)
    source = open_sound(sound, chosen_of({}), Environment(), rate=44100.0)  # type: ignore[arg-type]
    assert sum(len(block) for block in source.blocks()) == SAMPLE_RATE


@pytest.mark.parametrize("rate", [44100.5, float("nan"), float("inf"), "16000", True, None])
def test_what_is_no_rate_is_refused(rate: object) -> None:
    sound = np.zeros(10, np.float32)
    with pytest.raises(UsageError, match="rate"):
        open_sound(sound, chosen_of({}), Environment(), rate=rate)  # type: ignore[arg-type]


def test_a_file_that_is_open_as_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_text("x")
    with path.open() as stream, pytest.raises(UsageError, match="gives text"):
        open_sound(stream, chosen_of({}), Environment())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "same"),
    [((None, 3), "0-3"), ((2, None), "2-"), ((5, float("inf")), "5-"), ((0.5, 1), "0.5-1")],
)
def test_a_part_may_lack_one_of_its_times(part: Part, same: str) -> None:
    assert clip_of([part]) == clip_of([same])


@pytest.mark.parametrize(
    "part", [(-1, 3), (3, 1), (float("nan"), 1), (float("inf"), None), (1, 2, 3), 5, ("a", "b")]
)
def test_a_part_that_is_none_is_refused(part: Any) -> None:
    with pytest.raises(UsageError, match="clip"):
        clip_of([part])
