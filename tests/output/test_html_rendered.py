"""The page of a transcript in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from echocli.events import Event, Final, Gap, Ready
from echocli.output.files import AtomicFile
from echocli.output.writers import make_writer
from echocli.types import Segment, Transcript, Word
from tests.browser import Browser, Page
from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit

WORDS = "main p[data-t] span"
POSITION = "document.querySelector('audio').currentTime"
PLAYS = "!document.querySelector('audio').paused"
READY = "document.querySelector('audio').readyState >= 2"


def said(text: str, start: float = 0.0, *, probability: float = 1.0, gap: str = " ") -> Segment:
    """Make a segment whose words take half a second each."""
    words = tuple(
        Word(start + 0.5 * at, start + 0.5 * (at + 1), gap + word, probability)
        for at, word in enumerate(text.split())
    )
    return Segment(0, start, words[-1].end, text, words=words)


def save(path: Path, segments: Sequence[Segment], *events: Event, source: Path | str = "-") -> Path:
    """Write a page as ``transcribe -o`` does."""
    with AtomicFile(path) as file:
        writer = make_writer("html", file)
        for event in (Ready(str(source), "p", "m"), *events, *map(Final, segments)):
            writer.event(event)
        writer.close(Transcript("", "en", 100.0, tuple(segments), "p", "m"))
    return path


def style(page: Page, selector: str, name: str) -> str:
    """Return a computed style of the first element that matches."""
    found: str = page.evaluate(
        f"getComputedStyle(document.querySelector({json.dumps(selector)})).{name}"
    )
    return found


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.evaluate(
        f"Array.from(document.querySelectorAll({json.dumps(selector)}), one => one.textContent)"
    )
    return found


def contrast(page: Page, selector: str) -> float:
    """Return the contrast of text and background (WCAG 2.2, "contrast ratio")."""
    light = sorted(luminance(style(page, selector, name)) for name in ("color", "backgroundColor"))
    return (light[1] + 0.05) / (light[0] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def assert_is_quiet(page: Page) -> None:
    assert page.complaints == []
    assert page.asked_outside() == []


@pytest.fixture
def meeting(samples: Path, tmp_path: Path) -> Path:
    """A recording of 21 s whose name has to be escaped, in a folder of its own."""
    path = tmp_path / "sound files" / "our #1 100% <meeting>.flac"
    path.parent.mkdir()
    shutil.copy(samples / "meeting.flac", path)
    return path


TALK = [
    said("Good morning and thank you", 1.0),
    said("certain", 10.0, probability=0.95),
    said("likely", 10.5, probability=0.8),
    said("doubtful", 11.0, probability=0.6),
    said("unlikely guess", 11.5, probability=0.2),
]


@pytest.fixture
def talk(meeting: Path, tmp_path: Path) -> Path:
    """A page beside its recording."""
    return save(tmp_path / "pages" / "talk.html", TALK, source=meeting)


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_a_transcribed_file_is_a_page_that_plays(
    run_echocli: RunEchocli, browser: Browser, meeting: Path, tmp_path: Path
) -> None:
    done = run_echocli("transcribe", meeting, "-f", "html,txt", "-o", tmp_path / "out")
    assert done.code == 0, done.stderr
    path = tmp_path / "out" / f"{meeting.stem}.html"
    page = browser.open(path)
    plain = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert page.text("main p").split() == plain.split()
    page.until(READY)
    page.click(f"{WORDS}:nth-of-type(30)")
    page.until("document.querySelector('.now')")
    times = [int(step) / 100 for step in str(page.evaluate(DATA)).split(" ")]
    assert page.evaluate(POSITION) == pytest.approx(sum(times[:30]), abs=2)
    assert "summary" in plain
    assert_is_quiet(page)


DATA = "document.querySelector('main p').dataset.t"


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("dark", [False, True])
def test_every_word_can_be_read_in_any_window(
    browser: Browser, talk: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    page = browser.open(talk, width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert (luminance(style(page, "html", "backgroundColor")) < 0.1) is dark
    page.until(READY)
    page.click(f"{WORDS}:nth-of-type(2)")
    page.until("document.querySelector('.now')")
    for marked in (f"{WORDS}.c1", f"{WORDS}.c2", f"{WORDS}.c3", ".now"):
        assert contrast(page, marked) > 4.5
    kinds = {style(page, f"{WORDS}.{band}", "textDecorationStyle") for band in ("c1", "c2", "c3")}
    assert kinds == {"dotted", "dashed", "double"}
    assert page.screenshot(tmp_path / "page.png").stat().st_size > 5000
    assert_is_quiet(page)


def test_a_click_on_a_word_or_a_time_plays_from_there(browser: Browser, talk: Path) -> None:
    page = browser.open(talk)
    page.until(READY)
    page.click(f"{WORDS}.c2")
    page.until(f"{PLAYS} && {POSITION} >= 11 && {POSITION} < 16")
    page.evaluate("document.querySelector('audio').pause()")
    page.click("main .row:nth-of-type(1) a.time")
    page.until(f"{PLAYS} && {POSITION} >= 1 && {POSITION} < 6")
    assert page.evaluate("location.hash") == ""


def test_the_word_that_plays_is_marked(browser: Browser, talk: Path) -> None:
    page = browser.open(talk)
    page.until(READY)
    for position, word in ((1.0, "Good"), (1.6, "morning"), (9.0, "you"), (11.99, "unlikely")):
        page.evaluate(f"{POSITION} = {position}")
        page.until(f"document.querySelector('.now')?.textContent === '{word}'")
    page.evaluate(f"{POSITION} = 0.2")
    page.until("!document.querySelector('.now')")


def test_keys_play_seek_and_search(browser: Browser, talk: Path) -> None:
    page = browser.open(talk)
    page.until(READY)
    page.press(" ")
    page.until(PLAYS)
    page.press(" ")
    page.until(f"!({PLAYS})")
    page.evaluate(f"{POSITION} = 3")
    page.press("ArrowRight")
    page.until(f"{POSITION} === 8")
    page.press("ArrowLeft")
    page.press("ArrowLeft")
    page.until(f"{POSITION} === 0")
    page.press("/")
    page.write("a b")
    page.press(" ")
    assert page.evaluate("document.querySelector('#query').value") == "a b "
    assert not page.evaluate(PLAYS)


def test_keys_that_play_are_left_to_the_page_where_there_is_no_sound(
    browser: Browser, talk: Path, meeting: Path
) -> None:
    meeting.unlink()
    page = browser.open(talk)
    page.until("!document.querySelector('#pick').hidden")
    page.evaluate("addEventListener('keydown', (e) => { window.taken = e.defaultPrevented; })")
    for key in (" ", "ArrowRight"):
        page.press(key)
        assert page.evaluate("window.taken") is False


def test_uncertain_words_are_jumped_to_one_after_the_other(browser: Browser, talk: Path) -> None:
    page = browser.open(talk)
    page.until(READY)
    for key, word in (("n", "unlikely"), ("n", "guess"), ("n", "unlikely"), ("p", "guess")):
        page.press(key)
        assert texts(page, ":target") == [word]
    page.until(f"{POSITION} >= 12")
    page.click(".doubts summary")
    page.click(".doubts a")
    assert texts(page, ":target") == ["unlikely"]
    assert_is_quiet(page)


def test_search_finds_words_and_phrases_across_segments(browser: Browser, tmp_path: Path) -> None:
    talk = [said("The café is open", 0.0), said("open the door", 2.0), said("日本語", 5.0, gap="")]
    page = browser.open(save(tmp_path / "x.html", talk))
    page.click("#query")
    page.write("OPEN THE")
    assert texts(page, ".hit") == ["open", "the"]
    assert page.text("#count") == "1 of 1"
    page.evaluate("document.querySelector('#query').value = ''")
    page.write("open")
    page.press("Enter")
    assert page.text("#count") == "2 of 2"
    assert texts(page, ".here") == ["open"]
    page.press("Escape")
    assert texts(page, ".hit") == []
    page.click("#query")
    page.write("cafe\u0301")  # composed otherwise than in the text
    assert texts(page, ".hit") == ["café"]
    page.write(" nowhere")
    assert page.text("#count") == "not found"


def test_a_recording_that_is_gone_can_be_chosen(
    browser: Browser, talk: Path, meeting: Path, tmp_path: Path
) -> None:
    moved = meeting.rename(tmp_path / "elsewhere.flac")
    page = browser.open(talk)
    page.until("document.querySelector('#said').textContent")
    assert "not where it was" in page.text("#said")
    page.choose("#recording", moved)
    page.until(READY)
    page.click(f"{WORDS}.c1")
    page.until(f"{POSITION} >= 10.5")
    assert page.text("#said") == ""
    assert page.asked_outside() == []


def test_a_page_without_a_recording_asks_for_it(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(save(tmp_path / "x.html", TALK))
    assert not page.evaluate("document.querySelector('audio').checkVisibility()")
    page.click(WORDS)
    assert page.text("#said") == "Choose the recording to hear this."
    assert page.evaluate("document.querySelector('#pick').checkVisibility()")
    assert_is_quiet(page)


def test_strangers_text_stays_text(browser: Browser, tmp_path: Path) -> None:
    talk = ["</script><script>document.title='owned'</script>", "<img/src=x/onerror=alert(1)>"]
    talk += ["\"'&amp;&lt;", "a\u2028b", "<!--", "]]>", "&#60;b&#62;"]
    gap = Gap(50.0, 51.0, "<b>lost</b>")
    page = browser.open(save(tmp_path / "x.html", [said(text) for text in talk], gap))
    assert texts(page, WORDS) == " ".join(talk).split()
    assert "<b>lost</b>" in page.text(".gap")
    assert page.evaluate("document.title") == "x"
    assert page.evaluate("document.querySelectorAll('script, img, b').length") == 1
    assert_is_quiet(page)


def test_text_runs_the_way_its_script_does(browser: Browser, tmp_path: Path) -> None:
    talk = [said("مرحبا بكم في الاجتماع"), said("今日 は", 10.0, gap=""), said("left", 20.0)]
    page = browser.open(save(tmp_path / "x.html", talk))
    directions: Any = page.evaluate(
        "Array.from(document.querySelectorAll('main p'), one => getComputedStyle(one).direction)"
    )
    assert directions == ["rtl", "ltr", "ltr"]
    assert page.text(".row:nth-of-type(2) p") == "今日は"


def test_without_scripts_the_text_is_there_and_no_idle_tools(browser: Browser, talk: Path) -> None:
    page = browser.open(talk, scripts=False)
    assert "Good morning" in page.text("main")
    visible = "document.querySelector('{}').checkVisibility()"
    assert page.evaluate(visible.format("audio"))
    assert not page.evaluate(visible.format(".tools"))
    assert not page.evaluate(visible.format(".keys"))


def test_paper_has_the_text_and_the_marks_only(browser: Browser, talk: Path) -> None:
    page = browser.open(talk, media="print", dark=True)
    for hidden in (".bar", ".doubts", ".keys"):
        assert style(page, hidden, "display") == "none"
    assert style(page, "html", "backgroundColor") == "rgb(255, 255, 255)"
    assert contrast(page, f"{WORDS}.c3") > 7


def test_two_hours_open_quickly(browser: Browser, tmp_path: Path) -> None:
    sentence = "fourteen words of a talk that goes on and on for very long."
    talk = [said(sentence, at * 4.5, probability=at % 10 / 10) for at in range(1540)]
    before = time.perf_counter()
    page = browser.open(save(tmp_path / "long.html", talk))
    assert time.perf_counter() - before < 15
    assert page.evaluate(f"document.querySelectorAll('{WORDS}').length") == 13 * 1540
    page.click("#query")
    page.write("very long")
    assert page.text("#count") == "1 of 1540"
