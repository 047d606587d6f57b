"""What the other tests take for granted of the browser: it sees, and it says what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import Browser

pytestmark = pytest.mark.unit


def saved(path: Path, body: str) -> Path:
    path.write_text(f"<!doctype html><title>page</title><body>{body}", encoding="utf-8")
    return path


def test_version_is_told(browser: Browser) -> None:
    assert any(part.isdigit() for part in browser.version.replace(".", " ").split())


@pytest.mark.parametrize(
    "body",
    [
        '<img src="http://example.com/x.png">',
        '<link rel="stylesheet" href="https://example.com/x.css">',
        '<script src="//example.com/x.js"></script><base href="http://example.com">'
        '<img src="x.png">',
        '<style>body { background: url("http://example.com/x.png") }</style>',
        '<script>fetch("http://example.com/").catch(() => {})</script>',
        '<script>new WebSocket("ws://example.com/")</script>',
        '<iframe src="http://example.com/"></iframe>',
    ],
)
def test_what_leaves_the_page_is_listed(browser: Browser, tmp_path: Path, body: str) -> None:
    page = browser.open(saved(tmp_path / "page.html", body))
    assert "example.com" in " ".join(page.asked_outside())


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<script>console.error('bad', 1)</script>", "bad 1"),
        ("<script>undefined.x</script>", "TypeError"),
        ("<script>Promise.reject(new Error('late'))</script>", "late"),
        (
            '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
            "<script>1</script>",
            "Content Security Policy",
        ),
        (
            '<meta http-equiv="Content-Security-Policy" content="img-src \'none\'">'
            '<img src="http://example.com/x.png">',
            "Content Security Policy",
        ),
    ],
)
def test_what_goes_wrong_is_noted(
    browser: Browser, tmp_path: Path, body: str, complaint: str
) -> None:
    page = browser.open(saved(tmp_path / "page.html", body))
    page.evaluate("new Promise(done => setTimeout(done))")
    assert complaint in " ".join(page.complaints)


def test_a_quiet_page_asks_for_itself_only(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(saved(tmp_path / "page.html", '<img src="data:,">'))
    assert page.requests[0].endswith("/page.html")
    assert page.asked_outside() == []


def test_clicks_keys_text_and_files_arrive(browser: Browser, tmp_path: Path) -> None:
    body = (
        "<button>go</button><input id=text><input type=file><div style='height:9000px'></div>"
        "<a href='#x' id=far>far</a><script>const seen = [];"
        "document.onclick = event => seen.push(event.target.tagName, event.isTrusted);"
        "document.onkeydown = event => seen.push(event.key);</script>"
    )
    path = saved(tmp_path / "page.html", body)
    page = browser.open(path)
    page.click("button")
    page.press("ArrowLeft")
    page.press("n")
    page.click("#far")
    assert page.evaluate("seen") == ["BUTTON", True, "ArrowLeft", "n", "A", True]
    page.click("#text")
    page.press("a")
    page.write("bc")
    assert page.evaluate("document.querySelector('#text').value") == "abc"
    page.choose("[type=file]", path)
    page.until("document.querySelector('[type=file]').files[0].name === 'page.html'")


def test_window_colours_and_medium_are_as_asked(browser: Browser, tmp_path: Path) -> None:
    path = saved(tmp_path / "page.html", "x")
    page = browser.open(path, width=400, height=300, dark=True, media="print")
    queries = ["(width: 400px)", "(height: 300px)", "(prefers-color-scheme: dark)", "print"]
    assert all(page.evaluate(f"matchMedia('{query}').matches") for query in queries)
    assert browser.open(path).evaluate("matchMedia('(prefers-color-scheme: light)').matches")


def test_a_picture_is_of_the_whole_page(browser: Browser, tmp_path: Path) -> None:
    body = "<div style='height: 3000px; width: 10px'></div>"
    page = browser.open(saved(tmp_path / "page.html", body), width=300)
    data = page.screenshot(tmp_path / "page.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    # Width and height are the first fields of the header (PNG specification, 11.2.1).
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    assert width == 300
    assert height > 3000


def test_scripts_can_be_off(browser: Browser, tmp_path: Path) -> None:
    path = saved(tmp_path / "page.html", "<p>plain</p><script>document.title = 'ran'</script>")
    assert browser.open(path, scripts=False).evaluate("document.title") == "page"
    assert browser.open(path).evaluate("document.title") == "ran"


def test_what_never_comes_true_is_an_error(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(saved(tmp_path / "page.html", "x"))
    with pytest.raises(TimeoutError, match="never came true: 1 > 2"):
        page.until("1 > 2", patience=0.05)
    with pytest.raises(RuntimeError, match="ReferenceError"):
        page.evaluate("nothing.there")
    with pytest.raises(RuntimeError, match="cannot be opened"):
        browser.open(tmp_path / "missing.html")
