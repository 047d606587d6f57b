from __future__ import annotations

import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.events import Backfill, Event, Final, Gap, Ready
from echocli.output.files import AtomicFile
from echocli.output.html import recording
from echocli.output.live_writers import LiveHtmlWriter
from echocli.output.subtitles import WriteOptions
from echocli.output.text import clean
from echocli.output.writers import make_writer
from echocli.types import Segment, Transcript, Word

pytestmark = pytest.mark.unit

VOID = {"meta", "link", "input", "br", "hr", "img"}
SLOT = 0.5

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "\"'&amp;<b onclick=x>",
        "a\u2028b\x00c\ud800",
        "\u202eabc",
    ]
)
TIMES = st.floats(0, 400_000) | st.floats()
WORDS = st.builds(Word, TIMES, TIMES, TEXTS, st.floats(0, 1) | st.floats())
SEGMENTS = st.lists(
    st.builds(
        Segment,
        st.just(0),
        TIMES,
        TIMES,
        TEXTS,
        words=st.none() | st.lists(WORDS, max_size=4).map(tuple),
        language=st.sampled_from([None, "en", "ar"]),
        source=st.sampled_from([None, "mic", "<system>"]),
    ),
    max_size=5,
)


class Read(HTMLParser):
    """Read a page: every element must be closed, in order, and every attribute is noted."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._open: list[str] = []
        self.spans: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.times: list[list[int]] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        given = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "p" and given.get("data-t"):
            self.times.append([int(step) for step in str(given["data-t"]).split(" ")])
        if self._in_word():
            self.spans.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._in_word():
            self.spans[-1] += data

    def _in_word(self) -> bool:
        return "main" in self._open and self._open[-2:] == ["p", "span"]

    def values(self, name: str) -> list[str]:
        """Return the values of an attribute, wherever it stands."""
        return [value or "" for _, known, value in self.attributes if known == name]


def transcript(*segments: Segment, language: str | None = "en") -> Transcript:
    ordered = tuple(sorted(segments, key=lambda segment: segment.start))
    return Transcript("", language, 100.0, ordered, "scripted", "script")


def said(
    text: str,
    start: float = 0.0,
    *,
    probability: float = 1.0,
    source: str | None = None,
    language: str | None = None,
) -> Segment:
    """Make a segment whose words take half a second each."""
    words = tuple(
        Word(start + SLOT * at, start + SLOT * (at + 1), f" {word}", probability)
        for at, word in enumerate(text.split())
    )
    end = words[-1].end
    return Segment(0, start, end, f" {text}", words=words, source=source, language=language)


def written(*segments: Segment, events: tuple[Event, ...] = (), language: str = "en") -> str:
    sink = io.StringIO()
    writer = make_writer("html", sink)
    for event in (*events, *map(Final, segments)):
        writer.event(event)
    writer.close(transcript(*segments, language=language))
    return sink.getvalue()


def shown(text: str) -> str:
    """Return a text as it should be on the page."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", clean(text)).strip()


def rows(html: str) -> list[str]:
    """Return the text of each row: its time and what is beside it."""
    main = html[html.index("<main") : html.index("</main>")]
    return [re.sub("<[^>]*>", "", row) for row in main.split('<div class="row')[1:]]


@given(SEGMENTS)
def test_any_text_comes_back_word_by_word(segments: list[Segment]) -> None:
    found = Read(written(*segments))
    expected = []
    for segment in transcript(*segments).segments:
        words = [text for word in segment.words or () if (text := shown(word.text))]
        expected += words or [text for text in [shown(segment.text)] if text]
    # Every number there is for sorting is none for "not a number".
    assert sorted(found.spans) == sorted(expected)
    assert sum(map(len, found.times)) == len(found.spans)


@given(SEGMENTS)
def test_links_lead_to_words_and_no_name_is_given_twice(segments: list[Segment]) -> None:
    found = Read(written(*segments))
    names = found.values("id")
    assert len(set(names)) == len(names)
    inside = {link[1:] for link in found.values("href") if link.startswith("#")}
    assert inside <= set(names)


