from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.providers.base import TimedWord
from echocli.providers.voxtral_stream import BLOCK, DELAY, Passage, pcm
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit

INTERVAL = SAMPLE_RATE
LENGTH = 10 * SAMPLE_RATE
SOUND = bytes(2 * LENGTH)

arrivals = st.lists(
    st.tuples(st.text(alphabet=" abcö日.?", max_size=12), st.integers(0, 14 * SAMPLE_RATE))
)


def passage(joined: int = 0) -> Passage:
    found = Passage(0, INTERVAL)
    found.join(joined)
    found.sound += SOUND
    return found


def words(found: Passage, length: int = LENGTH) -> list[TimedWord]:
    return [word for piece in found.pieces(length) for word in piece.words or ()]


@given(arrivals, st.integers(0, LENGTH))
def test_no_text_is_lost_and_times_run_forward_inside_the_window(
    said: list[tuple[str, int]], length: int
) -> None:
    found = passage()
    for text, at in sorted(said, key=lambda one: one[1]):
        found.hear(text, at)
    told = words(found, length)
    whole = "".join(text for text, _ in sorted(said, key=lambda one: one[1]))
    assert [word.text.strip() for word in told] == whole.split()
    times = [time for word in told for time in (word.start, word.end)]
    assert all(0 <= time <= length for time in times)
    assert all(word.start <= word.end for word in told)
    starts = [word.start for word in told]
    assert starts == sorted(starts)


def test_text_stands_for_the_sound_before_the_delay() -> None:
    found = passage()
    found.hear(" one two", 5 * SAMPLE_RATE)
    one, two = words(found)
    assert two.end == 5 * SAMPLE_RATE - DELAY
    assert one.start >= two.end - INTERVAL - BLOCK
    assert one.end < two.start


def test_halves_of_a_word_are_one_word() -> None:
    found = passage()
    found.hear(" hel", 2 * SAMPLE_RATE)
    found.hear("lo you", 3 * SAMPLE_RATE)
    assert [word.text for word in words(found)] == [" hello", " you"]


def test_what_comes_in_the_silence_behind_belongs_to_the_end() -> None:
    found = passage()
    found.hear(" late", 12 * SAMPLE_RATE)
    (word,) = words(found)
    assert word.end == LENGTH
    assert word.start < LENGTH - SAMPLE_RATE // 20


def test_silence_in_the_middle_takes_no_time_of_the_window() -> None:
    found = passage(joined=1000)
    found.join(20 * SAMPLE_RATE)
    found.sound += bytes(2 * LENGTH)
    found.hear(" before", 15 * SAMPLE_RATE)
    found.hear(" after", 22 * SAMPLE_RATE + DELAY)
    before, after = words(found, 2 * LENGTH)
    assert before.end == LENGTH
    assert after.end == LENGTH + 2 * SAMPLE_RATE


@given(st.lists(st.floats(-1.5, 1.5, width=32), max_size=50))
def test_sound_is_rounded_and_clipped_to_sixteen_bits(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    back = np.frombuffer(pcm(samples), "<i2") / 32768.0
    assert np.allclose(back, np.clip(samples, -1, 32767 / 32768), atol=1 / 65536)


@given(st.integers(0, 300), st.integers(1600, 16_000), st.integers(0, 2000))
def test_a_shorter_window_is_only_known_where_the_rest_is_a_pause(
    noise: int, surplus: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    said = rng.normal(0, 1 + noise, 3 * SAMPLE_RATE)
    said[SAMPLE_RATE : 2 * SAMPLE_RATE] += rng.normal(0, 6000, SAMPLE_RATE)
    given = said.round().astype("<i2").tobytes()
    found = Passage(0, INTERVAL)
    found.sound += given
    assert found.matches(0, given[: -2 * surplus])
    assert not found.matches(0, given[: -2 * (SAMPLE_RATE + surplus)])


@pytest.mark.parametrize(
    ("start", "sound", "same"),
    [
        (0, SOUND, True),
        (0, SOUND + b"more", True),
        (0, SOUND[:-100], True),
        (5, SOUND, False),
        (0, b"x" + SOUND[1:], False),
    ],
)
def test_a_window_is_known_by_place_and_sound(start: int, sound: bytes, same: bool) -> None:
    assert passage().matches(start, sound) is same
