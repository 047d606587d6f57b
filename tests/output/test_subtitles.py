from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import UsageError
from echocli.output.subtitles import (
    MIN_CUE_MS,
    Cue,
    CueLayout,
    WriteOptions,
    clock_time,
    milliseconds,
    stamp,
)
from echocli.output.text import display_width
from echocli.types import Segment, Word

pytestmark = pytest.mark.unit

LIMIT = st.none() | st.integers(1, 40)
OPTIONS = st.builds(WriteOptions, LIMIT, st.none() | st.integers(1, 3), LIMIT)
TIMES = st.floats(-10, 400_000) | st.floats()
TEXTS = st.text(st.characters(), max_size=40) | st.sampled_from(
    [" one two three four five six seven", "今日は天気がいいですね、散歩しましょう。", "a --> b"]
)
WORDS = st.builds(Word, TIMES, TIMES, TEXTS, st.just(1.0))
SEGMENTS = st.lists(
    st.builds(
        Segment,
        st.just(0),
        TIMES,
        TIMES,
        TEXTS,
        words=st.none() | st.lists(WORDS, max_size=8).map(tuple),
    ),
    max_size=8,
)


def lay_out(segments: list[Segment], options: WriteOptions) -> list[Cue]:
    layout = CueLayout(options)
    cues = [cue for segment in segments for cue in layout.feed(segment)]
    return [*cues, *layout.finish()]


def said(text: str, start: float = 0.0, step: float = 0.5) -> Segment:
    """Make a segment with a word every half second."""
    words = tuple(
        Word(start + i * step, start + (i + 1) * step, f" {word}", 1.0)
        for i, word in enumerate(text.split())
    )
    return Segment(0, start, words[-1].end, f" {text}", words=words)


@given(SEGMENTS, OPTIONS)
def test_cues_never_overlap_and_are_never_empty(
    segments: list[Segment], options: WriteOptions
) -> None:
    last = 0
    for cue in lay_out(segments, options):
        assert cue.start_ms >= last
        assert cue.end_ms >= cue.start_ms + MIN_CUE_MS
        assert cue.text.strip()
        assert all(line.strip() for line in cue.text.split("\n"))
        last = cue.end_ms


@given(SEGMENTS, OPTIONS)
def test_layout_keeps_every_character(segments: list[Segment], options: WriteOptions) -> None:
    def squeezed(texts: list[str]) -> str:
        return "".join("".join(texts).split())

    plain_segments = [Segment(0, s.start, s.end, s.text) for s in segments]
    whole = lay_out(plain_segments, WriteOptions())
    cut = lay_out(plain_segments, options)
    assert squeezed([cue.text for cue in cut]) == squeezed([cue.text for cue in whole])


@given(st.text("ab 日本", max_size=60), st.integers(4, 20), st.integers(1, 3))
def test_lines_keep_to_width_and_count(text: str, width: int, count: int) -> None:
    for cue in lay_out([Segment(0, 0.0, 5.0, text)], WriteOptions(width, count)):
        lines = cue.text.split("\n")
        assert len(lines) <= count
        assert all(display_width(line) <= width or " " not in line.strip() for line in lines)


def test_without_options_a_segment_is_a_cue() -> None:
    assert lay_out([said("one two three", 1.0)], WriteOptions()) == [
        Cue(1000, 2500, "one two three")
    ]


def test_width_alone_wraps_inside_the_segment() -> None:
    cues = lay_out([said("one two three"), said("four", 1.5)], WriteOptions(max_line_width=8))
    assert cues == [Cue(0, 1500, "one two\nthree"), Cue(1500, 2000, "four")]


def test_width_and_count_let_cues_run_across_segments_at_word_times() -> None:
    cues = lay_out([said("one two three"), said("four five", 1.5)], WriteOptions(10, 1))
    assert cues == [
        Cue(0, 1000, "one two"),
        Cue(1000, 2000, "three four"),
        Cue(2000, 2500, "five"),
    ]


def test_long_pause_ends_a_cue_that_has_room() -> None:
    cues = lay_out([said("one"), said("two", 4.0)], WriteOptions(40, 2))
    assert cues == [Cue(0, 500, "one"), Cue(4000, 4500, "two")]


def test_word_limit_ends_cues_at_true_times() -> None:
    cues = lay_out([said("one two three four five")], WriteOptions(max_words_per_line=2))
    assert cues == [
        Cue(0, 1000, "one two"),
        Cue(1000, 2000, "three four"),
        Cue(2000, 2500, "five"),
    ]


def test_text_without_word_times_shares_its_time_by_length() -> None:
    cues = lay_out([Segment(0, 0.0, 9.0, " abcd efgh")], WriteOptions(4, 1))
    assert cues == [Cue(0, 4000, "abcd"), Cue(4000, 9000, "efgh")]


def test_text_without_word_times_does_not_run_into_the_next_segment() -> None:
    segments = [Segment(0, 0.0, 1.0, "one"), Segment(1, 1.0, 2.0, "two")]
    assert lay_out(segments, WriteOptions(40, 2)) == [Cue(0, 1000, "one"), Cue(1000, 2000, "two")]


def test_japanese_is_wrapped_by_columns() -> None:
    cues = lay_out([Segment(0, 0.0, 1.0, "今日は晴れです")], WriteOptions(max_line_width=8))
    assert cues[0].text == "今日は晴\nれです"


def test_word_wider_than_the_line_stays_whole() -> None:
    cues = lay_out([Segment(0, 0.0, 1.0, "a incomprehensible b")], WriteOptions(max_line_width=5))
    assert cues[0].text == "a\nincomprehensible\nb"


def test_silent_segments_give_no_cue() -> None:
    assert lay_out([Segment(0, 0.0, 1.0, " \n ")], WriteOptions()) == []


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        ("max_line_width", "--max-line-width"),
        ("max_line_count", "--max-line-count"),
        ("max_words_per_line", "--max-words-per-line"),
    ],
)
def test_limit_below_one_is_refused_by_the_name_of_its_flag(option: str, flag: str) -> None:
    limit: dict[str, Any] = {option: 0}
    with pytest.raises(UsageError, match=f"{flag} is 0"):
        WriteOptions(**limit)


@pytest.mark.parametrize(
    ("ms", "srt", "vtt"),
    [
        (0, "00:00:00,000", "00:00.000"),
        (3_599_999, "00:59:59,999", "59:59.999"),
        (3_600_000, "01:00:00,000", "01:00:00.000"),
        (360_000_001, "100:00:00,001", "100:00:00.001"),
    ],
)
def test_stamps(ms: int, srt: str, vtt: str) -> None:
    assert stamp(ms, ",", hours=True) == srt
    assert stamp(ms, ".", hours=False) == vtt


@pytest.mark.parametrize("secs", [-1.0, math.nan, math.inf, -math.inf, 1e308])
def test_times_that_make_no_sense_are_zero(secs: float) -> None:
    assert milliseconds(secs) == 0


@pytest.mark.parametrize(
    ("secs", "text"),
    [
        (0, "0:00"),
        (59.9, "0:59"),
        (3600, "1:00:00"),
        (360_000, "100:00:00"),
        (-1, "0:00"),
        (math.nan, "0:00"),
    ],
)
def test_clock_time_has_hours_only_where_there_are_some(secs: float, text: str) -> None:
    assert clock_time(secs) == text
