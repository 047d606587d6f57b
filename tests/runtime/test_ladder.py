from __future__ import annotations

from dataclasses import dataclass
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


def relapsing(ladder: Ladder, start: float, away: float) -> tuple[float, float]:
    """Go up, wait for NORMAL, and go up again ``away`` later; return the calms that took."""
    took = []
    for _ in range(2):
        ladder.observe(start, Load(0.9))
        now = start
        while ladder.rung is not Rung.NORMAL:
            now += 1.0
            ladder.observe(now, IDLE)
        took.append(now - start)
        start = now + away
    return took[0], took[1]


def test_who_falls_back_soon_waits_twice_as_long_the_next_time() -> None:
    assert relapsing(Ladder(), 0.0, 20.0) == (31.0, 61.0)


def test_an_overload_long_after_is_a_new_one() -> None:
    assert relapsing(Ladder(), 0.0, 41.0) == (31.0, 31.0)


def test_several_levels_of_one_relapse_double_the_calm_once() -> None:
    ladder = Ladder()
    follow(ladder, 0.0, 1, Load(0.9))
    assert follow(ladder, 1.0, 31, IDLE)[-1].after is Rung.NORMAL
    for start, rtf in ((42.0, 0.9), (52.0, 1.1), (62.0, 1.5)):
        follow(ladder, start, 1, Load(rtf))
    assert ladder.rung is Rung.EMERGENCY
    assert follow(ladder, 63.0, 60, IDLE) == []
    assert follow(ladder, 123.0, 1, IDLE)[0].after is Rung.DEGRADE


def test_a_calm_has_an_upper_bound() -> None:
    ladder = Ladder(LadderOptions(longest_calm=100.0))
    start, took = 0.0, []
    for _ in range(5):
        took.append(relapsing(ladder, start, 10.0))
        start += sum(took[-1]) + 20.0
    assert max(max(pair) for pair in took) == 101.0


def test_short_memory_leads_to_a_smaller_model_and_back_when_it_is_over() -> None:
    ladder = Ladder()
    short = Load(0.1, short_of_memory=True)
    assert ladder.observe(0.0, short) == Move(Rung.NORMAL, Rung.DEGRADE, 0, "memory is short")
    assert {move.after for move in follow(ladder, 1.0, 100, short)} == {Rung.DEGRADE}
    follow(ladder, 101.0, 62, IDLE)
    assert ladder.rung is Rung.NORMAL


def test_what_is_worse_than_short_memory_goes_further() -> None:
    ladder = Ladder()
    ladder.observe(0.0, Load(1.3, short_of_memory=True))
    assert ladder.rung is Rung.EMERGENCY


def test_nothing_is_taken_back_while_the_last_move_is_not_in_force() -> None:
    ladder = Ladder()
    ladder.observe(0.0, Load(1.1))
    assert [ladder.observe(float(n), IDLE, settled=False) for n in range(1, 200)] == [None] * 199
    move = ladder.observe(200.0, IDLE)
    assert move is not None
    assert move.after is Rung.WARNING
    assert follow(ladder, 201.0, 29, IDLE) == []


def test_more_is_done_also_while_the_last_move_is_not_in_force() -> None:
    ladder = Ladder()
    ladder.observe(0.0, Load(0.9))
    move = ladder.observe(10.0, Load(1.3), settled=False)
    assert move is not None
    assert move.after is Rung.EMERGENCY


def test_a_ladder_that_ends_with_an_emergency_never_fails_over() -> None:
    ladder = Ladder(top=Rung.EMERGENCY)
    for n in range(200):
        ladder.observe(float(n), Load(3.0), rescue=True)
    assert ladder.rung is Rung.EMERGENCY


def test_it_is_hopeless_only_while_it_is() -> None:
    ladder = Ladder()
    follow(ladder, 0.0, 62, Load(3.0))
    assert ladder.is_hopeless(61.0)
    ladder.observe(62.0, Load(1.9))
    assert not ladder.is_hopeless(62.0)


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


@dataclass(frozen=True)
class Step:
    secs: float
    load: Load
    settled: bool


STEPS = st.lists(
    st.builds(
        Step,
        st.floats(0.05, 40.0),
        st.builds(
            Load,
            st.one_of(st.none(), st.floats(0.0, 5.0)),
            st.floats(0.0, 40.0),
            st.booleans(),
        ),
        st.booleans(),
    ),
    max_size=80,
)


@given(STEPS, st.booleans(), st.sampled_from(Rung))
def test_any_trace_dwells_recovers_singly_and_ends_normal(
    trace: list[Step], rescue: bool, top: Rung
) -> None:
    ladder, options = Ladder(top=top), LadderOptions()
    now, moves = 0.0, list[tuple[float, Move, Step]]()
    calm_since: float | None = None
    for step in trace:
        now += step.secs
        calm = (step.load.rtf or 0.0) < 0.7 and step.load.backlog < 2.0
        calm = calm and not step.load.short_of_memory
        calm_since = None if not calm else now if calm_since is None else calm_since
        move = ladder.observe(now, step.load, rescue=rescue, settled=step.settled)
        if move is None:
            continue
        moves.append((now, move, step))
        if move.after < move.before:
            assert calm_since is not None
            assert now - calm_since >= options.calm
            assert step.settled
            calm_since = now
    assert all(late[0] - early[0] >= options.dwell for early, late in pairwise(moves))
    assert all(move.before is early.after for (_, early, _), (_, move, _) in pairwise(moves))
    assert all(move.after >= move.before - 1 for _, move, _ in moves)
    assert all(move.after <= top for _, move, _ in moves)
    # Every calm is at most the longest, one for each level.
    limit = now + 4 * options.longest_calm + options.dwell + 5
    while now < limit and ladder.rung is not Rung.NORMAL:
        now += 1.0
        ladder.observe(now, IDLE)
    assert ladder.rung is Rung.NORMAL
    assert ladder.stretch == 0


@given(st.lists(st.floats(0.7, 0.7999), max_size=60), st.sampled_from([0.9, 1.1, 1.5]))
def test_between_the_thresholds_nothing_ever_changes(between: list[float], before: float) -> None:
    ladder = Ladder()
    assert [ladder.observe(10.0 * n, Load(rtf)) for n, rtf in enumerate(between)] == [None] * len(
        between
    )
    ladder.observe(1000.0, Load(before))
    rung = ladder.rung
    for n, rtf in enumerate(between):
        assert ladder.observe(1010.0 + 10.0 * n, Load(rtf)) is None
    assert ladder.rung is rung


@given(STEPS)
def test_the_same_trace_gives_the_same_moves(trace: list[Step]) -> None:
    def moves() -> list[Move | None]:
        ladder, now, found = Ladder(), 0.0, []
        for step in trace:
            now += step.secs
            found.append(ladder.observe(now, step.load, settled=step.settled))
        return found

    assert moves() == moves()
