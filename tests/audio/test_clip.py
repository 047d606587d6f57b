from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.clip import ENDLESS, WHOLE, Clip
from echocli.types import SAMPLE_RATE, Samples, Segment, Span, Word

pytestmark = pytest.mark.unit

spans = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 60)).map(lambda it: Span(it[0], sum(it))),
    min_size=1,
    max_size=6,
)


def covered(parts: list[Span]) -> set[int]:
    return {position for part in parts for position in range(part.start, part.end)}


def blocks(sound: Samples, size: int) -> list[Samples]:
    return [sound[at : at + size] for at in range(0, len(sound), size)]


@given(spans)
def test_parts_are_in_order_apart_and_cover_what_was_asked(given_spans: list[Span]) -> None:
    clip = Clip.of(given_spans)
    assert covered(list(clip.parts)) == covered(given_spans)
    assert all(one.end < two.start for one, two in itertools.pairwise(clip.parts))
    assert Clip.of(clip.parts) == clip
    assert Clip.of(reversed(given_spans)) == clip


@given(spans, st.integers(0, 400), st.integers(1, 400))
def test_samples_inside_are_counted(given_spans: list[Span], start: int, length: int) -> None:
    clip = Clip.of(given_spans)
    expected = len(covered(given_spans) & set(range(start, start + length)))
    assert clip.inside(start, start + length) == expected


@given(spans, st.integers(1, 400), st.integers(1, 97))
def test_sound_outside_is_silent_and_the_rest_stays_where_it_was(
    given_spans: list[Span], total: int, size: int
) -> None:
    clip = Clip.of(given_spans)
    sound = np.arange(1, total + 1, dtype=np.float32)
    heard = np.concatenate(list(clip.cut(blocks(sound, size))))
    wanted = [value if at in covered(given_spans) else 0 for at, value in enumerate(sound)]
    assert heard.tolist() == wanted[: clip.end]


@given(spans, st.integers(1, 9))
def test_frames_that_touch_a_part_are_told(given_spans: list[Span], size: int) -> None:
    found = Clip.of(given_spans).frames(3, 20, size)
    inside = covered(given_spans)
    wanted = [bool(inside & set(range(at * size, (at + 1) * size))) for at in range(3, 20)]
    assert found.tolist() == wanted


def test_nothing_is_read_behind_the_last_part() -> None:
    endless = (np.full(100, number, np.float32) for number in itertools.count())
    clip = Clip((Span(50, 60), Span(150, 210)))
    assert sum(map(len, clip.cut(endless))) == 210
    assert next(endless)[0] == 3


def test_all_of_an_input_passes_untouched() -> None:
    sound = np.ones(1000, np.float32)
    heard = list(WHOLE.cut(blocks(sound, 300)))
    assert [len(block) for block in heard] == [300, 300, 300, 100]
    assert all(np.shares_memory(block, sound) for block in heard)


def test_a_block_is_not_changed_for_its_owner() -> None:
    block = np.ones(10, np.float32)
    assert sum(map(np.sum, Clip((Span(4, 6),)).cut([block]))) == 2
    assert block.sum() == 10


@pytest.mark.parametrize(
    ("times", "moved"),
    [((0.8, 1.5), (1, 1.5)), ((0.8, 5), (1, 4)), ((1.2, 2.5), (1.2, 2)), ((2.2, 2.5), (2.2, 2.5))],
)
def test_times_of_segments_and_words_are_moved_into_the_parts(
    times: tuple[float, float], moved: tuple[float, float]
) -> None:
    clip = Clip((Span(SAMPLE_RATE, 2 * SAMPLE_RATE), Span(3 * SAMPLE_RATE, 4 * SAMPLE_RATE)))
    segment = Segment(0, *times, "text", words=(Word(*times, " text", 0.9),))
    assert clip.fit(segment) == Segment(0, *moved, "text", words=(Word(*moved, " text", 0.9),))
    assert clip.fit(Segment(0, *times, "text")).words is None
    assert WHOLE.fit(segment) == segment


def test_the_first_part_behind_the_end_is_found() -> None:
    clip = Clip((Span(5, 9), Span(20, 25), Span(30, ENDLESS)))
    assert clip.beyond(20) == Span(20, 25)
    assert clip.beyond(21) == Span(30, ENDLESS)
    assert clip.beyond(31) is None
