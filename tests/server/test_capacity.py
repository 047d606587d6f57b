"""How many sessions there may be follows from what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.server.capacity import SESSION_MB, Measured, allowed

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (Measured(0, None, None), 10),
        (Measured(3, 0.15, 8000.0), 10),
        (Measured(4, 0.8, 8000.0), 5),
        (Measured(4, 1.6, 8000.0), 2),
        (Measured(2, 9.0, 8000.0), 1),
        (Measured(1, 0.5, 8000.0), 10),
        (Measured(3, 0.1, 0.0), 3),
        (Measured(3, 0.1, 2.5 * SESSION_MB), 5),
        (Measured(0, None, 0.0), 0),
    ],
)
def test_load_and_memory_lower_the_limit(measured: Measured, expected: int) -> None:
    assert allowed(10, measured) == expected


@given(
    limit=st.integers(1, 50),
    sessions=st.integers(0, 50),
    load=st.none() | st.floats(0, 100),
    left=st.none() | st.floats(0, 1e6),
)
def test_the_limit_is_never_exceeded(
    limit: int, sessions: int, load: float | None, left: float | None
) -> None:
    assert 0 <= allowed(limit, Measured(sessions, load, left)) <= limit
