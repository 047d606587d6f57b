"""How fast memory grows is told from when it has settled."""

from __future__ import annotations

import pytest

from benchmarks.soak_findings import HOUR, Found, Look
from benchmarks.soak_slopes import report, slope

pytestmark = pytest.mark.unit


def looks(parent: float, worker: float, count: int = 24) -> list[Look]:
    """Look every five minutes; memory grows by so many MB an hour, and jumps at the beginning."""
    return [
        Look(300.0 * at, 50 + jump + parent * at / 12, 300 + jump + worker * at / 12, {})
        for at in range(1, count + 1)
        for jump in (-40 if at == 1 else 0,)
    ]


def test_growth_of_the_first_ten_minutes_does_not_count() -> None:
    assert slope(looks(0, 0), "parent_mb") == pytest.approx(0)
    assert slope(looks(1, 7), "worker_mb") == pytest.approx(7)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_short_run_has_no_slope(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = Found(60.0, looks(0, 99, count))
    assert slope(found.looks, "worker_mb") is None
    assert report(found) == []
    assert "too short for a slope" in capsys.readouterr().out


def test_five_megabytes_an_hour_are_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(Found(HOUR, looks(4.9, -3))) == []
    assert report(Found(HOUR, looks(0, 5.1))) == ["the worker grows by 5.10 MB an hour of audio"]
    assert "worker: +5.10 MB an hour of audio after 10 min" in capsys.readouterr().out
