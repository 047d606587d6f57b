from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from echocli.audio.capture import Captured, Missing
from echocli.events import Event, Gap, Meter, Notice, SpeechEnded, SpeechStarted
from echocli.runtime.ear import Ear
from echocli.runtime.listening import FRAME, Detector
from echocli.runtime.live import LiveSource
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.loudness import EVERY, decibel
from echocli.types import SAMPLE_RATE, Samples, seconds

pytestmark = pytest.mark.unit

SECOND: Samples = np.full(SAMPLE_RATE, 0.5, np.float32)


class Loud:
    """Take a frame for speech where it is loud; fail after so many frames."""

    def __init__(self, fails_after: int | None = None) -> None:
        self._fails_after = fails_after
        self._sound: Samples = np.zeros(0, np.float32)
        self._given = 0

    def probabilities(self, block: Samples) -> NDArray[np.float32]:
        self._sound = np.concatenate([self._sound, block])
        return self._look(len(self._sound) // FRAME)

    def flush(self) -> NDArray[np.float32]:
        missing = -len(self._sound) % FRAME
        self._sound = np.pad(self._sound, (0, missing))
        return self._look(len(self._sound) // FRAME)

    def _look(self, frames: int) -> NDArray[np.float32]:
        if self._fails_after is not None and frames > self._fails_after:
            raise RuntimeError("the detector broke")
        part = self._sound[self._given * FRAME : frames * FRAME].reshape(-1, FRAME)
        self._given = frames
        return np.asarray(np.abs(part).max(axis=1) > 0.1, np.float32)


def cannot_load() -> Detector:
    raise OSError("no such file")


def ear(detector: Callable[[], Detector] = Loud, *, detect: bool = True) -> Ear:
    source = LiveSource("mic", LiveOptions(), itertools.count())
    return Ear(source, detect=detect, detector=detector)


def hear(listener: Ear, *items: Samples | Missing) -> list[Event]:
    found: list[Event] = []
    for item in items:
        heard = item if isinstance(item, Missing) else Captured(item, 0.0)
        found += listener.hear(heard, 0.0)
    return found


def quiet(samples: int) -> Samples:
    return np.zeros(samples, np.float32)


def turns(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, Meter)]


def test_sound_is_speech_where_the_detector_says_so() -> None:
    listener = ear()
    events = hear(listener, quiet(8192), SECOND[:8192], quiet(16384))
    assert turns(events) == [
        SpeechStarted(0, 0.512, "mic"),
        SpeechEnded(0, 0.512, 1.024, "silence", "mic"),
    ]


def test_without_a_detector_all_sound_is_speech() -> None:
    listener = ear(cannot_load, detect=False)
    assert turns(hear(listener, quiet(SAMPLE_RATE))) == [SpeechStarted(0, 0.0, "mic")]
    assert listener.failures == 0


@pytest.mark.parametrize("size", [100, 512, 1000, 4000])
def test_a_level_comes_every_quarter_second_whatever_the_blocks(size: int) -> None:
    blocks = [SECOND[at : at + size] for at in range(0, SAMPLE_RATE, size)]
    levels = [event for event in hear(ear(), *blocks) if isinstance(event, Meter)]
    steps = np.diff([0.0, *(level.position for level in levels)])
    assert all(EVERY <= step * SAMPLE_RATE < EVERY + size + 16 for step in steps)
    assert {(level.rms, level.peak, level.source) for level in levels} == {(-6.0, -6.0, "mic")}


def test_a_level_is_of_the_sound_since_the_last() -> None:
    listener = ear()
    (first,) = [e for e in hear(listener, SECOND[:EVERY]) if isinstance(e, Meter)]
    (second,) = [e for e in hear(listener, quiet(EVERY)) if isinstance(e, Meter)]
    assert (first.rms, second.rms, second.peak) == (-6.0, -100.0, -100.0)
    assert second.position == 0.5


@pytest.mark.parametrize(
    ("amplitude", "expected"), [(1.0, 0.0), (0.1, -20.0), (0.0, -100.0), (1e-9, -100.0)]
)
def test_loudness_is_in_decibels_of_full_scale(amplitude: float, expected: float) -> None:
    assert decibel(amplitude) == expected


def test_missing_sound_ends_speech_in_the_middle_of_a_frame() -> None:
    listener = ear()
    events = turns(hear(listener, SECOND[:5000], Missing(700, "fell behind")))
    assert events == [
        SpeechStarted(0, 0.0, "mic"),
        SpeechEnded(0, 0.0, seconds(5000), "gap", "mic"),
        Gap(seconds(5000), seconds(5700), "fell behind", "mic"),
    ]
    events = turns(hear(listener, SECOND[:5000], quiet(16000)))
    assert events[0] == SpeechStarted(1, seconds(5700), "mic")
    # Frames count from where the sound goes on; the tenth holds its last samples.
    assert events[1] == SpeechEnded(1, seconds(5700), seconds(5700 + 10 * FRAME), "silence", "mic")


def test_the_end_of_the_source_takes_the_last_part_of_a_frame() -> None:
    listener = ear()
    hear(listener, SECOND[:5000])
    assert not listener.over
    assert listener.finish(0.0) == [SpeechEnded(0, 0.0, seconds(5000), "end", "mic")]
    assert listener.over


def test_a_detector_that_cannot_load_makes_all_sound_speech_and_is_told_once() -> None:
    listener = ear(cannot_load)
    events = turns(hear(listener, quiet(4096), Missing(100, "lost"), quiet(4096)))
    assert [event.code for event in events if isinstance(event, Notice)] == ["vad_failed"]
    assert [event.start for event in events if isinstance(event, SpeechStarted)] == [
        0.0,
        seconds(4196),
    ]
    listener.finish(0.0)
    assert listener.failures >= 2


def test_a_detector_that_breaks_makes_the_rest_speech() -> None:
    listener = ear(lambda: Loud(fails_after=10))
    events = turns(hear(listener, *[quiet(FRAME)] * 20))
    assert isinstance(events[0], Notice)
    assert events[1:] == [SpeechStarted(0, seconds(10 * FRAME), "mic")]
    assert listener.failures == 1


def test_a_detector_that_breaks_at_the_end_is_told_too() -> None:
    listener = ear(lambda: Loud(fails_after=7))
    hear(listener, SECOND[: 7 * FRAME + 5])
    events = listener.finish(0.0)
    assert [type(event) for event in events] == [Notice, SpeechEnded]


@settings(deadline=None)
@given(st.lists(st.integers(1, 3000), max_size=12), st.lists(st.integers(1, 3000), max_size=12))
def test_positions_count_every_sample_that_came_or_was_lost(
    heard: list[int], lost: list[int]
) -> None:
    listener = ear()
    items: list[Samples | Missing] = []
    for one, other in itertools.zip_longest(heard, lost):
        items += [SECOND[:one]] if one else []
        items += [Missing(other, "lost")] if other else []
    events = hear(listener, *items) + listener.finish(0.0)
    assert listener.source.position == sum(heard) + sum(lost)
    ends = [e.end for e in events if isinstance(e, SpeechEnded)]
    assert all(end <= seconds(listener.source.position) for end in ends)
    assert len([e for e in events if isinstance(e, Gap)]) == len(lost)
