"""A transcript as one page that needs nothing else: words by confidence, and the recording to hear.

``transcript.css`` and ``transcript.js`` are its style and its script. Without scripts the text, the
marks and the player are there all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from echocli.events import Backfill, Event, Gap, Ready
from echocli.output.gaps import OpenGaps
from echocli.output.markup import BANDS, Piece, percent, piece, rows, visible
from echocli.output.page import page
from echocli.output.subtitles import clock_time
from echocli.output.writing import Placed, TextSink, Writer
from echocli.types import Transcript

_STYLE = Path(__file__).with_name("transcript.css")
_SCRIPT = Path(__file__).with_name("transcript.js")

_KEYS = (
    ("space", "play or stop"),
    ("←", "5 s back"),
    ("→", "5 s on"),
    ("/", "search"),
    ("n", "next uncertain word"),
    ("p", "the one before"),
)


class HtmlWriter(Writer):
    """The page, written at the end; the recording is linked where it is a file."""

    name = "html"
    summary = "a page with words by confidence that plays the recording"
    in_all = False

    def _begin(self) -> None:
        self._sources: list[str] = []
        self._gaps = OpenGaps()

    def event(self, event: Event) -> None:
        """Take what the transcript does not have: the sources and the gaps."""
        match event:
            case Ready():
                self._sources.append(event.source)
            case Gap():
                self._gaps.leave(event)
            case Backfill():
                self._gaps.fill(event.segment)

    def _end(self, transcript: Transcript) -> None:
        numbered = enumerate(transcript.segments)
        pieces = [one for number, each in numbered if (one := piece(each, number)) is not None]
        self._sink.write(self._document(transcript, pieces))

    def _document(self, facts: Transcript, pieces: Sequence[Piece]) -> str:
        """Return the whole page; of the transcript only its facts are read."""
        name, link = title(self._sources, self._sink), recording(self._sources, self._sink)
        body = "\n".join(
            [
                _header(name, facts, pieces),
                _player(link),
                _legend(pieces),
                _doubts(pieces),
                _text(facts.language, pieces, list(self._gaps)),
                _help(),
            ]
        )
        style, script = (path.read_text(encoding="utf-8") for path in (_STYLE, _SCRIPT))
        return page(name, body, style=style, script=script, media=True)


def title(sources: Iterable[str], sink: TextSink) -> str:
    """Return what a page is called: after its recording, else its file, else its sources."""
    files = [Path(source).name for source in sources if _is_file(source)]
    if not files and isinstance(sink, Placed):
        return sink.path.stem
    return ", ".join(files or sources) or "Transcript"


def recording(sources: Sequence[str], sink: TextSink) -> str | None:
    """Return the URL of the one recording, relative to the page; ``None`` where it is no file.

    A page on standard output is taken to land in the current directory.
    """
    if len(sources) != 1 or not _is_file(sources[0]):
        return None
    folder = sink.path.parent if isinstance(sink, Placed) else Path()
    path = Path(sources[0])
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # on another drive
        return path.resolve().as_uri()
    # A colon would make a scheme of what stands before it, a backslash is a separator or a letter.
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")


def _is_file(source: str) -> bool:
    try:
        return Path(source).is_file()
    except (OSError, ValueError):
        return False


def _header(name: str, facts: Transcript, pieces: Sequence[Piece]) -> str:
    table = {
        "Length": clock_time(facts.duration),
        "Language": facts.language or "unknown",
        "Words": str(sum(one.words for one in pieces)),
        "Model": facts.model,
        "Provider": facts.provider,
    }
    cells = (
        f"<div><dt>{name}</dt><dd><bdi>{visible(value)}</bdi></dd></div>"
        for name, value in table.items()
        if value
    )
    return (
        f"<header><h1><bdi>{visible(name)}</bdi></h1>\n"
        f'<dl class="facts">{"".join(cells)}</dl></header>'
    )


def _player(link: str | None) -> str:
    source = f' src="{visible(link)}"' if link is not None else " hidden"
    return (
        f'<div class="bar"><audio controls preload="metadata"{source}></audio>\n'
        '<div class="tools scripted" hidden>'
        '<p id="said" role="status"></p>'
        '<label>Search <input type="search" id="query" autocomplete="off"></label>'
        '<button type="button" id="before" aria-label="Previous match">↑</button>'
        '<button type="button" id="after" aria-label="Next match">↓</button>'
        '<output id="count" for="query"></output>'
        f'<label id="pick"{"" if link is None else " hidden"}>Recording '
        '<input type="file" id="recording" accept="audio/*,video/*"></label></div></div>'
    )


def _legend(pieces: Sequence[Piece]) -> str:
    if not pieces:
        return ""
    if not any(one.rated for one in pieces):
        return '<p class="legend">This provider gives no confidence and no times of words.</p>'
    limits = [percent(below) for below, _ in BANDS]
    names = [
        f"under {limits[0]}",
        *(f"{a} to {b}" for a, b in pairwise(limits)),
    ]
    steps = (
        f'<span class="{band}">{name}</span>'
        for name, (_, band) in reversed(list(zip(names, BANDS, strict=True)))
    )
    return f'<p class="legend">Confidence: <span>{limits[-1]} and more</span> {" ".join(steps)}</p>'


def _doubts(pieces: Sequence[Piece]) -> str:
    links = [link for one in pieces for link in one.doubts]
    if not links:
        return ""
    return (
        f'<details class="doubts"><summary>Uncertain words (under {percent(BANDS[0][0])}): '
        f"{len(links)}</summary><ol>\n" + "\n".join(links) + "\n</ol></details>"
    )


def _text(language: str | None, pieces: Sequence[Piece], gaps: list[Gap]) -> str:
    found = list(rows(pieces, gaps, language)) or ['<p lang="en">No speech was found.</p>']
    lang = f' lang="{visible(language)}"' if language else ""
    return f"<main{lang}>\n" + "\n".join(found) + "\n</main>"


def _help() -> str:
    keys = ", ".join(f"<kbd>{key}</kbd> {does}" for key, does in _KEYS)
    return (
        '<p class="keys scripted" hidden>A click on a word or a time plays the recording from '
        f"there. Keys: {keys}.</p>"
    )
