from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.bench.compare import Row, Tolerances, Verdict, as_object, cells, compare, facts
from echocli.bench.earlier import Earlier, read
from echocli.errors import UsageError

pytestmark = pytest.mark.unit


def file(name: str, **figures: Any) -> dict[str, Any]:
    plain = {"audio_seconds": 10.0, "rtf": 0.1, "memory_mb": 200.0, "lost_seconds": 0.0}
    edits = {"reference_words": 100, "substitutions": 1, "deletions": 0, "insertions": 0}
    return {"file": name, "first_text_ms": 300.0, **plain, **edits, **figures}


def report(*files: dict[str, Any], **figures: Any) -> dict[str, Any]:
    overall = {"rtf": 0.1, "p95_ms": 100.0, "memory_mb": 200.0, "wer": 1.0, "load_ms": 400.0}
    return {
        "schema": "echocli/bench/1",
        "model": "tiny.en",
        "overall": overall | figures,
        "extras": None,
        "files": list(files or (file("a.wav"),)),
        "live": None,
    }


def played(*files: dict[str, Any], **figures: Any) -> dict[str, Any]:
    waits = {"count": 3, "mean": 300.0, "p50": 300.0, "p95": 400.0, "p99": 400.0}
    overall = {"ttfs_ms": waits, "committed_share": 0.5, "live_busy": 0.2, "live_wer": 1.0}
    live = {"overall": overall | figures, "files": list(files or (file("a.wav", live_busy=0.2),))}
    return {**report(), "overall": None, "files": [], "live": live}


def earlier(facts: dict[str, Any], name: str = "x.json") -> Earlier:
    return Earlier(name, facts, (facts["live"] or facts)["files"])


def verdicts(a: dict[str, Any], b: dict[str, Any], **tolerances: float) -> dict[str, str]:
    found = compare(earlier(a), earlier(b), Tolerances(**tolerances))
    return {row.metric: str(row.verdict) for row in found.rows}


def test_a_report_is_the_same_as_itself() -> None:
    assert set(verdicts(report(), report()).values()) == {"same"}
    assert set(verdicts(played(), played()).values()) == {"same"}


def test_times_are_tolerated_by_percent_and_error_rates_by_points() -> None:
    found = verdicts(report(), report(rtf=0.12, p95_ms=109.0, memory_mb=150.0, wer=1.6))
    assert (found["rtf"], found["p95_ms"], found["memory_mb"]) == ("worse", "same", "better")
    assert found["wer"] == "worse"
    wider = verdicts(report(), report(rtf=0.12, wer=1.6), percent=25, points=1)
    assert (wider["rtf"], wider["wer"]) == ("same", "same")


def test_more_committed_words_are_better() -> None:
    assert verdicts(played(), played(committed_share=0.9))["committed_share"] == "better"
    assert verdicts(played(), played(committed_share=0.1))["committed_share"] == "worse"


def test_sound_that_is_lost_for_the_first_time_is_worse() -> None:
    found = verdicts(report(lost_seconds=0.0), report(lost_seconds=0.5), percent=1000)
    assert found["lost_seconds"] == "worse"


def test_a_figure_that_goes_away_is_worse_and_one_that_comes_is_nothing() -> None:
    assert verdicts(report(), report(wer=None))["wer"] == "worse"
    assert verdicts(report(wer=None), report())["wer"] == "unknown"


def test_a_recording_that_goes_away_is_worse_and_one_that_comes_is_nothing() -> None:
    one, two = report(file("a.wav")), report(file("a.wav"), file("b.wav"))
    gone = compare(earlier(two), earlier(one), Tolerances())
    assert (gone.missing, gone.count_worse, gone.worse) == (("b.wav",), 1, ())
    assert "without 1 that B has not" in facts(gone)[-1][1]
    new = compare(earlier(one), earlier(two), Tolerances())
    assert (new.missing, new.left_out, new.count_worse) == ((), ("b.wav",), 0)
    assert as_object(gone, Tolerances())["worse"] == 1


def test_extras_of_another_first_recording_are_not_compared() -> None:
    extras = {"cold_start_ms": 300.0}
    a = {**report(file("a.wav")), "extras": extras}
    b = {**report(file("b.wav"), file("a.wav")), "extras": extras}
    assert "cold_start_ms" not in verdicts(a, b)
    assert verdicts(a, {**report(file("a.wav")), "extras": None})["cold_start_ms"] == "worse"


figures = st.floats(0, 1e6)


@given(figures, figures, st.floats(0, 200), st.sampled_from(["rtf", "wer", "committed_share"]))
def test_what_is_worse_one_way_is_never_worse_the_other(
    a: float, b: float, tolerance: float, metric: str
) -> None:
    there, back = Row(metric, a, b, tolerance), Row(metric, b, a, tolerance)
    assert not there.verdict == back.verdict == Verdict.WORSE
    assert not there.verdict == back.verdict == Verdict.BETTER
    assert len(cells(there)) == 6


