from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.decoding.packing import QUIET, Packed, Packer, PackOptions, speech_between
from echocli.types import SAMPLE_RATE, Samples, Span

pytestmark = pytest.mark.unit

UNIT = QUIET
"""Everything here counts in tenths of a second."""
SMALL = PackOptions(
    longest=40 * UNIT, join_gap=8 * UNIT, good_pause=5 * UNIT, window_cost=0.2, pad=2 * UNIT
)
LATE = 4
"""Units after which a listener says that speech is over."""


def at(*units: int) -> Span:
    return Span(units[0] * UNIT, units[1] * UNIT)


def speaking(*lengths: int) -> tuple[list[Span], int]:
    """Return islands and the total from silence, speech, silence … of these many units."""
    edges = [0, *itertools.accumulate(lengths)]
    islands = [at(a, b) for a, b in itertools.pairwise(edges)][1::2]
    return [island for island in islands if island.length], edges[-1] * UNIT


def ramp(total: int) -> Samples:
    """Return sound that tells its position, to 2^24."""
    return np.arange(total, dtype=np.float32)


@dataclass(slots=True)
class Played:
    windows: list[Packed] = field(default_factory=list)
    most_buffered: int = 0

    @property
    def spans(self) -> list[Span]:
        return [window.span for window in self.windows]

    @property
    def islands(self) -> list[Span]:
        return [island for window in self.windows for island in window.islands]


def pack(
    islands: Sequence[Span],
    sound: Samples,
    blocks: Sequence[int] = (10**9,),
    options: PackOptions = SMALL,
) -> Played:
    """Feed sound in blocks (of units) the way a listener does, who notices late that one ended."""
    packer, played, end, told = Packer(options), Played(), 0, 0
    for size in itertools.cycle(blocks):
        if end >= len(sound):
            break
        start, end = end, min(end + size * UNIT, len(sound))
        known = end - LATE * UNIT
        closed = [i for i in islands[told:] if i.end <= known]
        told += len(closed)
        opened = islands[told].start if told < len(islands) and islands[told].start < end else None
        decided = max(0, known) if opened is None else min(max(0, known), opened)
        packer.feed(sound[start:end], closed, opened, decided)
        while (window := packer.next()) is not None:
            played.windows.append(window)
        played.most_buffered = max(played.most_buffered, packer.buffered)
    packer.finish(islands[told:])
    while (window := packer.next()) is not None:
        played.windows.append(window)
    assert packer.buffered == 0
    return played


speech = st.lists(st.integers(1, 60), max_size=24).map(lambda lengths: speaking(*lengths))
cuttings = st.lists(st.integers(1, 50), min_size=1, max_size=5)
quickly = settings(deadline=None, max_examples=60)


@quickly
@given(speech, cuttings, st.integers(0, 5))
def test_the_same_windows_whatever_the_blocks(
    spoken: tuple[list[Span], int], blocks: list[int], seed: int
) -> None:
    islands, total = spoken
    sound = np.random.default_rng(seed).normal(size=total).astype(np.float32)
    whole, cut = pack(islands, sound), pack(islands, sound, blocks)
    assert whole.spans == cut.spans
    assert whole.islands == cut.islands


@quickly
@given(speech, cuttings)
def test_every_sample_of_speech_lies_in_exactly_one_window(
    spoken: tuple[list[Span], int], blocks: list[int]
) -> None:
    islands, total = spoken
    found = np.zeros(total, int)
    for window in pack(islands, ramp(total), blocks).windows:
        for island in window.islands:
            assert window.span.start <= island.start < island.end <= window.span.end
            found[island.start : island.end] += 1
    expected = np.zeros(total, int)
    for island in islands:
        expected[island.start : island.end] = 1
    assert np.array_equal(found, expected)


@quickly
@given(speech, cuttings)
def test_windows_are_ordered_and_hold_their_own_sound(
    spoken: tuple[list[Span], int], blocks: list[int]
) -> None:
    islands, total = spoken
    sound = ramp(total)
    played = pack(islands, sound, blocks)
    for before, after in itertools.pairwise(played.spans):
        assert before.end <= after.start
    for window in played.windows:
        assert 0 <= window.span.start < window.span.end <= total
        assert np.array_equal(window.samples, sound[window.span.start : window.span.end])


@quickly
@given(speech, cuttings)
def test_no_window_is_too_long_nor_spans_a_long_silence(
    spoken: tuple[list[Span], int], blocks: list[int]
) -> None:
    islands, total = spoken
    for window in pack(islands, ramp(total), blocks).windows:
        inside = window.islands
        assert inside[-1].end - inside[0].start <= SMALL.longest
        assert inside[0].start - window.span.start <= SMALL.pad
        assert window.span.end - inside[-1].end <= SMALL.pad
        for before, after in itertools.pairwise(inside):
            assert after.start - before.end <= SMALL.join_gap


