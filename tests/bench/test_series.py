from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.bench.series import AtLevel, Course, Levels, MemoryTrack, Pace
from echocli.clock import SteppingClock
from echocli.events import Level

pytestmark = pytest.mark.unit

# Sound comes by whole samples: less than one is none.
sound = st.just(0.0) | st.floats(1 / 16_000, 50)
steps = st.lists(st.tuples(sound, st.floats(0, 50)), max_size=200)


@given(steps, st.floats(0, 20), st.integers(3, 12))
def test_a_pace_accounts_for_all_work_in_few_stretches(
    grown: list[tuple[float, float]], least: float, most: int
) -> None:
    pace, position, busy = Pace(least, most), 0.0, 0.0
    for more, work in grown:
        position, busy = position + more, busy + work
        pace.note(position, busy)
    curve = pace.curve
    edges = curve.seconds
    assert len(edges) <= most + 1
    assert list(edges) == sorted(set(edges))
    if position > 0:
        assert (edges[0], edges[-1], len(curve.rtf)) == (0.0, position, len(edges) - 1)
        lengths = [b - a for a, b in itertools.pairwise(edges)]
        assert sum(r * s for r, s in zip(curve.rtf, lengths, strict=True)) == pytest.approx(busy)


def test_work_without_progress_counts_for_what_comes_next() -> None:
    pace = Pace()
    pace.note(0.0, 3.0)
    pace.note(10.0, 5.0)
    pace.note(20.0, 6.0)
    assert pace.curve.rtf == (0.5, 0.1)


def test_nothing_read_has_no_pace() -> None:
    pace = Pace()
    pace.note(0.0, 1.0)
    assert (pace.curve.seconds, pace.curve.rtf) == ((), ())


@given(
    st.lists(st.tuples(st.floats(0, 9), st.integers(0, 99), st.integers(0, 99)), max_size=300),
    st.integers(2, 12),
)
def test_memory_keeps_its_peaks_in_few_points(
    looks: list[tuple[float, int, int]], most: int
) -> None:
    clock = SteppingClock()
    track = MemoryTrack(clock, most)
    for later, parent, workers in looks:
        clock.advance(later)
        track.note(parent, workers)
    curve = track.curve
    assert len(curve.seconds) == len(curve.parent) == len(curve.workers) <= most
    assert list(curve.seconds) == sorted(curve.seconds)
    if looks:
        assert curve.seconds[0] == 0.0
        assert max(curve.parent) == max(parent for _, parent, _ in looks)
        assert max(curve.workers) == max(workers for _, _, workers in looks)


def to(level: str, position: float) -> Level:
    return Level("X", level, f"to {level}", None, 0.0, (), position)


def test_levels_are_kept_where_they_change() -> None:
    levels = Levels(most=3)
    for event in (to("WARNING", 1.0), to("WARNING", 2.0), to("DEGRADE", 3.0), to("NORMAL", 4.0)):
        levels.note(event)
    assert levels.levels == (
        AtLevel(0.0, "NORMAL"),
        AtLevel(3.0, "DEGRADE", "to DEGRADE"),
        AtLevel(4.0, "NORMAL", "to NORMAL"),
    )


def test_a_course_says_whether_a_ladder_ran() -> None:
    assert Course().to_dict() == {"seconds": (), "rtf": (), "levels": None}
    levels = Course(levels=(AtLevel(0.0, "NORMAL"),)).to_dict()["levels"]
    assert levels == [{"position": 0.0, "level": "NORMAL", "reason": ""}]
