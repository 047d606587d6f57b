from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import UsageError
from echocli.runtime.ladder import Ladder, LadderOptions, Load, Move, Rung

pytestmark = pytest.mark.unit

IDLE = Load(0.1)


def follow(ladder: Ladder, start: float, secs: float, load: Load, step: float = 1.0) -> list[Move]:
    """Return the moves of a load that lasts ``secs`` seconds."""
    moves = [ladder.observe(start + n * step, load) for n in range(round(secs / step))]
    return [move for move in moves if move is not None]


@pytest.mark.parametrize(
    ("load", "rung"),
    [
        (Load(None), Rung.NORMAL),
        (Load(0.79), Rung.NORMAL),
        (Load(0.8), Rung.WARNING),
        (Load(1.0), Rung.DEGRADE),
        (Load(1.2), Rung.EMERGENCY),
        (Load(5.0, 100.0), Rung.EMERGENCY),
        (Load(0.1, 2.0), Rung.WARNING),
        (Load(0.1, 5.0), Rung.DEGRADE),
        (Load(None, 10.0), Rung.EMERGENCY),
    ],
)
def test_the_first_move_goes_where_the_load_belongs(load: Load, rung: Rung) -> None:
    ladder = Ladder()
    ladder.observe(0.0, load)
    assert ladder.rung is rung


def test_a_level_lasts_ten_seconds_at_least() -> None:
    ladder = Ladder()
    assert ladder.observe(100.0, Load(0.8)) == Move(Rung.NORMAL, Rung.WARNING, 0, "RTF 0.80")
    assert follow(ladder, 100.0, 10, Load(3.0)) == []
    assert ladder.observe(110.0, Load(3.0)) == Move(Rung.WARNING, Rung.EMERGENCY, 0, "RTF 3.00")


def test_recovery_takes_thirty_seconds_of_calm_for_each_level() -> None:
    ladder = Ladder()
    ladder.observe(0.0, Load(1.5))
    moves = [(n, ladder.observe(float(n), IDLE)) for n in range(1, 120)]
    assert [(n, move.after) for n, move in moves if move is not None] == [
        (31, Rung.DEGRADE),
        (61, Rung.WARNING),
        (91, Rung.NORMAL),
    ]


def test_a_load_between_recovery_and_trigger_changes_nothing() -> None:
    ladder = Ladder()
    ladder.observe(0.0, Load(0.9))
    assert follow(ladder, 1.0, 600, Load(0.75)) == []
    assert ladder.rung is Rung.WARNING


def test_calm_that_is_interrupted_starts_anew() -> None:
    ladder = Ladder()
    ladder.observe(0.0, Load(0.9))
    follow(ladder, 1.0, 29, IDLE)
    ladder.observe(30.0, Load(0.75))
    assert follow(ladder, 31.0, 30, IDLE) == []
    assert follow(ladder, 61.0, 1, IDLE)[0].after is Rung.NORMAL


def test_the_interval_grows_once_every_dwell_while_the_load_lasts() -> None:
    ladder = Ladder()
    moves = follow(ladder, 0.0, 31, Load(0.9))
    assert [(move.after, move.stretch) for move in moves] == [
        (Rung.WARNING, 0),
        (Rung.WARNING, 1),
        (Rung.WARNING, 2),
        (Rung.WARNING, 3),
    ]


def test_normal_forgets_how_far_the_interval_had_grown() -> None:
    ladder = Ladder()
    follow(ladder, 0.0, 31, Load(0.9))
    assert follow(ladder, 31.0, 60, IDLE)[-1] == Move(
        Rung.WARNING, Rung.NORMAL, 0, "the load is over"
    )


def test_what_no_smaller_model_saves_fails_over_after_a_minute() -> None:
    ladder = Ladder()
    ladder.observe(0.0, Load(3.0))
    hopeless = [ladder.observe(float(n), Load(3.0), rescue=True) for n in range(1, 75)]
    first = next(n for n, move in enumerate(hopeless, 1) if move and move.after is Rung.FAILOVER)
    assert 60 <= first <= 71


def test_without_a_faster_fallback_it_stays() -> None:
    ladder = Ladder()
    follow(ladder, 0.0, 300, Load(3.0))
    assert ladder.rung is Rung.EMERGENCY


def test_a_ladder_may_end_earlier() -> None:
    ladder = Ladder(top=Rung.DEGRADE)
    ladder.observe(0.0, Load(3.0))
    assert ladder.rung is Rung.DEGRADE


@pytest.mark.parametrize(
    "wrong",
    [
        {"recovery": 0.8},
        {"rtf": (0.8, 0.8, 1.2)},
        {"hopeless": 1.0},
        {"backlog": (2.0, 1.0, 10.0)},
        {"backlog": (0.0, 1.0, 10.0)},
    ],
)
def test_thresholds_out_of_order_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must rise"):
        LadderOptions(**wrong)  # type: ignore[arg-type]


LOADS = st.lists(
    st.tuples(
        st.floats(0.05, 20.0),
        st.one_of(st.none(), st.floats(0.0, 5.0)),
        st.floats(0.0, 40.0),
    ),
    max_size=80,
)


@given(LOADS)
def test_any_trace_dwells_recovers_singly_and_ends_normal(
    trace: list[tuple[float, float | None, float]],
) -> None:
    ladder, now, moves = Ladder(), 0.0, list[tuple[float, Move]]()
    for secs, rtf, backlog in trace:
        now += secs
        if move := ladder.observe(now, Load(rtf, backlog), rescue=True):
            moves.append((now, move))
    for n in range(200):
        if move := ladder.observe(now + n, IDLE):
            moves.append((now + n, move))
    gaps = [late - early for (early, _), (late, _) in pairwise(moves)]
    assert all(gap >= ladder.options.dwell for gap in gaps)
    assert all(move.after >= move.before - 1 for _, move in moves)
    recoveries = [at for at, move in moves if move.after < move.before]
    assert all(b - a >= 30.0 for a, b in pairwise(recoveries))
    assert ladder.rung is Rung.NORMAL