@given(SEGMENTS)
def test_nothing_in_the_page_needs_an_exception_from_its_policy(segments: list[Segment]) -> None:
    found = Read(written(*segments))
    names = {name for _, name, _ in found.attributes}
    assert not any(name.startswith("on") or name == "style" for name in names)
    links = [*found.values("href"), *found.values("src")]
    assert all(link.startswith("#") or link == "data:," for link in links)


def test_words_are_marked_by_their_probability() -> None:
    values = (0.95, 0.9, 0.89, 0.7, 0.69, 0.5, 0.49, 0.0)
    words = tuple(Word(at, at + 1, f" w{at}", value) for at, value in enumerate(values))
    html = written(Segment(0, 0.0, 8.0, "", words=words))
    main = html[html.index("<main") :]
    found = re.findall(r'<span(?: id="[^"]*")?(?: class="(c\d)")?[^>]*>w\d', main)
    assert found == ["", "", "c1", "c1", "c2", "c2", "c3", "c3"]
    assert 'title="89 %"' in main


def test_uncertain_words_are_listed_with_time_and_probability() -> None:
    html = written(said("all is well", 5.0), said("perhaps", 65.0, probability=0.29))
    assert "Uncertain words (under 50 %): 1" in html
    assert "<bdi>perhaps</bdi></a> <small>1:05, 29 %</small>" in html


def test_starts_are_hundredths_of_seconds_from_word_to_word() -> None:
    assert Read(written(said("one two three", 1.25))).times == [[125, 50, 50]]


def test_pauses_sources_and_languages_begin_paragraphs() -> None:
    talk = [
        said("one two", 0.0, source="mic", language="en"),
        said("three four", 1.5, source="mic", language="en"),
        said("after a pause", 9.0, source="mic", language="en"),
        said("somebody else", 11.0, source="system", language="en"),
        said("bonjour", 12.0, source="system", language="fr"),
    ]
    html = written(*talk)
    assert [row.split('">')[1] for row in rows(html)] == [
        "0:00 micone two\nthree four\n",
        "0:09 micafter a pause\n",
        "0:11 systemsomebody else\n",
        "0:12 systembonjour\n",
    ]
    assert '<p dir="auto" lang="fr"' in html


def test_a_source_alone_is_not_named() -> None:
    assert "who" not in written(said("hello", source="mic")).partition("<main")[2]


def test_long_speech_is_cut_at_the_end_of_a_sentence() -> None:
    sentences = [said("one two three. " if at % 3 == 2 else "and on", at * 2.0) for at in range(60)]
    found = Read(written(*sentences)).times
    assert all(sum(steps[1:]) < 9000 for steps in found)
    assert len(found) == 3


def test_a_gap_is_shown_where_it_is_until_it_is_filled() -> None:
    lost, kept = Gap(10.0, 20.0, "<lost>"), Gap(30.0, 40.0, "spooled: too slow", "mic")
    before, late, after = said("before"), said("late", 32.0, source="mic"), said("after", 50.0)
    html = written(before, after, events=(lost, kept))
    assert [row.split('">')[1].split(":", 2)[:2] for row in rows(html)] == [
        ["0", "00before\n"],
        ["0", "10No text from 0"],
        ["0", "30No text from 0"],
        ["0", "50after\n"],
    ]
    assert "No text from 0:10 to 0:20: &lt;lost&gt;" in html
    assert "0:30 to" not in written(before, late, after, events=(lost, kept, Backfill(late)))


def test_a_gap_parts_a_paragraph() -> None:
    html = written(said("one"), said("two", 1.0), events=(Gap(0.6, 0.9, "lost"),))
    assert len(rows(html)) == 3


def test_without_words_a_segment_has_no_confidence_and_says_so() -> None:
    html = written(Segment(0, 3.0, 5.0, " Just <text>.", confidence=0.1))
    assert "This provider gives no confidence" in html
    assert "<span>Just &lt;text&gt;.</span>" in html
    assert Read(html).times == [[300]]


def test_silence_gives_a_page_that_says_so() -> None:
    html = written()
    assert "No speech was found." in html
    assert "Confidence" not in html
    Read(html)


