"""A transcript as HTML: words with their confidence, paragraphs with their time.

Pure, and a segment at a time, so that a live page costs little for each final. The script of the
page counts on this: in ``main`` every ``p`` with ``data-t`` has one ``span`` a word, and
``data-t`` has as many numbers, the first word's start in hundredths of a second and what each
other one adds.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from echocli.events import Gap
from echocli.output.subtitles import clock_time, milliseconds
from echocli.output.text import clean
from echocli.types import Segment, Word

BANDS = ((0.5, "c3"), (0.7, "c2"), (0.9, "c1"))
"""Words below a probability and their class, the least certain first; the others have none."""

PAUSE = 2.0
"""Seconds of silence that begin a paragraph."""

LENGTH = 40.0
"""Seconds after which the next end of a sentence ends a paragraph."""

LONGEST = 90.0
"""Seconds after which anything does."""

_SENTENCE = re.compile("[.!?…。！？\u061f\u06d4\u0964][\"'\u2019\u201d»)\\]]*$")
"""Among the ends are those of Arabic, Urdu and Hindi; a quotation may close behind them."""

_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Overrides and isolates of UAX #9: Whisper writes some in Arabic and Hebrew. Left open, they would
turn around what follows; a paragraph finds its direction by its letters."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment as markup."""

    start: float
    end: float
    source: str | None
    language: str | None
    markup: str
    starts: tuple[int, ...]
    """Of its spans, in 1/100 s."""
    words: int
    rated: bool
    """Whether its words have a confidence."""
    doubts: tuple[str, ...]
    """Links to its least certain words."""
    ends_sentence: bool


def visible(text: str) -> str:
    """Return any text on one line, as HTML; direction overrides are left out."""
    return html.escape(_DIRECTION.sub("", clean(text)))


def piece(segment: Segment, number: int) -> Piece | None:
    """Return a segment as markup, ``None`` if it has no text; ``number`` is its own on the page.

    Without words of its own it is one span, without a confidence.
    """
    text = visible(segment.text).strip()
    words = [word for word in segment.words or () if visible(word.text).strip()]
    if not (text or words):
        return None
    links = [_link(number, at, word) for at, word in enumerate(words) if is_doubtful(word)]
    whole = [_spaced(at, word, number) for at, word in enumerate(words)]
    starts = [word.start for word in words] or [segment.start]
    return Piece(
        start=segment.start,
        end=segment.end,
        source=segment.source,
        language=segment.language,
        markup="".join(whole).strip() if words else f"<span>{text}</span>",
        starts=tuple(milliseconds(start) // 10 for start in starts),
        words=len(words) or len(text.split()),
        rated=bool(words),
        doubts=tuple(links),
        ends_sentence=_SENTENCE.search(clean(segment.text).strip()) is not None,
    )


def is_doubtful(word: Word) -> bool:
    """Tell whether a word is in the lowest band."""
    return word.probability < BANDS[0][0]


def percent(share: float) -> str:
    """Write a share as a whole percentage, never rounded up to the next band."""
    # What is added makes up for 0.29 * 100 being less than 29.
    return f"{math.floor(min(max(share, 0.0), 1.0) * 100 + 1e-9)} %"


def rows(pieces: Sequence[Piece], gaps: Sequence[Gap], language: str | None) -> Iterator[str]:
    """Yield the paragraphs and the gaps, in order of time; ``language`` is that of the page."""
    several = len({one.source for one in pieces}) > 1
    items: list[Gap | list[Piece]] = [*paragraphs(pieces, gaps), *gaps]
    for number, item in enumerate(sorted(items, key=_begins)):
        if isinstance(item, Gap):
            yield _gap(item)
        else:
            yield _paragraph(item, number, language, named=several)


def paragraphs(pieces: Sequence[Piece], gaps: Iterable[Gap]) -> list[list[Piece]]:
    """Group segments by pauses, sources, languages, gaps and length."""
    cuts = [gap.start for gap in gaps]
    found: list[list[Piece]] = []
    for one in pieces:
        if found and _goes_on(found[-1], one, cuts):
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _goes_on(paragraph: list[Piece], one: Piece, cuts: list[float]) -> bool:
    last = paragraph[-1]
    length = last.end - paragraph[0].start
    return (
        (last.source, last.language) == (one.source, one.language)
        and one.start - last.end < PAUSE
        and not (length > LENGTH and last.ends_sentence)
        and length < LONGEST
        and not any(paragraph[0].start <= cut <= one.start for cut in cuts)
    )


def _begins(item: Gap | list[Piece]) -> float:
    return item.start if isinstance(item, Gap) else item[0].start


def _paragraph(pieces: list[Piece], number: int, language: str | None, *, named: bool) -> str:
    first = pieces[0]
    starts = [start for one in pieces for start in one.starts]
    steps = [late - early for early, late in zip([0, *starts], starts, strict=False)]
    other = first.language if first.language != language else None
    lang = f' lang="{visible(other)}"' if other else ""
    who = f' <bdi class="who">{visible(first.source or "")}</bdi>' if named else ""
    return (
        f'<div class="row" id="p{number}"><a class="time" href="#p{number}">'
        f"{clock_time(first.start)}{who}</a>"
        f'<p dir="auto"{lang} data-t="{" ".join(map(str, steps))}">'
        # Line breaks are spaces between words, and nothing between ideographs (CSS Text 3, 4.1.3).
        + "\n".join(one.markup for one in pieces)
        + "</p></div>"
    )


def _gap(gap: Gap) -> str:
    times = f"{clock_time(gap.start)} to {clock_time(gap.end)}"
    return (
        f'<div class="row gap"><span class="time">{clock_time(gap.start)}</span>'
        f'<p lang="en">No text from {times}: {visible(gap.reason)}</p></div>'
    )


def _spaced(at: int, word: Word, number: int) -> str:
    """Return a word with the space around it outside of its span."""
    text = visible(word.text)
    bare = text.strip()
    before, _, after = text.partition(bare)
    return f"{before}<span{_marks(word, number, at)}>{bare}</span>{after}"


def _marks(word: Word, number: int, at: int) -> str:
    band = next((name for below, name in BANDS if word.probability < below), None)
    if band is None:
        return ""
    name = f' id="w{number}-{at}"' if is_doubtful(word) else ""
    return f'{name} class="{band}" title="{percent(word.probability)}"'


def _link(number: int, at: int, word: Word) -> str:
    return (
        f'<li><a href="#w{number}-{at}"><bdi>{visible(word.text).strip()}</bdi></a> '
        f"<small>{clock_time(word.start)}, {percent(word.probability)}</small></li>"
    )
