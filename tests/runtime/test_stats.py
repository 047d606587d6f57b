from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Failover, Level
from echocli.runtime.stats import MOST, RunStats, percentile, wordless

pytestmark = pytest.mark.unit

times = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)


@given(times, st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0]))
def test_percentiles_are_nearest_rank(values: list[float], share: float) -> None:
    expected = np.percentile(values, share * 100, method="inverted_cdf")
    assert percentile(values, share) == expected


@given(times)
def test_percentiles_grow_with_their_share(values: list[float]) -> None:
    found = [percentile(values, share / 1000) for share in range(0, 1001, 50)]
    assert found == sorted(found, key=lambda value: value or 0.0)
    assert (found[0], found[-1]) == (min(values), max(values))


def test_nothing_measured_has_no_percentile() -> None:
    assert percentile([], 0.5) is None


def test_realtime_factor_is_busy_time_over_sound_and_speed_its_inverse() -> None:
    stats = RunStats(audio_seconds=60, busy_seconds=3, wall_seconds=50)
    assert stats.realtime_factor == 0.05
    assert stats.to_dict()["speed"] == 20


def test_saved_time_is_what_silence_would_have_cost_at_the_price_of_speech() -> None:
    stats = RunStats(audio_seconds=300, speech_seconds=100, busy_seconds=4)
    assert stats.saved_seconds == pytest.approx(8)
    without = RunStats(audio_seconds=300, speech_seconds=100, busy_seconds=4, vad_enabled=False)
    assert without.saved_seconds == 0


def test_an_input_without_speech_saves_nothing_that_could_be_known() -> None:
    assert RunStats(audio_seconds=100, busy_seconds=0).saved_seconds == 0


def test_an_empty_run_has_figures_too() -> None:
    values = RunStats().to_dict()
    assert values["realtime_factor"] is None
    assert values["speed"] is None
    assert values["p99_infer_ms"] is None
    assert values["vad_speech_ratio"] is None
    json.dumps(values)


def test_figures_are_plain_json_and_leave_the_raw_times_out() -> None:
    stats = RunStats(audio_seconds=10, busy_seconds=1, infer_ms=[30.0, 10.0, 20.0])
    stats.guards["silence"] += 2
    values = json.loads(json.dumps(stats.to_dict()))
    assert "infer_ms" not in values
    assert values["guards"] == {"silence": 2}
    assert (values["avg_infer_ms"], values["p50_infer_ms"], values["p99_infer_ms"]) == (20, 20, 30)


def level(position: float) -> Level:
    effects = ("model tiny", "greedy")
    return Level("NORMAL", "DEGRADE", "RTF 1.10", 1.1, 0.0, effects, position)


def test_levels_and_failovers_are_kept_as_json() -> None:
    stats = RunStats(level_at_start="WARNING")
    stats.note(level(12.5))
    stats.note(Failover("a:base", "b:tiny", "it died", 20.0))
    values = json.loads(json.dumps(stats.to_dict()))
    assert values["level_at_start"] == "WARNING"
    assert values["levels"] == [
        {
            "position": 12.5,
            "from": "NORMAL",
            "to": "DEGRADE",
            "reason": "RTF 1.10",
            "effects": ["model tiny", "greedy"],
        }
    ]
    assert values["failovers"] == [
        {"from": "a:base", "to": "b:tiny", "reason": "it died", "replayed_seconds": 20.0}
    ]


def test_a_level_that_changes_for_days_does_not_fill_memory() -> None:
    stats = RunStats()
    for number in range(MOST + 5):
        stats.note_level(level(float(number)))
    assert len(stats.levels) == MOST
    assert stats.levels[-1]["position"] == MOST + 4


@pytest.mark.parametrize(
    ("figures", "codes"),
    [
        ({"audio_seconds": 60.0}, ["no_speech"]),
        ({"audio_seconds": 60.0, "vad_enabled": False}, []),
        ({"audio_seconds": 60.0, "vad_failures": 1}, []),
        ({"audio_seconds": 0.5}, []),
        ({"audio_seconds": 60.0, "speech_seconds": 1.0}, []),
        ({"audio_seconds": 60.0, "speech_seconds": 6.0}, ["no_text"]),
    ],
)
def test_an_input_without_a_word_is_told_as_it_was_heard(
    figures: dict[str, Any], codes: list[str]
) -> None:
    found = list(wordless(RunStats(**figures), "a.wav"))
    assert [notice.code for notice in found] == codes
    assert all(notice.message.startswith("a.wav: ") for notice in found)
