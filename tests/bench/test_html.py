"""The page of a benchmark, as it is written and as a browser shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.bench.accuracy import score
from echocli.bench.assertions import judge, parse
from echocli.bench.figures import Load, Trial, figures
from echocli.bench.histogram import histogram
from echocli.bench.html import render
from echocli.bench.html_charts import distribution
from echocli.bench.html_words import AROUND
from echocli.bench.live import LiveTrial, Waits
from echocli.bench.live_figures import LiveReport, LiveResult, distributions, live_figures
from echocli.bench.machine import Machine
from echocli.bench.report import FileFailure, FileResult, Report, metrics, summary
from echocli.bench.series import AtLevel, Course, MemoryCurve, RtfCurve
from echocli.providers.base import LoadSpec
from tests.browser import Browser

pytest.importorskip("jiwer")
pytestmark = pytest.mark.unit

SPEC = LoadSpec("faster-whisper", "tiny.en", "/m")
LEVELS = (AtLevel(0.0, "NORMAL"), AtLevel(300.0, "WARNING", "RTF 0.9"), AtLevel(400.0, "NORMAL"))
COURSE = Course(RtfCurve((0.0, 200.0, 400.0, 640.0), (0.2, 1.4, 0.6)))
SAID = "Good evening to all of you. " + "It is late. " * 20
HEARD = "Good morning to of you there. " + "It is late. " * 20


def report(name: str = "a.flac", said: str = SAID, heard: str = HEARD) -> Report:
    trial = Trial(640.0, 500.0, 90.0, 99.0, 400.0, tuple(range(100, 900)), 2**28, heard, "en")
    counted = score(said, heard, "en")
    found = figures([[trial]], counted)
    course = replace(COURSE, levels=LEVELS)
    made = Report(
        SPEC,
        1,
        (
            FileResult(name, "en", found, counted.normaliser, course, said, heard),
            FileResult("b.flac", "en", found, counted.normaliser, COURSE, said, said),
        ),
        (FileFailure("no.wav", "it is <empty>"),),
        figures([[trial, trial]], counted, [Load(200.0, 2**20)]),
        counted,
        latencies=histogram(trial.infer_ms),
        memory=MemoryCurve((0.0, 5.0, 9.0), (2**26, 2**27, 2**27), (0, 2**28, 2**28)),
        machine=Machine("Linux", "x86_64", "A CPU", 2, 8000, None),
        time="2026-01-02T03:04:05Z",
    )
    values = metrics(made)
    demands = ("rtf<0.5", "wer<=1", "cold_start_ms<9")
    return replace(made, verdicts=tuple(judge(parse(text), values) for text in demands))


def live_report() -> Report:
    waits = Waits(ttfs=(500.0, 600.0), finalising=(50.0, 90.0))
    trial = LiveTrial(20.0, 4.0, 0.0, 3, 0, 10, 8, waits, HEARD, "en")
    counted = score(SAID, HEARD, "en")
    found = live_figures([trial], counted)
    files = (LiveResult("a.flac", "en", found, counted.normaliser, {}, COURSE, SAID, HEARD),)
    return Report(
        SPEC, 1, (), (), None, counted, live=LiveReport(files, found, distributions([trial]))
    )


class Outline(HTMLParser):
    """Collect the text, the elements and the attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.names: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")


def test_a_page_tells_what_was_measured_on_what() -> None:
    text = Outline(render(report())).text
    for said in ("tiny.en", "faster-whisper", "A CPU, 2 cores, 8000 MB", "2026-01-02", "no.wav"):
        assert said in text
    assert "rtf<0.5" in text
    assert ("✓ holds" in text, text.count("✗ fails")) == (True, 2)


def test_errors_are_marked_by_sign_and_the_normaliser_is_named() -> None:
    html = render(report())
    assert "<del>evening</del>→<ins>morning</ins>" in html
    assert re.search(r'<del title="left out">&minus;all</del>', html)
    assert re.search(r'<ins title="invented">\+there</ins>', html)
    assert "whisper-english" in html


def test_long_stretches_without_an_error_are_cut() -> None:
    html = render(report())
    assert re.search(rf"… {60 - 2 * AROUND} right …|… \d+ right …", html)
    assert len(render(report(said=SAID * 300, heard=HEARD * 300))) < 5e5


def test_levels_are_bands_and_words_and_without_a_ladder_that_is_said() -> None:
    html = render(report())
    assert html.count('class="level WARNING"') == 2  # wide and narrow
    assert "WARNING from 300.0 s (RTF 0.9)" in html
    assert "No ladder ran" in html


def test_drawings_are_well_formed_and_named() -> None:
    drawn = re.findall(r"<svg.*?</svg>", render(report()), re.DOTALL)
    assert len(drawn) == 2 * 4
    for one in drawn:
        root = ElementTree.fromstring(one)
        assert root.get("aria-label")
        assert any(name.endswith("title") for name in (child.tag for child in root.iter()))


