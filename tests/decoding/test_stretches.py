from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.decoding.sequential import SequentialOptions
from echocli.decoding.stretches import Stretches, StretchOptions
from echocli.decoding.windows import WindowOptions
from echocli.events import Gap
from echocli.providers.base import Hypothesis, Piece, Window
from echocli.types import Segment, Span, seconds
from echocli.vad.endpointer import FRAME, Endpointer, VadOptions

pytestmark = pytest.mark.unit

OPTIONS = SequentialOptions(
    WindowOptions(longest=40 * FRAME, join_gap=8 * FRAME, shortest=2 * FRAME)
)
CUTS = StretchOptions(shortest=60 * FRAME, patient=120 * FRAME)
VAD = VadOptions(min_speech_ms=64, min_silence_ms=96, pad_ms=64)


@dataclass(slots=True)
class Played:
    windows: dict[int, Window] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    results: list[Segment | Gap] = field(default_factory=list)
    most_at_once: int = 0
    stretches: Stretches = field(default_factory=lambda: Stretches(OPTIONS, CUTS))

    def step(self, slots: int, lost: frozenset[int] = frozenset()) -> bool:
        windows = self.stretches.requests(slots)
        self.most_at_once = max(self.most_at_once, len(windows))
        for window in reversed(windows):  # the order of answers must not matter
            assert len(window.samples) > 0
            self.windows[window.start] = window
            if window.start in lost:
                self.stretches.lose(window.id, "the test says so")
            else:
                self.stretches.accept(heard(window))
        self.results += self.stretches.release()
        return bool(windows)


def heard(window: Window) -> Hypothesis:
    """Say where the window starts, and how much text came before it."""
    length = len(window.samples)
    text = f"{window.start} after {len(window.previous)}"
    return Hypothesis(window.id, (Piece(0, length, text, (7,)),), length, language="en")


def play(
    probabilities: list[float], blocks: list[int], slots: int, *, eager: bool = True
) -> Played:
    """Feed frames in blocks; decode whenever there is something to do, or only at the end."""
    sound = np.arange(len(probabilities) * FRAME, dtype=np.float32)
    endpointer, played, position = Endpointer(VAD), Played(), 0
    for size in itertools.cycle(blocks):
        if position >= len(probabilities):
            break
        closed = tuple(endpointer.feed(probabilities[position : position + size]))
        played.spans += closed
        block = sound[position * FRAME : (position + size) * FRAME]
        played.stretches.feed(block, closed, endpointer.open_start, endpointer.decided)
        position += size
        while eager and played.step(slots):
            pass
    last = tuple(endpointer.finish(len(sound)))
    played.spans += last
    played.stretches.finish(last)
    while played.step(slots):
        pass
    played.results += played.stretches.release()
    return played


speech = st.lists(st.tuples(st.integers(5, 60), st.integers(4, 30)), min_size=1, max_size=20).map(
    lambda runs: [p for on, off in runs for p in [0.9] * on + [0.0] * off]
)
cutting = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@settings(deadline=None)
@given(speech, cutting, cutting, st.integers(1, 4))
def test_the_same_windows_whatever_the_blocks_and_the_slots(
    probabilities: list[float], blocks: list[int], others: list[int], slots: int
) -> None:
    one = play(probabilities, blocks, 1)
    many = play(probabilities, others, slots, eager=False)
    assert [r.text for r in one.results if isinstance(r, Segment)] == [
        r.text for r in many.results if isinstance(r, Segment)
    ]
    assert set(one.windows) == set(many.windows)


@settings(deadline=None)
@given(speech, cutting, st.integers(1, 4), st.booleans())
def test_all_speech_is_in_a_window_and_results_come_in_order(
    probabilities: list[float], blocks: list[int], slots: int, eager: bool
) -> None:
    played = play(probabilities, blocks, slots, eager=eager)
    segments = [r for r in played.results if isinstance(r, Segment)]
    assert [s.id for s in segments] == list(range(len(segments)))
    assert all(a.end <= b.start for a, b in itertools.pairwise(segments))
    covered = np.zeros(len(probabilities) * FRAME, bool)
    for start, window in played.windows.items():
        assert window.samples[0] == start, "the sound is not the sound at its position"
        covered[start : start + len(window.samples)] = True
    for span in played.spans:
        missing = int((~covered[span.start : span.end]).sum())
        assert missing <= OPTIONS.windows.shortest, "more than padding is missing"


def long_talk(pause: int = 10) -> list[float]:
    return ([0.9] * 30 + [0.0] * pause) * 12


def test_a_long_recording_is_decoded_side_by_side() -> None:
    assert play(long_talk(), [50], 3, eager=False).most_at_once == 3


def test_a_stretch_begins_without_context_and_spans_several_windows() -> None:
    played = play(long_talk(), [50], 3, eager=False)
    fresh = [start for start, w in sorted(played.windows.items()) if not w.previous]
    assert len(fresh) > 2
    assert min(b - a for a, b in itertools.pairwise(fresh)) >= CUTS.shortest


def test_speech_without_a_pause_stays_one_stretch() -> None:
    played = play([0.9] * 500, [50], 4, eager=False)
    assert played.most_at_once == 1


def test_a_lost_window_leaves_its_gap_in_its_place() -> None:
    starts = sorted(play(long_talk(), [50], 1).windows)
    victim = starts[len(starts) // 2]
    again = Played()
    sound = np.arange(len(long_talk()) * FRAME, dtype=np.float32)
    endpointer = Endpointer(VAD)
    closed = tuple(endpointer.feed(long_talk()))
    again.stretches.feed(sound, closed, endpointer.open_start, endpointer.decided)
    again.stretches.finish(tuple(endpointer.finish(len(sound))))
    while again.step(3, frozenset({victim})):
        pass
    gaps = [r for r in again.results if isinstance(r, Gap)]
    assert [gap.start for gap in gaps] == [seconds(victim)]
    starts_of = [r.start for r in again.results]
    assert starts_of == sorted(starts_of)


def test_memory_does_not_grow_with_the_length() -> None:
    played = Played()
    endpointer = Endpointer(VAD)
    most = 0
    for _ in range(100):
        probabilities = long_talk()
        sound = np.zeros(len(probabilities) * FRAME, np.float32)
        closed = tuple(endpointer.feed(probabilities))
        played.stretches.feed(sound, closed, endpointer.open_start, endpointer.decided)
        while played.step(2):
            pass
        most = max(most, played.stretches.buffered)
    assert most <= 2 * len(long_talk()) * FRAME