@quickly
@given(speech, cuttings)
def test_held_sound_is_bounded(spoken: tuple[list[Span], int], blocks: list[int]) -> None:
    islands, total = spoken
    bound = 7 * SMALL.longest // 2 + SMALL.join_gap + SMALL.pad + (max(blocks) + 10) * UNIT
    assert pack(islands, ramp(total), blocks).most_buffered <= bound


@pytest.mark.parametrize("block", [1, 7, 50])
def test_speech_without_end_does_not_pile_up(block: int) -> None:
    total = 1000 * UNIT
    played = pack([Span(0, total)], ramp(total), [block])
    assert played.most_buffered <= 4 * SMALL.longest + block * UNIT
    assert sum(span.length for span in played.islands) == total


def test_windows_come_while_speech_goes_on() -> None:
    packer = Packer(SMALL)
    packer.feed(ramp(200 * UNIT), [], 0, 0)
    window = packer.next()
    assert window is not None
    assert window.span.start == 0


def test_a_cut_lies_at_the_longest_pause() -> None:
    """Filling the first window up would cut after the third island, in a pause of one unit."""
    islands, total = speaking(2, 12, 1, 12, 5, 8, 1, 12, 1, 12, 20)
    assert pack(islands, ramp(total)).spans == [at(0, 29), at(30, 68)]


def test_a_window_more_is_better_than_a_cut_between_words() -> None:
    islands, total = speaking(2, 15, 5, 15, 1, 15, 5, 15)
    assert [len(window.islands) for window in pack(islands, ramp(total)).windows] == [1, 2, 1]


def test_good_pauses_are_not_a_reason_for_more_windows() -> None:
    islands, total = speaking(0, 10, 5, 10, 7, 10, 5, 10)
    assert len(pack(islands, ramp(total)).windows) == 2


def test_neighbours_share_the_silence_between_them() -> None:
    islands, total = speaking(3, 30, 3, 30, 9)
    first, second = pack(islands, ramp(total)).spans
    assert (first.start, first.end) == (UNIT, 34 * UNIT + UNIT // 2)
    assert (second.start, second.end) == (first.end, 68 * UNIT)


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    sound = np.ones(70 * UNIT, np.float32)
    sound[33 * UNIT : 34 * UNIT] = 0.1
    sound[5 * UNIT : 6 * UNIT] = 0  # quieter, but the window would be nearly empty
    played = pack([at(0, 70)], sound)
    assert played.islands == [
        Span(0, 33 * UNIT + UNIT // 2),
        Span(33 * UNIT + UNIT // 2, 70 * UNIT),
    ]


def test_a_window_waits_for_what_may_still_join_it() -> None:
    packer = Packer(SMALL)
    packer.feed(ramp(20 * UNIT), [at(0, 10)], None, 18 * UNIT)
    assert packer.next() is None
    packer.feed(ramp(UNIT), [], None, 19 * UNIT)
    window = packer.next()
    assert window is not None
    assert window.span == at(0, 12)


def test_silence_is_forgotten_at_once() -> None:
    packer = Packer(SMALL)
    for unit in range(200):
        packer.feed(ramp(UNIT), [], None, unit * UNIT)
        assert packer.buffered <= UNIT + SMALL.pad
    packer.finish([])
    assert packer.next() is None


def test_nothing_fed_gives_nothing() -> None:
    packer = Packer()
    packer.finish([])
    assert packer.next() is None
    assert packer.position == 0


def test_position_is_where_the_next_window_starts() -> None:
    islands, total = speaking(20, 30, 3, 30, 20)
    packer = Packer(SMALL)
    packer.feed(ramp(total), islands, None, total)
    assert packer.position == 18 * UNIT
    first = packer.next()
    assert first is not None
    assert packer.position == first.span.end
    packer.next()
    assert packer.position == total - SMALL.pad


def test_the_defaults_fit_whisper() -> None:
    sound = ramp(200 * SAMPLE_RATE)
    played = pack([Span(0, len(sound))], sound, options=PackOptions())
    assert max(len(window.samples) for window in played.windows) <= 30 * SAMPLE_RATE


def test_speech_between_takes_parts_of_islands() -> None:
    islands = [Span(0, 10), Span(20, 30), Span(40, 50)]
    assert list(speech_between(islands, 5, 45)) == [Span(5, 10), Span(20, 30), Span(40, 45)]
    assert list(speech_between(islands, 10, 20)) == []
