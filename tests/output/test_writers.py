from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import UsageError
from echocli.events import (
    Backfill,
    End,
    Event,
    Failover,
    Final,
    Gap,
    Level,
    Progress,
    Ready,
)
from echocli.output.subtitles import WriteOptions
from echocli.output.text import clean
from echocli.output.writers import FORMATS, expand_formats, make_writer
from echocli.types import Segment, Transcript

pytestmark = pytest.mark.unit

TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["a --> b", "---->", "<i>&amp;</i>", "a\tb\n\nc", "1\n00:00:01,000 --> 00:00:02,000\nfake"]
)
TIMES = st.floats(-10, 400_000) | st.floats()
SEGMENTS = st.lists(st.builds(Segment, st.just(0), TIMES, TIMES, TEXTS), max_size=8)
STAMP = r"(?:\d{2,}:)?\d\d:\d\d[.,]\d{3}"


class CountingSink(io.StringIO):
    """A buffer that remembers what had been flushed."""

    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


def transcript(segments: list[Segment]) -> Transcript:
    text = "".join(segment.text for segment in segments)
    return Transcript(text, "en", 10.0, tuple(segments), "scripted", "script", {"rtf": 0.1})


def written(name: str, *segments: Segment, options: WriteOptions | None = None) -> str:
    sink = io.StringIO()
    writer = make_writer(name, sink, options)
    for segment in segments:
        writer.event(Final(segment))
    writer.close(transcript(list(segments)))
    return sink.getvalue()


def read_cues(text: str) -> list[tuple[int, int, str]]:
    """Read SubRip or WebVTT back: blocks between blank lines, as players do."""
    cues = []
    for block in re.split(r"\n\n+", text.removeprefix("WEBVTT\n\n").strip("\n")):
        if block:
            head = re.match(rf"(?:\d+\n)?({STAMP}) --> ({STAMP})\n", block)
            assert head
            cues.append((read_stamp(head[1]), read_stamp(head[2]), block[head.end() :]))
    return cues


def read_stamp(text: str) -> int:
    *hours, minutes, rest = text.replace(",", ".").split(":")
    whole, ms = rest.split(".")
    assert int(minutes) < 60
    assert int(whole) < 60
    return (
        ((int(hours[0]) if hours else 0) * 60 + int(minutes)) * 60_000 + int(whole) * 1000 + int(ms)
    )


@pytest.mark.parametrize("name", ["srt", "vtt"])
@given(segments=SEGMENTS, options=st.builds(WriteOptions, st.none() | st.integers(1, 20)))
def test_subtitles_can_be_read_back(
    name: str, segments: list[Segment], options: WriteOptions
) -> None:
    text = written(name, *segments, options=options)
    text.encode("utf-8")
    cues = read_cues(text)
    assert len(cues) == sum(bool(clean(segment.text).strip()) for segment in segments)
    ends = [0, *(end for _, end, _ in cues)]
    assert all(end <= start < stop for end, (start, stop, _) in zip(ends, cues, strict=False))
    assert not any("-->" in spoken for _, _, spoken in cues)


@given(SEGMENTS)
def test_srt_is_numbered_from_one(segments: list[Segment]) -> None:
    text = written("srt", *segments)
    numbers = re.findall(rf"^(\d+)\n{STAMP} --> {STAMP}$", text, re.MULTILINE)
    assert [int(number) for number in numbers] == list(range(1, len(read_cues(text)) + 1))


@given(SEGMENTS)
def test_vtt_text_comes_back_unescaped(segments: list[Segment]) -> None:
    spoken = [text for segment in segments if (text := clean(segment.text).strip())]
    cues = read_cues(written("vtt", *segments))
    assert [html.unescape(text) for _, _, text in cues] == spoken


@given(SEGMENTS)
def test_txt_is_one_line_a_segment(segments: list[Segment]) -> None:
    spoken = [text for segment in segments if (text := clean(segment.text).strip())]
    assert written("txt", *segments).splitlines() == spoken


@given(SEGMENTS)
def test_tsv_is_a_table_with_ordered_times(segments: list[Segment]) -> None:
    rows = list(
        csv.reader(io.StringIO(written("tsv", *segments)), "excel-tab", quoting=csv.QUOTE_NONE)
    )
    assert rows[0] == ["start", "end", "text"]
    assert len(rows) == len(segments) + 1
    assert all(0 <= int(start) <= int(end) for start, end, _ in rows[1:])


@given(SEGMENTS)
def test_lrc_lines_have_one_tag_and_do_not_go_back(segments: list[Segment]) -> None:
    last = -1.0
    for line in written("lrc", *segments).splitlines():
        tag = re.match(r"\[(\d{2,}):(\d\d\.\d\d)\]", line)
        assert tag
        assert len(re.findall(r"[\[<]\d+:[\d.:]*[\]>]", line)) == 1
        start = int(tag[1]) * 60 + float(tag[2])
        assert start >= last
        last = start


@given(SEGMENTS)
def test_jsonl_lines_always_parse(segments: list[Segment]) -> None:
    lines = written("jsonl", *segments).split("\n")[:-1]
    assert [json.loads(line)["type"] for line in lines] == ["final"] * len(segments)


@given(SEGMENTS)
def test_json_always_parses(segments: list[Segment]) -> None:
    result = json.loads(written("json", *segments))
    assert result["schema"] == "echocli/transcript/1"
    assert len(result["segments"]) == len(segments)


