"""The frame of every page this program writes: one HTML file that needs nothing else.

The policy in its head (Content Security Policy Level 3) lets the page use only the style and the
script it was made with, by their SHA-256, and load nothing from anywhere. So a page has no
``style`` attributes; what differs by value is a class or an attribute of SVG.
"""

from __future__ import annotations

import base64
import hashlib
import html

from echocli import __version__
from echocli.output.text import printable, valid

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fcfcfb; --ink: #1d1d1b; --soft: #5b5a56; --line: #d9d8d2; --band: #f1f0ec;
  --accent: #1f66c1; --second: #b4540a; --good: #15711c; --warn: #8a5a00; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #191918; --ink: #f0efea; --soft: #b3b1aa; --line: #43423e; --band: #262624;
    --accent: #6ba6f2; --second: #f0a05a; --good: #6cc574; --warn: #e3b341; --bad: #ff8b80;
  }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --band: #eee;
    --accent: #1f66c1; --second: #b4540a; --good: #15711c; --warn: #8a5a00; --bad: #b3261e;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 3rem;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
"""
"""Colours as variables, for light, dark and paper, and the page's type and width."""


def escape(text: str) -> str:
    r"""Return any text as it may stand in HTML, in an attribute in double quotes too.

    Control characters and direction overrides show as ``\uXXXX``, as on a terminal.
    """
    return html.escape(printable(valid(text)), quote=True)


def page(title: str, body: str, *, style: str = "", script: str = "", media: bool = False) -> str:
    """Return a whole page with ``body``, which is HTML with everything escaped.

    Args:
        title: plain text.
        body: HTML.
        style: CSS that comes after :data:`STYLE`.
        script: JavaScript, run when the body is there.
        media: whether the page may play sound or pictures from files and of its own address.

    Raises ``ValueError`` where style or script would end their element early.
    """
    css = STYLE + style
    policy = _policy(css, script, media=media)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta name="generator" content="echocli {escape(__version__)}">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n{_element('style', css)}</head>\n"
        f"<body>\n{body}\n{_element('script', script)}</body>\n</html>\n"
    )


def _policy(style: str, script: str, *, media: bool) -> str:
    rules = [
        "default-src 'none'",
        "img-src data:",
        f"style-src {_digest(style)}",
        *([f"script-src {_digest(script)}"] if script else []),
        *(["media-src 'self' file: blob: data:"] if media else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _element(name: str, content: str) -> str:
    """Return an element whose content is raw text (HTML standard, section 13.1.2.6)."""
    if f"</{name}" in content.lower() or "<!--" in content:
        raise ValueError(f"the {name} would end early")
    return f"<{name}>{content}</{name}>\n" if content else ""