def test_a_live_page_draws_what_a_listener_waits_for() -> None:
    text = Outline(render(live_report())).text
    assert "Latency: TTFS" in text
    assert "Latency: finalising" in text
    assert "Memory was not measured" in text


def test_without_a_text_the_page_says_how_to_give_one() -> None:
    made = report()
    bare = replace(made, files=tuple(replace(one, said=None) for one in made.files))
    assert "--reference" in render(bare)


@pytest.mark.parametrize("made", [report, live_report])
def test_without_a_text_no_figure_says_how_much_was_wrong(made: Callable[[], Report]) -> None:
    assert "words wrong" in render(made())
    assert "words wrong" not in render(wordless(made()))


def wordless(made: Report) -> Report:
    """Return a report as it is without a reference."""
    if made.live is not None:
        overall = replace(made.live.overall, live_wer=None, live_cer=None)
        return replace(made, live=replace(made.live, overall=overall), score=None)
    assert made.overall is not None
    return replace(made, overall=replace(made.overall, wer=None, cer=None), score=None)


def test_one_of_something_is_singular() -> None:
    made = report()
    assert made.overall is not None
    once = {"substitutions": 1, "deletions": 0, "insertions": 1, "windows": 1}
    rows = dict(summary(replace(made, overall=replace(made.overall, **once))))
    assert "1 substitution, 0 deletions, 1 insertion in " in rows["WER"]
    assert rows["window"].endswith("of 1 window")


def test_the_label_of_a_line_at_the_left_does_not_meet_the_name_of_the_axis() -> None:
    drawn = distribution(histogram([0.1, 0.2]), dict.fromkeys(("p50", "p95", "p99"), 0.0), "things")
    texts = re.findall(r'<text class="name"[^>]* y="([\d.]+)"[^>]*>([^<]*)<', drawn)
    (axis,) = {float(y) for y, words in texts if words == "things"}
    labels = {float(y) for y, words in texts if words.startswith("p")}
    assert len(labels) == 3
    assert min(abs(axis - one) for one in labels) >= 12  # pixels of a line


def test_nothing_timed_leaves_no_drawing() -> None:
    made = report()
    files = tuple(replace(one, course=Course()) for one in made.files)
    bare = replace(made, files=files, latencies=histogram([]), memory=MemoryCurve())
    assert "<svg" not in render(bare)


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_name_and_no_word_becomes_markup(text: str) -> None:
    nasty = text + "<script>alert(1)</script>\"'&\u202e"
    plain, found = Outline(render(report())), Outline(render(report(nasty, SAID, HEARD + nasty)))
    assert set(found.names) == set(plain.names)
    assert set(found.attributes) == set(plain.attributes)
    assert "style" not in found.attributes


@pytest.mark.parametrize("made", [report, live_report])
def test_a_browser_shows_the_page_without_asking_for_anything(
    made: object, browser: Browser, tmp_path: Path
) -> None:
    assert callable(made)
    path = tmp_path / "page.html"
    path.write_text(render(made()), encoding="utf-8")
    page = browser.open(path)
    assert page.asked_outside() == []
    assert page.complaints == []
    boxes = "[...document.querySelectorAll('svg')].map(one => one.getBoundingClientRect().width)"
    shown = [width for width in page.evaluate(boxes) if width]
    assert len(shown) == len(page.evaluate(boxes)) / 2
    assert min(shown) > 600


@pytest.mark.parametrize("width", [340, 700, 1400])
def test_a_page_is_never_wider_than_its_window(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(report("a very long name " * 9 + "x" * 90)), encoding="utf-8")
    page = browser.open(path, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Letters of a drawing are not scaled down until nobody can read them.
    script = (
        "Math.min(...[...document.querySelectorAll('svg')].filter(one => one.checkVisibility())"
        ".map(one => 12 * one.getBoundingClientRect().width / one.viewBox.baseVal.width))"
    )
    assert page.evaluate(script) > 9


def test_colours_follow_the_screen_and_paper_is_white(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render(report()), encoding="utf-8")
    script = (
        "['html', 'svg .bar', '.diff del', '.diff ins'].map(one => {"
        "const style = getComputedStyle(document.querySelector(one));"
        "return one === 'html' ? style.backgroundColor : one === 'svg .bar' ? style.fill"
        ": style.color})"
    )
    light = browser.open(path).evaluate(script)
    dark = browser.open(path, dark=True).evaluate(script)
    paper = browser.open(path, dark=True, media="print").evaluate(script)
    assert all(a != b for a, b in zip(light, dark, strict=True))
    assert paper[0] == "rgb(255, 255, 255)"
    assert len(set(light)) == len(set(dark)) == 4
