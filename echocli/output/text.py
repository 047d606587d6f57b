"""Make text safe to write: no control characters in files, no terminal tricks on a screen.

What a model writes, what a file is called and what a library says are all strangers' text. An
escape sequence in it could retitle, recolour or answer for a terminal, and a right-to-left override
could make a line read as something else (Trojan Source, CVE-2021-42574).
"""

from __future__ import annotations

import re
import unicodedata

_LINE_SPACE = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
"""Every character ``str.splitlines`` cuts at, and the tab: in running text they are spaces."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""C0 but tab and newline, DEL, C1, and the overrides and isolates of UAX #9."""


def valid(text: str) -> str:
    """Return the text with lone surrogates as U+FFFD, so that it is always valid UTF-8."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(text: str) -> str:
    """Return the text on one line, without control characters and lone surrogates.

    Line breaks and tabs become one space, everything else of C0 and C1 (NUL, ESC) is dropped; the
    ends are left as they are, because a word's leading space has a meaning.
    """
    return _CONTROL.sub("", _LINE_SPACE.sub(" ", valid(text)))


def printable(text: str) -> str:
    r"""Return the text with what could act on a terminal as ``\uXXXX``; newline and tab stay.

    The form is that of a JSON string escape, so JSON printed this way can still be parsed.
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """Return a message or a file name as it may stand on one line of a terminal."""
    return printable(_LINE_SPACE.sub(" ", valid(text)))


def display_width(text: str) -> int:
    """Count the terminal or subtitle columns of a text: wide characters are two.

    Wide and fullwidth are those of Unicode's UAX #11; combining and format characters have none.
    """
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pieces(text: str) -> list[str]:
    """Cut a text where a line may break; joined, the pieces are the text again.

    The space before a word belongs to it, as in Whisper's words. Scripts that write without spaces
    break at each wide character, but not before closing or after opening punctuation.
    """
    cuts = [i for i in range(1, len(text)) if _may_break(text[i - 1], text[i])]
    return [
        text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if text
    ]


def _may_break(before: str, after: str) -> bool:
    if before.isspace():
        return False
    if after.isspace():
        return True
    if not (_is_ideograph(before) or _is_ideograph(after)):
        return False
    category = unicodedata.category(after)
    return category[0] != "M" and category not in {"Pe", "Pf", "Po"} and not _opens(before)


def _opens(char: str) -> bool:
    return unicodedata.category(char) in {"Ps", "Pi"}


def _is_ideograph(char: str) -> bool:
    """Tell whether a script breaks at this character; Hangul is wide but writes spaces."""
    hangul = "\uac00" <= char <= "\ud7a3"
    return unicodedata.east_asian_width(char) in "WF" and not hangul


def counted(count: int | None, noun: str) -> str:
    """Return a count with its noun, which takes an s unless it is one; ``-`` for an unknown one."""
    return f"{'-' if count is None else count} {noun}" + ("s" if count != 1 else "")


def size(count: int) -> str:
    """Return a number of bytes for people, in units of ten, as disks and downloads have them."""
    if count >= 10**9:
        return f"{count / 10**9:.1f} GB"
    return f"{count / 10**6:.0f} MB" if count >= 10**7 else f"{count / 10**6:.1f} MB"
