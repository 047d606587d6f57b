from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.stopping import StopRule
from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "limit", "silence"),
    [
        ("90", 90.0, None),
        (" 0.5 ", 0.5, None),
        ("1:30", 90.0, None),
        ("90:00", 5400.0, None),
        ("1:02:03.5", 3723.5, None),
        ("silence:20", None, 20.0),
        ("Silence:1:30", None, 90.0),
    ],
)
def test_a_time_or_a_silence_is_read(text: str, limit: float | None, silence: float | None) -> None:
    rule = StopRule.parse(text)
    assert rule.limit == (None if limit is None else limit * SAMPLE_RATE)
    assert rule.silence == (None if silence is None else silence * SAMPLE_RATE)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "0",
            "0:00",
            "0.00001",
            "-5",
            "+5",
            "nan",
            "inf",
            "1e3",
            "5s",
            "1:60",
            "60:00:00:00",
        ),
        *("1:", ":30", "1.5:00", "1,5", "٣", "silence", "silence:", "silence:0", "silence:-1"),
        *("quiet:5", "silence:silence:5", "silence 5", "1" * 400),
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        StopRule.parse(text)
    assert "1:30" in str(caught.value.hint)
    assert "silence:20" in str(caught.value.hint)


@given(position=st.integers(0, 10**6), quiet=st.integers(0, 10**6))
def test_a_limit_is_reached_by_position_alone(position: int, quiet: int) -> None:
    assert StopRule(limit=48_000).reached(position, quiet) == (position >= 48_000)


@given(position=st.integers(0, 10**6), quiet=st.integers(0, 10**6))
def test_a_silence_is_reached_so_long_after_the_last_speech(position: int, quiet: int) -> None:
    assert StopRule(silence=48_000).reached(position, quiet) == (position >= quiet + 48_000)
