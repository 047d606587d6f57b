"""What the benchmarks of the ladder and of kills say was lost, and how blows are spread."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from benchmarks.killing import Struck, plan, volley
from benchmarks.kills import Piece, Result, differing, first_texts, recoveries, unexplained
from benchmarks.ladder import Trial, faults, moves, summary
from benchmarks.ladder_reading import Gap, Heard, read
from benchmarks.processes import Line, ProcessFailed
from benchmarks.timestamps import Utterance
from echocli.bench.accuracy import Errors

pytestmark = pytest.mark.unit

STATS: dict[str, Any] = {
    "model": "base",
    "audio_seconds": 60.0,
    "busy_seconds": 6.0,
    "worker_restarts": 0,
    "live": {
        "spooled_seconds": 4.0,
        "backfilled_seconds": 2.0,
        "ttfs_ms": {"p50": 500, "p95": 900},
    },
}


def heard(*events: tuple[str, dict[str, Any]]) -> Heard:
    """Read the events of a run, which ends with its figures."""
    all_of_them = [*events, ("stats", {"stats": STATS})]
    lines = [json.dumps({"type": kind, **fields}) for kind, fields in all_of_them]
    return read([Line(0.0, line) for line in lines])


def level(before: str, after: str, position: float) -> tuple[str, dict[str, Any]]:
    fields = {"from": before, "to": after, "position": position, "reason": "RTF 2.00"}
    return "level", {**fields, "rtf": 2.0, "effects": []}


def said(kind: str, start: float, text: str) -> tuple[str, dict[str, Any]]:
    return kind, {"start": start, "text": text}


def gap(start: float, end: float, reason: str) -> tuple[str, dict[str, Any]]:
    return "gap", {"start": start, "end": end, "reason": reason}


def test_a_gap_is_left_unless_it_is_backfilled() -> None:
    found = heard(
        said("final", 0, " One"),
        gap(2, 4, "spooled: too slow"),
        said("final", 6, " three"),
        gap(8, 10, "spooled: too slow"),
        gap(8, 10, "discarded: disk full"),
        gap(12, 13, "overrun"),
        said("backfill", 2.2, " two"),
    )
    assert found.text == "One two three"
    assert found.left == (Gap(8, 10), Gap(12, 13))
    utterances = [Utterance(2, 4, "two"), Utterance(9, 11, "four more words here")]
    assert found.lost_words(utterances) == pytest.approx(2)


def test_a_run_that_gave_up_is_an_error() -> None:
    with pytest.raises(ProcessFailed):
        read([Line(0.0, '{"type": "ready"}')])


def test_only_a_recovery_before_the_end_counts_as_being_back() -> None:
    up, down = level("NORMAL", "EMERGENCY", 20), level("EMERGENCY", "NORMAL", 50)
    assert heard().back_at == 0
    assert (heard(up, down).highest, heard(up, down).back_at) == ("EMERGENCY", 50)
    assert heard(up).back_at is None
    assert heard(up, level("EMERGENCY", "NORMAL", 60)).back_at is None


def test_words_lost_accuracy_level_and_model_are_faults() -> None:
    calm = Trial("undisturbed", heard(), Errors(100, 5), 0.0, 400.0, 0.0)
    bad = heard(level("NORMAL", "DEGRADE", 20), gap(1, 2, "discarded"))
    trial = Trial("load", bad, Errors(100, 8), 3.0, 400.0, 0.0)
    assert faults(calm, calm, "base") == []
    assert len(faults(trial, calm, "small")) == 4
    assert "DEGRADE" in moves(trial)
    assert "+3.00" in summary([calm, trial], "base")


def test_blows_are_the_same_every_time_and_spread_over_the_windows() -> None:
    blows = plan(1, 30, 50, 3)
    assert blows == plan(1, 30, 50, 3) != plan(2, 30, 50, 3)
    assert [one.signal for one in blows].count(signal.SIGSTOP) == 3
    assert [one.windows for one in blows] == sorted(one.windows for one in blows)
    thirds = [sum(one.windows // 8 == third for one in blows) for third in range(3)]
    assert all(10 <= count <= 25 for count in thirds)
    assert len(set(volley(1, 12))) == 1


def result(*pieces: Piece, **fields: Any) -> Result:
    known: dict[str, Any] = {"gaps": (), "text_at": (), "failovers": 0, "stats": {}}
    return Result(pieces=pieces, seconds=1.0, others=0.0, **(known | fields))


def test_a_difference_is_explained_by_a_gap_it_reaches_into() -> None:
    calm = result((0, 2, "one"), (3, 5, "two"), (6, 8, "three"))
    hit = result((0, 2, "one"), (6, 8, "tree"), gaps=((3, 5, "lost"),))
    found = differing(calm, hit)
    assert len(found) == 3
    assert unexplained(found, hit.gaps) == [(6, 8, "three"), (6, 8, "tree")]


def test_the_fallback_is_waited_for_from_the_first_and_the_last_kill() -> None:
    kill = signal.SIGKILL
    struck = (Struck(kill, 2.0), Struck(kill, 3.0), Struck(kill, 4.0, 5.5))
    run = result(struck=struck, text_at=(1.0, 5.6, 7.0), failovers=1)
    assert first_texts(run) == pytest.approx((3.6, 1.6))
    assert first_texts(result(struck=struck, text_at=(1.0,))) is None
    assert recoveries(struck, kill) == [1.5]
