from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from echocli.audio.resample import HOP, Mixer, ToMono16k

pytestmark = pytest.mark.unit

Sound = NDArray[np.float32]


def tone(seconds: float = 1.0, rate: int = 16_000, hertz: float = 220.0) -> Sound:
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def noise(count: int, seed: int) -> Sound:
    return (0.1 * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def mixed(*channels: Sound) -> Sound:
    mixer = Mixer(len(channels))
    return np.concatenate([mixer.feed(np.stack(channels, axis=1)), mixer.flush()])


def level(sound: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def test_identical_channels_come_out_unchanged() -> None:
    np.testing.assert_allclose(mixed(tone(), tone()), tone(), atol=1e-6)


def test_antiphase_stereo_is_not_silent() -> None:
    assert level(mixed(tone(), -tone())) == pytest.approx(level(tone()), rel=0.01)


def test_antiphase_behind_a_silent_first_channel_is_not_silent() -> None:
    silence = np.zeros_like(tone())
    assert level(mixed(silence, tone(), -tone())) == pytest.approx(level(tone()), rel=0.01)


@pytest.mark.parametrize("channels", [2, 6])
@pytest.mark.parametrize("speaking", [0, 1])
def test_one_sided_sound_is_not_damped(channels: int, speaking: int) -> None:
    all_channels = [np.zeros_like(tone())] * channels
    all_channels[speaking] = tone()
    assert level(mixed(*all_channels)) == pytest.approx(level(tone()), rel=0.01)


def test_sound_that_turns_antiphase_stays_and_does_not_click() -> None:
    sign = np.where(np.arange(16_000) < 8_000, 1, -1).astype(np.float32)
    # The channel itself jumps at the turn; let it turn in a zero of the tone.
    left, right = tone(hertz=200), tone(hertz=200) * sign
    result = mixed(left, right)
    assert level(result[8_000 : 8_000 + 2 * HOP]) > 0.4 * level(left)
    assert np.abs(np.diff(result)).max() < 1.5 * np.abs(np.diff(left)).max()


def test_two_speakers_on_two_channels_are_both_heard() -> None:
    one, two = noise(16_000, 1), noise(16_000, 2)
    result = mixed(one, two)
    assert np.corrcoef(result, one)[0, 1] > 0.5
    assert np.corrcoef(result, two)[0, 1] > 0.5


@given(st.lists(st.integers(0, 3_000), max_size=12), st.integers(1, 8))
def test_cutting_the_input_does_not_change_the_mix(cuts: list[int], channels: int) -> None:
    frames = np.stack([noise(6_000, seed) for seed in range(channels)], axis=1)
    mixer = Mixer(channels)
    parts = [mixer.feed(part) for part in np.split(frames, sorted(cuts))]
    np.testing.assert_array_equal(
        np.concatenate([*parts, mixer.flush()]), mixed(*frames.T), strict=True
    )


@given(st.integers(2, 8), st.integers(0, 100))
def test_the_mix_never_exceeds_the_loudest_channel(channels: int, seed: int) -> None:
    sounds = [noise(2_000, seed + index) for index in range(channels)]
    assert np.abs(mixed(*sounds)).max() <= max(np.abs(sound).max() for sound in sounds) + 1e-6


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_any_rate_and_channel_count_becomes_16_khz(rate: int, channels: int) -> None:
    mono = ToMono16k()
    frames = np.repeat(tone(1.0, rate)[:, None], channels, axis=1)
    parts = [mono.feed_array(part, rate) for part in np.array_split(frames, 7)]
    result = np.concatenate([*parts, mono.flush()])
    assert result.dtype == np.float32
    assert len(result) == pytest.approx(16_000, abs=2)
    assert level(result) == pytest.approx(level(tone()), rel=0.02)


def test_a_chosen_channel_comes_out_alone() -> None:
    mono = ToMono16k(channel=2)
    frames = np.stack([tone(), noise(16_000, 3)], axis=1)
    result = np.concatenate([mono.feed_array(frames, 16_000), mono.flush()])
    np.testing.assert_allclose(result, frames[:, 1], atol=1e-6)


def test_a_change_of_rate_inside_a_stream_is_followed() -> None:
    mono = ToMono16k()
    parts = [mono.feed_array(tone(0.5, rate)[:, None], rate) for rate in (8_000, 48_000)]
    assert sum(map(len, [*parts, mono.flush()])) == pytest.approx(16_000, abs=4)


def test_not_a_number_does_not_spread() -> None:
    frames = np.stack([tone(), tone()], axis=1)
    frames[5_000] = np.nan
    frames[5_001] = np.inf
    mono = ToMono16k()
    result = np.concatenate([mono.feed_array(frames, 16_000), mono.flush()])
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= 1
    np.testing.assert_allclose(result[6_000:], tone()[6_000:], atol=1e-2)
