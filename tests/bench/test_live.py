"""Waits are counted from when events come out, against the sound."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.open import open_source
from echocli.audio.playback import Playback
from echocli.bench.live import LiveTrial, Stopwatch, Waits, measure_live
from echocli.bench.live_figures import METRICS, WAITS, LiveReport, live_figures, metrics
from echocli.bench.spoken import beside, pairs, parse
from echocli.clock import SteppingClock, SystemClock
from echocli.errors import UsageError
from echocli.events import Event, Final, Meter, Partial, Ready, SpeechEnded, SpeechStarted
from echocli.providers.base import LoadSpec
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.live_run import Live
from echocli.runtime.supervisor import Supervisor
from echocli.types import SAMPLE_RATE, Segment, Word

pytestmark = pytest.mark.unit


def said(text: str, end: float = 2.0, words: tuple[Word, ...] | None = None) -> Segment:
    return Segment(0, 1.0, end, text, words=words)


def timed(*events: tuple[float, Event], true: list[Word] | None = None) -> tuple[Stopwatch, Waits]:
    """Let events come at their times, counted from when the source began at 100 s."""
    clock = SteppingClock()
    stopwatch = Stopwatch(clock)
    for at, event in events:
        clock.time = 100 + at
        stopwatch.take(event)
    return stopwatch, stopwatch.waits(true)


HELLO = (Word(1.0, 1.5, "Hello", 1.0), Word(1.5, 2.0, " there.", 1.0))

TURN: tuple[tuple[float, Event], ...] = (
    (0.1, Ready("f", "p", "m")),
    (0.25, Meter(0.25, -20, -10)),
    (1.2, SpeechStarted(0, 1.0)),
    (1.6, Partial(said("Hello"), "")),
    (1.9, Partial(said("Hello there"), "Hello")),
    (2.5, SpeechEnded(0, 1.0, 2.0, "silence")),
    (2.6, Final(said("Hello there.", words=HELLO))),
)


def test_each_wait_is_from_its_sound_to_its_event() -> None:
    stopwatch, waits = timed(*TURN)
    assert waits.ttfs == pytest.approx([600])
    assert waits.hangover == pytest.approx([500])
    assert waits.finalising == pytest.approx([100])
    assert waits.first_partial == pytest.approx([600])
    assert waits.commit == pytest.approx([400, 600])
    assert (stopwatch.words, stopwatch.committed, stopwatch.text) == (2, 1, "Hello there.")


def test_a_late_ready_does_not_hide_a_delay() -> None:
    late: list[tuple[float, Event]]
    late = [(at, event) for at, event in TURN if not isinstance(event, Meter)]
    late.append((2.75, Meter(2.75, -20, -10)))
    assert timed(*late)[1].ttfs == pytest.approx([600])


def test_true_times_of_words_count_where_they_are_known() -> None:
    true = [Word(1.0, 1.4, "hello", 1.0), Word(1.4, 1.6, "to", 1.0), Word(1.6, 1.9, "there", 1.0)]
    assert timed(*TURN, true=true)[1].commit == pytest.approx([500, 700])


def test_an_utterance_that_was_cut_has_no_end_of_speech() -> None:
    events = [
        (at, SpeechEnded(0, 1.0, 2.0, "split") if isinstance(event, SpeechEnded) else event)
        for at, event in TURN
    ]
    waits = timed(*events)[1]
    assert (waits.ttfs, waits.hangover) == ((), ())
    assert waits.finalising == pytest.approx([100])


def test_an_utterance_without_words_counts_nowhere() -> None:
    stopwatch, waits = timed(*[pair for pair in TURN if not isinstance(pair[1], Partial | Final)])
    assert waits == Waits()
    assert (stopwatch.words, stopwatch.committed) == (0, 0)


@given(delay=st.floats(0, 5), shift=st.floats(0, 1000))
def test_waits_do_not_depend_on_when_the_source_began(delay: float, shift: float) -> None:
    late = [(at + shift + (delay if at > 2.4 else 0), event) for at, event in TURN]
    found = timed(*late)[1]
    assert found.hangover == pytest.approx([500 + 1000 * delay], abs=0.1)
    assert found.finalising == pytest.approx([100], abs=0.1)


def trial(*ttfs: float, **more: Any) -> LiveTrial:
    values = {"audio_seconds": 10.0, "busy_seconds": 2.0, "words": 4, "committed": 3} | more
    return LiveTrial(
        lost_seconds=0.0, partials=5, skipped=1, waits=Waits(ttfs=tuple(ttfs)), **values
    )


def test_trials_are_put_together_before_anything_is_divided() -> None:
    found = live_figures(
        [trial(100, 200), trial(300, busy_seconds=4.0, words=0, committed=0)], None
    )
    assert found.waits["ttfs"]["p50"] == 200
    assert (found.waits["ttfs"]["count"], found.waits["commit"]["mean"]) == (3, None)
    assert found.live_busy == pytest.approx(0.3)
    assert found.committed_share == pytest.approx(0.75)
    assert (found.partials, found.skipped, found.live_wer) == (10, 2, None)


def test_every_metric_has_a_figure() -> None:
    values = metrics(LiveReport((), live_figures([trial(100)], None), {}))
    assert set(values) == set(METRICS) == set(metrics(None))
    assert values["ttfs_p95"] == 100


class TestSpoken:
    def test_words_are_read_from_beside_the_recording(self, tmp_path: Path) -> None:
        (tmp_path / "talk.words.json").write_text('[[0, 0.5, "good"]]', encoding="utf-8")
        assert beside(str(tmp_path / "talk.flac")) == (Word(0.0, 0.5, "good", 1.0),)
        assert beside(str(tmp_path / "other.flac")) is None

    def test_what_cannot_be_read_names_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "talk.words.json").mkdir()
        with pytest.raises(UsageError, match=r"talk\.words\.json cannot be read"):
            beside(str(tmp_path / "talk.flac"))

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "no JSON"),
            ("{}", "no list"),
            ('[[0, 1, "a"], [2, 1, "b"]]', "word 2"),
            ('[["a", 0, 1]]', "word 1"),
            ('[[0, Infinity, "a"]]', "word 1"),
        ],
    )
    def test_anything_else_is_refused(self, text: str, says: str) -> None:
        with pytest.raises(UsageError, match=says):
            parse("x.words.json", text)

    def test_words_are_paired_in_order_whatever_their_case(self) -> None:
        found = pairs(["One", "two,", "three"], [" one", " tow", " three."])
        assert found == [(0, 0), (2, 2)]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A worker that hears two words in everything, after 30 ms."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"texts": ["Good morning."], "delay_ms": 30}), encoding="utf-8")
    made = Supervisor(LoadSpec("scripted", "script", str(path)))
    yield made
    made.kill()
    made.close()


def test_what_is_seen_from_outside_is_what_the_program_counts(
    samples: Path, tmp_path: Path, supervisor: Supervisor
) -> None:
    sound, rate = soundfile.read(samples / "meeting.flac", dtype="float32")
    path = tmp_path / "short.wav"
    piece = sound[rate // 2 : rate * 3 // 2]
    soundfile.write(path, np.concatenate([piece, np.zeros(rate, np.float32)]), rate)
    clock = SystemClock()
    capture = Playback(
        open_source(str(path), stdin=io.BytesIO()), name="short", pace=True, clock=clock
    )
    live = Live([capture], supervisor, LiveOptions(), clock=clock)
    seen: list[Event] = []
    found = measure_live(live, clock, seen.append)
    assert found.audio_seconds == pytest.approx(len(piece) / SAMPLE_RATE + 1)
    assert (found.text, found.words) == ("Good morning.", 2)
    assert [event.type for event in seen][-1] == "end"
    waits = live_figures([found], None).waits
    assert waits["ttfs"]["p50"] == pytest.approx(500, abs=200)
    for kind in WAITS:
        outside, core = waits[kind]["p50"], found.core[f"{kind}_ms"]["p50"]
        assert outside == core or abs(outside - core) <= 50, (kind, outside, core)
