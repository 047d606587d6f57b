"""Medians, ratios and verdicts say what their names say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.configurations import PRESETS, Configuration, Weights, configurations
from benchmarks.corpus import HEADLINE, Clip
from benchmarks.material import Material
from benchmarks.report import Facts, errors_of, publish, rows_of
from benchmarks.results import Row, Times, Trial, Way, ratio, row, verdict
from benchmarks.rounds import Measuring
from benchmarks.tables import figures, ratios, verdicts
from echocli.bench.accuracy import Errors

pytestmark = pytest.mark.unit


def a_row(name: str, seconds: float, wrong: int, *, ours: bool = False) -> Row:
    """One whole process that read 100 s; ``wrong`` errors in 1000 words, a tenth of a point."""
    times = {Way.WHOLE: Times(seconds, seconds, seconds)}
    return Row(name, ours, 100.0, Errors(1000, wrong, 0, 0), times, 1.0, 200.0, 3.0, False)


PEER = a_row("peer", 10.0, 50)


def test_medians_ignore_the_ways_that_were_not_measured() -> None:
    trials = [Trial("a", "m", Way.WARM, n, secs, ("x",)) for n, secs in enumerate((3.0, 1.0, 2.0))]
    found = row(trials, ours=True, audio_seconds=20.0, errors=Errors(10, 1, 0, 0))
    assert found.times == {Way.WARM: Times(2.0, 1.0, 3.0)}
    assert (found.speed(Way.WARM), found.speed(Way.WHOLE), found.wer) == (10.0, None, 10.0)
    assert (found.first, found.peak_mb, found.texts_vary) == (None, None, False)


def test_a_text_that_changes_from_round_to_round_is_noted() -> None:
    trials = [Trial("a", "m", Way.WHOLE, n, 1.0, (text,)) for n, text in enumerate("xy")]
    found = row(trials, ours=False, audio_seconds=1.0, errors=Errors(1))
    assert found.texts_vary
    assert "a (its text varies)" in figures([found])


def test_a_ratio_above_one_is_faster_than_the_peer() -> None:
    mine = a_row("mine", 4.0, 50, ours=True)
    assert ratio(mine, PEER, Way.WHOLE) == 2.5
    assert ratio(mine, PEER, Way.WARM) is None
    assert "| peer | 2.50 |" in ratios([PEER, mine], Way.WHOLE)


@pytest.mark.parametrize(
    ("seconds", "wrong", "dominated"),
    [(5.0, 50, True), (5.0, 51, True), (5.0, 52, False), (5.1, 40, False), (1.0, 60, False)],
)
def test_a_peer_is_dominated_at_twice_the_speed_and_a_tenth_of_a_point(
    seconds: float, wrong: int, dominated: bool
) -> None:
    found = verdict(PEER, [a_row("mine", seconds, wrong, ours=True)], Way.WHOLE)
    assert found is not None
    assert found.dominated is dominated


def test_the_fastest_that_is_accurate_enough_is_named_else_the_most_accurate() -> None:
    sloppy, middling = a_row("sloppy", 1.0, 90, ours=True), a_row("middling", 2.0, 60, ours=True)
    exact, slow = a_row("exact", 4.0, 50, ours=True), a_row("slow", 8.0, 40, ours=True)
    best = verdict(PEER, [sloppy, middling, exact, slow], Way.WHOLE)
    assert best is not None
    assert (best.best, best.speed) == ("exact", 2.5)
    nearest = verdict(PEER, [sloppy, middling], Way.WHOLE)
    assert nearest is not None
    assert nearest.best == "middling"
    assert verdict(PEER, [], Way.WHOLE) is None


def test_verdicts_say_who_or_who_comes_nearest() -> None:
    quick = a_row("quick", 2.0, 45, ours=True)
    other = a_row("other", 1.0, 10)
    lines = verdicts([PEER, other, quick], Way.WHOLE).splitlines()
    assert lines[2] == "| peer | quick | 5.00 | -0.50 |"
    assert lines[3] == "| other | not dominated: best is quick | 0.50 | +3.50 |"


def clips() -> Material:
    return Material(
        "headline",
        tuple(
            Clip(name, Path(f"{name}.wav"), 2.0, text, HEADLINE)
            for name, text in (("a", "Dr. Smith's colour"), ("b", "the cat sat"))
        ),
    )


def test_errors_are_added_over_clips_after_normalising() -> None:
    found = errors_of(clips(), ["doctor smith is color", "the sat"])
    assert (found.length, found.substitutions, found.deletions, found.insertions) == (7, 0, 1, 0)


def test_the_page_has_what_was_left_out_and_the_json_no_text(tmp_path: Path) -> None:
    material = clips()
    found = [Configuration("echocli fast", True, ()), Configuration("peer", False, ())]
    measuring = Measuring([material], [Way.WHOLE])
    for one, seconds in zip(found, (1.0, 3.0), strict=True):
        texts = ("doctor smiths color", "the cat sat")
        measuring.trials.append(Trial(one.name, "headline", Way.WHOLE, 1, seconds, texts))
    measuring.skip("gone", "it is not installed")
    publish(tmp_path, Facts("tiny.en", 2, 1, "test speech"), measuring, found)
    page = (tmp_path / "peers-tiny.en.md").read_text()
    assert "- gone: it is not installed" in page
    assert "| peer | echocli fast | 3.00 | +0.00 |" in page
    facts = json.loads((tmp_path / "peers-tiny.en.json").read_text())
    errors = facts["clips"]["headline"][1]["errors"]["peer"]
    assert errors == {"length": 3, "substitutions": 0, "deletions": 0, "insertions": 0}
    assert "cat" not in json.dumps(facts)
    assert (tmp_path / "peers-tiny.en.svg").read_text().count("echocli fast") == 1


def test_a_configuration_that_fails_later_has_no_row() -> None:
    material = clips()
    measuring = Measuring([material], [Way.WHOLE])
    measuring.trials.append(Trial("a", "headline", Way.WHOLE, 1, 1.0, ("", "")))
    measuring.skip("a", "crashed in round 2")
    assert rows_of(material, measuring.trials, [Configuration("a", False, ())]) == []


def test_a_configuration_that_is_missing_is_skipped_with_its_reason() -> None:
    measuring = Measuring([clips()], list(Way))
    measuring.round(1, [Configuration("a", False, (), missing="not installed")])
    assert measuring.skipped == {"a": "not installed"}


def test_every_tool_gets_the_same_weights_and_threads(tmp_path: Path) -> None:
    model = Weights("tiny.en", tmp_path / "ct2", tmp_path / "tiny.bin")
    found = configurations(model, 3, PRESETS, tmp_path)
    assert len({one.name for one in found}) == len(found) == 11
    for one in found:
        assert "3" in one.command
        assert {str(model.path), str(model.ggml)} & set(one.command)
    assert [one.name for one in found if one.ours] == [
        f"echocli {name}" for name in ("fast", "balanced", "accurate")
    ]


def test_a_configuration_of_ours_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="write NAME=options"):
        configurations(Weights("m", tmp_path, None), 1, ["--beam-size 1"], tmp_path)