def test_facts_are_at_the_top_and_no_date() -> None:
    html = written(said("one two"), events=(Ready("-", "scripted", "script"),))
    facts = re.findall(r"<dt>(\w+)</dt><dd><bdi>([^<]*)", html)
    assert facts == [
        ("Length", "1:40"),
        ("Language", "en"),
        ("Words", "2"),
        ("Model", "script"),
        ("Provider", "scripted"),
    ]
    assert html == written(said("one two"), events=(Ready("-", "scripted", "script"),))


def test_language_of_the_text_is_not_that_of_the_page() -> None:
    html = written(said("مرحبا"), language="ar")
    assert '<html lang="en">' in html
    assert '<main lang="ar">' in html


class TestRecording:
    @pytest.mark.parametrize(
        ("name", "link"),
        [
            ("talk.wav", "../talk.wav"),
            ("a b#c?d%e.wav", "../a%20b%23c%3Fd%25e.wav"),
            ("12:30 <talk> & 'more'.wav", "../12%3A30%20%3Ctalk%3E%20%26%20%27more%27.wav"),
            ("日本.wav", "../%E6%97%A5%E6%9C%AC.wav"),
        ],
    )
    @pytest.mark.skipif(os.name == "nt", reason="such names are refused there")
    def test_is_linked_from_where_the_page_lies(self, tmp_path: Path, name: str, link: str) -> None:
        (tmp_path / name).touch()
        with AtomicFile(tmp_path / "out" / "talk.html") as file:
            assert recording([str(tmp_path / name)], file) == link

    @pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
    def test_may_have_a_name_that_is_no_unicode(self, tmp_path: Path) -> None:
        path = tmp_path / os.fsdecode(b"caf\xe9.wav")
        try:
            path.touch()
        except OSError:
            pytest.skip("such a name is refused here")
        with AtomicFile(tmp_path / "x.html") as file:
            assert recording([str(path)], file) == "caf%E9.wav"

    def test_is_linked_from_the_current_directory_on_standard_output(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a.wav").touch()
        monkeypatch.chdir(tmp_path)
        assert recording([str(tmp_path / "a.wav")], io.StringIO()) == "a.wav"
        assert recording(["a.wav"], io.StringIO()) == "a.wav"

    @pytest.mark.parametrize("sources", [(), ("-",), ("mic",), ("mic", "system"), ("a\0b",)])
    def test_is_not_linked_where_it_is_no_file(self, sources: tuple[str, ...]) -> None:
        assert recording(sources, io.StringIO()) is None
        html = written(events=tuple(Ready(source, "p", "m") for source in sources))
        assert '<audio controls preload="metadata" hidden>' in html

    def test_names_the_page(self, tmp_path: Path) -> None:
        (tmp_path / "talk & more.wav").touch()
        ready = Ready(str(tmp_path / "talk & more.wav"), "p", "m")
        assert "<title>talk &amp; more.wav</title>" in written(events=(ready,))
        assert "<title>mic, system</title>" in written(
            events=(Ready("mic", "p", "m"), Ready("system", "p", "m"))
        )
        assert "<title>Transcript</title>" in written()


def test_live_page_is_that_of_a_file_at_every_moment() -> None:
    talk = [said("one", 1.0, probability=0.1), said("two", 9.0), said("three", 20.0)]
    sink = io.StringIO()
    writer = LiveHtmlWriter(sink, WriteOptions())
    ready = Ready("mic", "scripted", "script")
    writer.event(ready)
    for number, segment in enumerate(talk, start=1):
        sink.seek(0)
        sink.truncate()
        writer.event(Final(segment))
        whole = written(*talk[:number], events=(ready,))
        assert rows(sink.getvalue()) == rows(whole)
    sink.seek(0)
    sink.truncate()
    writer.close(transcript(*talk))
    assert sink.getvalue() == written(*talk, events=(ready,))


def test_two_hours_take_little_more_than_their_words() -> None:
    talk = [
        said("fourteen words of a talk that goes on and on for long.", at * 5.0)
        for at in range(1440)
    ]
    html = written(*talk)
    spoken = sum(len(segment.text) for segment in talk)
    assert len(html.encode()) < 5 * spoken + 40_000
