"""The reader of the live mode finds its latencies, and the soak sees what grows and drifts."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest

from benchmarks.containers import sizes
from benchmarks.live import Trial, parse, table, together
from benchmarks.live_material import fitting, write
from benchmarks.live_reading import Reading, read, waits
from benchmarks.material import Part
from benchmarks.processes import Line
from benchmarks.soak import make_loop, samples, soak, spec_of
from benchmarks.soak_findings import Found, Look, drift, faults, growths
from benchmarks.timestamps import TimedWord, Utterance
from echocli.bench.accuracy import Errors
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit


def line(at: float, kind: str, **fields: Any) -> Line:
    """A line that comes ``at`` seconds after the source began, which was at 10 s."""
    return Line(10 + at, json.dumps({"type": kind, **fields}))


RUN = [
    line(0.04, "ready"),
    line(0.26, "meter", position=0.25),
    line(0.5, "meter", position=0.5),
    line(1.2, "speech_started", id=0, start=1.1),
    line(1.6, "partial", id=0, text="Hello", committed=""),
    line(1.9, "partial", id=0, text="Hello there", committed="Hello"),
    line(2.55, "speech_ended", id=0, start=1.1, end=2.1, reason="silence"),
    line(2.6, "final", id=0, start=1.1, end=2.1, text="Hello there."),
    line(3.0, "stats", stats={"busy_seconds": 0.5}),
]
TRUE = [Utterance(1.0, 2.0, "Hello there.")]
ALIGNED = [TimedWord(1.0, 1.5, "Hello"), TimedWord(1.5, 2.0, " there.")]


def test_waits_are_counted_from_the_true_edges() -> None:
    reading = read(RUN)
    assert (reading.text, reading.stats["busy_seconds"]) == ("Hello there.", 0.5)
    found = waits(reading, TRUE, ALIGNED)
    assert found.ttfs == pytest.approx([0.6])
    assert found.hangover == pytest.approx([0.55])
    assert found.finalising == pytest.approx([0.05])
    assert found.first_partial == found.first_text == pytest.approx([0.6])
    assert found.commit == pytest.approx([0.4, 0.6])
    assert (found.edges, found.words, found.committed, found.broken) == (1, 2, 1, 0)


def test_a_final_that_breaks_a_promise_is_seen() -> None:
    last = line(2.6, "final", id=0, start=1.1, end=2.1, text="Yellow there.")
    assert waits(read([*RUN[:-2], last]), TRUE, ALIGNED).broken == 1


def test_edges_that_were_not_found_have_no_latency() -> None:
    found = waits(read(RUN), [Utterance(5.0, 9.0, "Hello there.")], ())
    assert (found.ttfs, found.first_partial, found.commit) == ((), (), ())
    assert found.finalising == pytest.approx([0.05])
    assert waits(Reading((), {}), TRUE, ALIGNED).edges == 1


def test_a_final_without_a_partial_is_a_first_text_only() -> None:
    found = waits(read([one for one in RUN if "partial" not in one.text]), TRUE, ALIGNED)
    assert found.first_partial == ()
    assert found.first_text == pytest.approx([1.6])


def trial(name: str, **more: Any) -> Trial:
    found = waits(read(RUN), TRUE, ALIGNED)
    errors = Errors(2)
    return replace(Trial(name, 5.0, found, errors, errors, 0.5, 0.1, 300.0), **more)


def test_trials_are_put_together_and_held_against_the_targets() -> None:
    both = together([trial("a"), trial("b", busy_seconds=4.0)])
    assert [both.seconds, both.busy_seconds, both.others] == pytest.approx([10.0, 4.5, 0.1])
    assert (both.waits.words, len(both.waits.ttfs), both.live.length) == (4, 2, 4)
    text = table([trial("a"), both])
    assert "| busy, % | 10.0 | 45.0 | ≤ 35 | **no** |" in text
    assert "| finalising, p95 s | 0.05 | 0.05 | ≤ 0.35 | yes |" in text


def tone(secs: float) -> Part:
    sound = np.zeros(round(secs * SAMPLE_RATE), np.float32)
    sound[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2] = 0.3
    return Part(sound, "beep", 1.0)


def test_parts_are_joined_with_the_edges_of_their_sound(tmp_path: Path) -> None:
    take = write(tmp_path / "take.wav", "take", [tone(2.0), tone(3.0)])
    first, second = take.utterances
    assert [first.start, first.end] == pytest.approx([0.5, 1.5], abs=0.02)
    assert [second.start, second.end] == pytest.approx([3.5, 5.5], abs=0.02)
    assert take.seconds == pytest.approx(8.5)
    assert take.reference == "beep beep"


def test_a_limit_leaves_at_least_one_part() -> None:
    parts = [tone(4.0), tone(2.0), tone(1.0)]
    assert len(fitting(iter(parts), None)) == 3
    assert len(fitting(iter(parts), 1.0)) == 1
    assert len(fitting(iter(parts), 7.0)) == 2
    assert parse(["--limit", "60"]).limit == 60


class TestSoak:
    def look(self, at: float, parent: float = 100.0, **more: int) -> Look:
        return Look(at, parent, 50.0, more)

    def test_memory_may_grow_in_the_beginning_only(self) -> None:
        looks = [self.look(n, 100.0 if n == 1 else 140.0) for n in range(1, 11)]
        assert growths(Found(1.0, looks)) == []
        looks[-1] = self.look(10, 148.0)
        assert growths(Found(1.0, looks)) == ["parent_mb grew from 140.0 to 148.0"]

    def test_a_queue_that_grows_is_named_and_figures_have_a_bound_of_their_own(self) -> None:
        looks = [self.look(n, queue=100 * n, commit=1000 * n) for n in range(1, 11)]
        assert growths(Found(1.0, looks)) == []
        looks[-1] = self.look(10, queue=2000, commit=20_001)
        found = growths(Found(1.0, looks))
        assert [text.split()[0] for text in found] == ["commit", "queue"]

    def test_finals_must_begin_where_they_began_a_loop_before(self) -> None:
        starts = [10.0 * n + at for n in range(5) for at in (1.0, 5.0)]
        found = drift(Found(10.0, starts=starts))
        assert found is not None
        assert found.worst == pytest.approx(0)
        assert (found.missing, found.extra) == (0, 0)
        off = Found(10.0, [self.look(1), self.look(2)], [*starts[:-3], 35.08, *starts[-2:]])
        assert faults(off) == ["a final begins 80 ms off"]
        assert drift(Found(10.0, starts=starts[:4])) is None

    def test_all_containers_of_the_package_are_counted_once(self) -> None:
        queue: SimpleQueue[int] = SimpleQueue()
        queue.put(1)
        shared = [1, 2, 3]
        found = sizes({"a": {"x": shared, "y": deque([shared, [4]])}, "queue": queue})
        assert found == {"a": 2 + 3 + 2 + 1, "queue": 1}

    def test_five_simulated_minutes_neither_grow_nor_drift(self, tmp_path: Path) -> None:
        loop = make_loop(samples())
        found = soak(spec_of("scripted", None, tmp_path), loop, 330.0)
        off = drift(found)
        assert off is not None
        assert (off.missing, off.extra, found.gaps) == (0, 0, 0)
        assert off.worst <= 0.05
        assert len(found.starts) > 20
        (look,) = found.looks
        assert look.worker_mb > 10
        assert look.sizes["ear.source._sound._buffer._store"] <= 32 * SAMPLE_RATE
