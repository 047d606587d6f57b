"""Labels cover neither points nor each other."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.labels import GAP, Box, place

pytestmark = pytest.mark.unit

AREA = Box(0, 0, 1000, 800)
POINTS = st.lists(st.tuples(st.floats(150, 850), st.floats(150, 650)), max_size=12)


@given(POINTS)
def test_labels_never_overlap(points: list[tuple[float, float]]) -> None:
    boxes = place(points, [(120.0, 14.0)] * len(points), AREA)
    assert all(box.inside(AREA) for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    marks = [Box(x - GAP / 2, y - GAP / 2, GAP, GAP) for x, y in points]
    assert not any(box.overlaps(mark) for box in boxes for mark in marks)


def test_a_lone_label_is_right_of_its_point_at_its_height() -> None:
    (box,) = place([(500, 400)], [(100, 14)], AREA)
    assert (box.x, box.y) == (500 + 2 * GAP, 393)


def test_where_there_is_no_room_a_label_is_still_put_somewhere() -> None:
    (box,) = place([(5, 5)], [(100, 14)], Box(0, 0, 10, 10))
    assert box.x == 5 + 2 * GAP
