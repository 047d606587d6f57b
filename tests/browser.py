"""A real browser for the pages this program writes: headless Chromium, told what to do.

Nothing has to be installed beside the browser itself. It is spoken to in the Chrome DevTools
protocol over ``--remote-debugging-pipe``: JSON messages that end in NUL, in at descriptor 3 and out
at descriptor 4. No name can be resolved in it, so that a page that asks for something of the
network gets nothing, and what it asked for is listed.

What a test does with it (``tests/conftest.py`` has the fixture ``browser``, which skips where there
is no Chromium)::

    page = browser.open(tmp_path / "page.html")  # waits until it is loaded; a Path or a URL
    page = browser.open(path, width=400, dark=True)  # and height=, scripts=False, media="print"
    page.evaluate("document.title")  # a value of JavaScript; promises are awaited
    page.until("document.querySelector('audio').currentTime > 3")  # or it raises TimeoutError
    page.click("main span:nth-of-type(3)")  # a true click in the middle of the first that matches
    page.press("ArrowRight")  # a key by its name, or one character
    page.write("words")  # into what has the focus
    page.choose("input[type=file]", path)  # what a file picker would give
    page.text("main")  # as it is rendered; page.html() is the DOM after the scripts
    page.screenshot(tmp_path / "page.png")  # the whole page; whole=False: what is in the window
    assert page.asked_outside() == []  # every URL that is neither of a file nor in the page
    assert page.complaints == []  # exceptions, console errors, what the page's policy refused

``browser.version`` is what ``chromium --version`` says.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0
"""Seconds for what will surely happen; only a defect waits that long."""

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",  # /dev/shm is small in containers
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--mute-audio",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

PIPES = 'exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1'
"""A shell gives the browser its two descriptors; in Python that would take a ``preexec_fn``."""

KEYS = {
    " ": ("Space", 32, " "),
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "Tab": ("Tab", 9, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
}
"""Key → its code, the number of old, and what it writes."""

LOCAL = ("file:", "data:", "blob:", "about:")


def program() -> str | None:
    """Return the browser on the PATH, if there is one that takes descriptors."""
    return next(filter(None, map(shutil.which, NAMES)), None) if os.name == "posix" else None


class Page:
    """One open page in a window of its own size."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.requests: list[str] = []
        """Every URL that was asked for, the page's own first."""
        self.complaints: list[str] = []
        """Exceptions, errors on the console, and what the security policy refused."""

    def call(self, method: str, **params: Any) -> Message:
        """Call a method of the protocol; raise ``RuntimeError`` where it refuses."""
        return self._browser.call(method, self._session, **params)

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression, awaited where it is a promise."""
        done = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(_complaint(done["exceptionDetails"]))
        return done["result"].get("value")

    def until(self, condition: str, patience: float = PATIENCE) -> None:
        """Wait until an expression is true; not for a page without scripts, which has no timers."""
        waits = (
            "new Promise(done => { const end = performance.now() + "
            f"{patience * 1000}; const look = () => {{ if ({condition}) done(true); else if "
            "(performance.now() > end) done(false); else setTimeout(look, 20); }; look(); })"
        )
        if not self.evaluate(waits):
            raise TimeoutError(f"never came true: {condition}")

    def text(self, selector: str = "body") -> str:
        """Return the text of the first element that matches, as it is rendered."""
        found: str = self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
        return found

    def html(self) -> str:
        """Return the DOM as it is now."""
        found: str = self.evaluate("document.documentElement.outerHTML")
        return found

    def click(self, selector: str) -> None:
        """Click into the middle of the first element that matches, scrolled into view."""
        box = self.evaluate(
            "(() => { const one = document.querySelector(" + json.dumps(selector) + ");"
            "one.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const box = one.getClientRects()[0];"
            "return {x: box.x + box.width / 2, y: box.y + box.height / 2}; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self.call("Input.dispatchMouseEvent", type=kind, button=button, clickCount=1, **box)

    def press(self, key: str) -> None:
        """Press a key: one of :data:`KEYS` or a character that writes itself."""
        code, number, text = KEYS.get(key, ("", ord(key[0].upper()), key))
        facts: Message = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **facts)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)

    def choose(self, selector: str, *paths: Path) -> None:
        """Give a file input these files, as a person would who chose them."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def screenshot(self, path: Path, *, whole: bool = True) -> Path:
        """Write a PNG of the page, or of what is in its window."""
        done = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(done["data"]))
        return path

    def asked_outside(self) -> list[str]:
        """Return what was asked for of anything but the disk and the page itself."""
        return [url for url in self.requests if not url.startswith(LOCAL)]

    def hear(self, message: Message) -> None:
        """Note an event of the protocol."""
        params = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated" | "Network.webTransportCreated":
                self.requests.append(params["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(_complaint(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert"):
                self.complaints.append(" ".join(str(_value(one)) for one in params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(params["entry"]["text"])


class Browser:
    """A running Chromium; :func:`running` starts one and ends it."""

    def __init__(self, process: subprocess.Popen[bytes], version: str) -> None:
        self.version = version
        self._process = process
        self._count = 0
        self._received = b""
        self._pages: dict[str, Page] = {}
        self._loaded: set[str] = set()

    def open(
        self,
        where: Path | str,
        *,
        width: int = 1200,
        height: int = 800,
        dark: bool = False,
        scripts: bool = True,
        media: str = "screen",
    ) -> Page:
        """Open a file or a URL in a new window of a profile of its own, and wait for it."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session: str = self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._loaded.discard(session)
        url = where.resolve().as_uri() if isinstance(where, Path) else where
        if failed := page.call("Page.navigate", url=url).get("errorText"):
            raise RuntimeError(f"{url} cannot be opened: {failed}")
        self._wait_for(session)
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> Message:
        """Call a method of the protocol and return its result; events are noted on the way."""
        self._count += 1
        message: Message = {"id": self._count, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        deadline = time.monotonic() + 2 * PATIENCE
        while (answer := self._next(deadline)).get("id") != self._count:
            self._hear(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: Message = answer["result"]
        return result

    def _wait_for(self, session: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while session not in self._loaded:
            self._hear(self._next(deadline))

    def _hear(self, message: Message) -> None:
        session = message.get("sessionId", "")
        if message.get("method") == "Page.loadEventFired":
            self._loaded.add(session)
        elif "method" in message and session in self._pages:
            self._pages[session].hear(message)

    def _next(self, deadline: float) -> Message:
        """Return the next message; raise ``TimeoutError`` when none comes in time."""
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while b"\0" not in self._received:
            if not select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(pipe, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self._received += data
        line, _, self._received = self._received.partition(b"\0")
        message: Message = json.loads(line)
        return message


@contextmanager
def running(browser: str, flags: Sequence[str] = ()) -> Iterator[Browser]:
    """Run a browser with a profile in a temporary folder; it has ended when this returns."""
    version = subprocess.run(
        [browser, "--version"], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout.strip()
    # Its sandbox refuses to run as root.
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, *FLAGS, *root, *flags, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            ["sh", "-c", PIPES, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"HOME": profile, "TMPDIR": profile},
            start_new_session=True,
        )
        with process:
            try:
                yield Browser(process, version)
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the browser and everything it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _complaint(details: Message) -> str:
    said = details.get("exception", {}).get("description") or details.get("text", "")
    return f"{said} (line {details.get('lineNumber', -1) + 1})"


def _value(argument: Message) -> Any:
    return argument.get("value", argument.get("description"))