@given(figures, figures, st.floats(0, 100), st.floats(0, 100))
def test_a_wider_tolerance_never_finds_more(a: float, b: float, one: float, more: float) -> None:
    if Row("rtf", a, b, one).verdict is Verdict.SAME:
        assert Row("rtf", a, b, one + more).verdict is Verdict.SAME


def test_only_recordings_both_have_are_compared() -> None:
    a = report(file("/one/a.wav"), file("/one/b.wav", rtf=0.9), rtf=0.5)
    b = report(file("c.wav"), file("/two/a.wav", rtf=0.2, substitutions=3), rtf=0.1)
    found = compare(earlier(a), earlier(b), Tolerances())
    rows = {row.metric: (row.a, row.b) for row in found.rows}
    assert (found.recordings, found.left_out) == (1, ("/one/b.wav", "c.wav"))
    assert rows["rtf"] == (0.1, 0.2)
    assert rows["wer"] == (1.0, 3.0)
    assert rows["memory_mb"] == (200.0, 200.0)
    assert rows["load_ms"] == (400.0, 400.0)  # not about recordings
    assert "p95_ms" not in rows  # cannot be told of some


def test_recordings_of_the_same_name_are_told_apart_by_folder_and_length() -> None:
    both = report(file("x/a.wav"), file("y/a.wav"))
    assert compare(earlier(both), earlier(both), Tolerances()).recordings == 2
    with pytest.raises(UsageError, match="no recording in common"):
        compare(earlier(report()), earlier(report(file("a.wav", audio_seconds=11.0))), Tolerances())


def test_windows_paths_name_the_same_recording() -> None:
    b = report(file("C:\\sound\\a.wav"))
    assert compare(earlier(report()), earlier(b), Tolerances()).recordings == 1


def test_played_and_transcribed_recordings_do_not_compare() -> None:
    with pytest.raises(UsageError, match="was measured with --live"):
        compare(earlier(report()), earlier(played()), Tolerances())


def test_another_model_and_machine_are_named() -> None:
    a = {**report(), "machine": {"cpu": "A", "cores": 2}}
    b = {**report(), "machine": {"cpu": "A", "cores": 8}, "model": "base.en"}
    found = compare(earlier(a), earlier(b), Tolerances())
    assert [str(one) for one in found.differences] == [
        "the model differs: tiny.en and base.en",
        "the machine differs: cores 2 and cores 8",
    ]
    assert not compare(earlier(a), earlier(report()), Tolerances()).differences


def test_a_comparison_as_json_counts_what_is_worse() -> None:
    found = compare(earlier(report(), "a"), earlier(report(rtf=0.2), "b"), Tolerances())
    values = as_object(found, Tolerances())
    json.dumps(values, allow_nan=False)
    assert (values["a"]["file"], values["worse"], values["recordings"]) == ("a", 1, 1)
    (rtf,) = [one for one in values["metrics"] if one["metric"] == "rtf"]
    assert (rtf["verdict"], rtf["tolerance_unit"]) == ("worse", "percent")
    assert rtf["change_percent"] == pytest.approx(100)
    assert facts(found)[-1] == ("result", "1 worse, 0 better, 4 same, on 1 recording")


GOOD = report()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is no bench report: it is no JSON"),
        ("[1]", "is no JSON object"),
        ("{}", "has no schema"),
        ('{"schema": "other"}', "has another schema"),
        ('{"schema": "echocli/bench/9"}', "has schema echocli/bench/9"),
        (json.dumps({**GOOD, "files": 3}), "files are not as they should be"),
        (json.dumps({**GOOD, "files": [{"rtf": 1}]}), "files are not as they should be"),
        (json.dumps({**GOOD, "overall": None}), "nothing was measured"),
        (json.dumps({**GOOD, "live": {}}), "files are not as they should be"),
        (json.dumps({**GOOD, "live": 3}), "files are not as they should be"),
        (json.dumps({**GOOD, "files": []}), "nothing was measured"),
        ("[" * 100_000, "it is no JSON"),
        (json.dumps(GOOD)[:-9], "it is no JSON"),
        (json.dumps(GOOD).replace("0.1", "NaN"), "it is no JSON"),
    ],
)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        read(path)


@pytest.mark.parametrize("value", ["0.1", True, [1], {"a": 1}, 10**400])
def test_a_figure_that_is_no_number_is_refused(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(report(rtf=value)), encoding="utf-8")
    with pytest.raises(UsageError, match="rtf is"):
        compare(read(path), read(path), Tolerances())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{}")
    for name in ("none.json", "", "bytes.json"):
        with pytest.raises(UsageError, match=name or "directory"):
            read(tmp_path / name)