def test_jsonl_is_the_event_stream_without_progress() -> None:
    sink = io.StringIO()
    writer = make_writer("jsonl", sink)
    events: list[Event] = [Ready("a", "p", "m"), Progress(1, 2), Gap(0, 1, "x"), End(1.0, "en")]
    for event in events:
        writer.event(event)
    types = [json.loads(line)["type"] for line in sink.getvalue().splitlines()]
    assert types == ["ready", "gap", "end"]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("json", "html")])
def test_each_final_is_flushed_at_once(name: str) -> None:
    sink = CountingSink()
    writer = make_writer(name, sink)
    writer.event(Final(Segment(0, 0.0, 1.0, " Hello there")))
    assert "Hello there" in sink.flushed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("txt", ""),
        ("srt", ""),
        ("vtt", "WEBVTT\n\n"),
        ("tsv", "start\tend\ttext\n"),
        ("lrc", ""),
        ("jsonl", ""),
    ],
)
def test_silent_audio_gives_a_valid_empty_file(name: str, expected: str) -> None:
    assert written(name) == expected


def test_formats_look_as_users_of_whisper_know_them() -> None:
    segment = Segment(0, 61.5, 3723.0456, " <Hello> & -->\tbye")
    assert written("txt", segment) == "<Hello> & --> bye\n"
    assert written("srt", segment) == "1\n00:01:01,500 --> 01:02:03,046\n<Hello> & -> bye\n\n"
    assert written("vtt", segment) == (
        "WEBVTT\n\n01:01.500 --> 01:02:03.046\n&lt;Hello&gt; &amp; --&gt; bye\n\n"
    )
    assert written("tsv", segment) == "start\tend\ttext\n61500\t3723046\t<Hello> & --> bye\n"
    assert written("lrc", segment) == "[01:01.50]<Hello> & --> bye\n"


def test_time_in_brackets_is_no_lrc_tag() -> None:
    assert written("lrc", Segment(0, 1.0, 2.0, "[12:30] news")) == "[00:01.00](12:30) news\n"


def test_all_stands_for_every_format_but_the_page() -> None:
    assert set(expand_formats(["all"])) == {"txt", "srt", "vtt", "tsv", "lrc", "json", "jsonl"}
    assert set(FORMATS) - set(expand_formats(["all"])) == {"html"}
    assert "html" in expand_formats(["all,html"])


def test_format_names_can_be_listed_and_repeated() -> None:
    assert expand_formats(["srt, VTT", "srt"]) == ("srt", "vtt")


def test_unknown_format_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="'strt'") as caught:
        expand_formats(["strt"])
    assert str(caught.value.hint).startswith("did you mean srt? formats: txt,")


LEVEL = Level("NORMAL", "DEGRADE", "RTF 1.31", 1.31, 2.0, ("no partials",), 12.0)
FAILOVER = Failover("a:b", "a:c", "died", 3.0)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("txt", "[1:01] late\n"),
        ("srt", "2\n00:01:01,500 --> 00:01:03,000\nlate\n\n"),
        ("vtt", "01:01.500 --> 01:03.000\nlate\n\n"),
        ("tsv", "61500\t63000\tlate\n"),
        ("lrc", "[01:01.50]late\n"),
    ],
)
def test_backfill_is_written_when_it_comes_with_its_own_time(name: str, line: str) -> None:
    sink = CountingSink()
    writer = make_writer(name, sink)
    writer.event(Final(Segment(7, 100.0, 105.0, " soon")))
    before = sink.flushed
    writer.event(Backfill(Segment(3, 61.5, 63.0, " late")))
    assert sink.flushed == before + line
    writer.event(Final(Segment(8, 103.0, 108.0, " after")))
    assert "103.0" not in sink.getvalue()  # what is in order still never goes back
    assert "after" in sink.flushed


def test_hour_is_part_of_the_place_of_a_backfill() -> None:
    sink = io.StringIO()
    make_writer("txt", sink).event(Backfill(Segment(3, 3723.0, 3724.0, " late")))
    assert sink.getvalue() == "[1:02:03] late\n"


@given(SEGMENTS, SEGMENTS)
def test_backfills_leave_srt_readable_and_numbered(
    finals: list[Segment], late: list[Segment]
) -> None:
    sink = io.StringIO()
    writer = make_writer("srt", sink)
    for segment in finals:
        writer.event(Final(segment))
    for segment in late:
        writer.event(Backfill(segment))
    cues = read_cues(sink.getvalue())
    spoken = [text for segment in [*finals, *late] if (text := clean(segment.text).strip())]
    assert len(cues) == len(spoken)
    assert all(start < end for start, end, _ in cues)
    numbers = re.findall(rf"^(\d+)\n{STAMP} --> {STAMP}$", sink.getvalue(), re.MULTILINE)
    assert [int(number) for number in numbers] == list(range(1, len(cues) + 1))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "jsonl"])
def test_levels_failovers_and_backfills_without_words_leave_no_trace(name: str) -> None:
    plain, sink = io.StringIO(), io.StringIO()
    make_writer(name, plain)
    writer = make_writer(name, sink)
    for event in (LEVEL, FAILOVER, Backfill(Segment(0, 1.0, 2.0, " "))):
        writer.event(event)
    assert sink.getvalue() == plain.getvalue()


def test_jsonl_has_levels_failovers_and_backfills_in_the_order_they_happen() -> None:
    sink = io.StringIO()
    writer = make_writer("jsonl", sink)
    for event in (LEVEL, Backfill(Segment(0, 1.0, 2.0, "")), FAILOVER):
        writer.event(event)
    types = [json.loads(line)["type"] for line in sink.getvalue().splitlines()]
    assert types == ["level", "backfill", "failover"]
