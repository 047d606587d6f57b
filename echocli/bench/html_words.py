"""Word errors on a page: a table of files, and each text with what was heard otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from echocli.bench import accuracy
from echocli.bench.accuracy import Normaliser
from echocli.bench.diff import Edit, Kind, align
from echocli.output.page import escape

AROUND = 8
"""Right words that are shown on either side of an error, where there are more."""

MOST_EDITS = 1000
"""Stretches of a text that are shown."""

MOST_TEXTS = 200
"""Files whose text is shown, those with the most errors first."""

STYLE = """
.diff { overflow-wrap: anywhere; max-width: 46rem; }
.diff del, .diff ins { text-decoration: none; border-radius: .2em; padding: 0 .2em;
  border: 1px solid currentColor; }
.diff del { color: var(--bad); } .diff ins { color: var(--good); }
.diff .sub del { text-decoration: line-through; } .diff .sub { white-space: nowrap; }
.diff .sub del, .diff .sub ins { white-space: normal; }
.diff .rest { color: var(--soft); font-size: .875em; }
details { margin: .25rem 0 .75rem; } summary { cursor: pointer; overflow-wrap: anywhere; }
"""

SIGNS = (
    '<p class="diff"><span class="sub"><del>said</del>→<ins>heard</ins></span> substituted '
    "<del>&minus;said</del> left out <ins>+heard</ins> invented</p>"
)
"""How errors are marked: by colour and by sign."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One file whose text is known; counts are of words, or characters where those are counted."""

    file: str
    language: str | None
    normaliser: Normaliser | None
    said: str
    heard: str
    rate: float | None
    """Percent."""
    length: int | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None

    @property
    def unit(self) -> str:
        """What is counted."""
        return "characters" if self.language in accuracy.WITHOUT_SPACES else "words"


def words(files: Sequence[Heard]) -> str:
    """Return the section about errors; without jiwer or a text it says what is missing."""
    if not files:
        return (
            "<p>No text to compare with: give it with --reference, --manifest or "
            "&lt;name&gt;.ref.txt beside the recording.</p>"
        )
    if not accuracy.is_available():
        return f"<p>Errors need jiwer: {escape(accuracy.INSTALL)}</p>"
    worst = sorted(files, key=lambda one: one.rate or 0.0, reverse=True)[:MOST_TEXTS]
    left = len(files) - len(worst)
    more = f"<p>{left} more files are in the table only.</p>" if left else ""
    return _table(files) + SIGNS + "".join(map(_text, worst)) + more


def _table(files: Sequence[Heard]) -> str:
    heads = ("file", "error rate %", "substituted", "left out", "invented", "of", "normaliser")
    head = "".join(f"<th>{name}</th>" for name in heads)
    rows = "".join(f"<tr>{''.join(_cells(one))}</tr>" for one in files)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )


def _cells(one: Heard) -> Iterator[str]:
    yield f"<td><bdi>{escape(one.file)}</bdi></td>"
    yield f"<td>{'-' if one.rate is None else f'{one.rate:.2f}'}</td>"
    for count in (one.substitutions, one.deletions, one.insertions):
        yield f"<td>{'-' if count is None else count}</td>"
    yield f"<td>{'-' if one.length is None else f'{one.length} {one.unit}'}</td>"
    yield f"<td>{one.normaliser or '-'}</td>"


def _text(one: Heard) -> str:
    edits = align(one.said, one.heard, one.language)
    wrong = sum(edit.kind is not Kind.SAME for edit in edits)
    gap = "" if one.language in accuracy.WITHOUT_SPACES else " "
    shown = gap.join(_edit(edit, gap) for edit in edits[:MOST_EDITS])
    cut = len(edits) - MOST_EDITS
    rest = f' <span class="rest">… and {cut} more stretches</span>' if cut > 0 else ""
    state = "open" if wrong else ""
    language = f' lang="{escape(one.language)}"' if one.language else ""
    places = f"{wrong} place{'s' if wrong != 1 else ''} differ{'s' if wrong == 1 else ''}"
    return (
        f"<details {state}><summary><bdi>{escape(one.file)}</bdi>: {places}</summary>"
        f'<p class="diff" dir="auto"{language}>{shown}{rest}</p></details>'
    )


def _edit(edit: Edit, gap: str) -> str:
    said, heard = escape(gap.join(edit.said)), escape(gap.join(edit.heard))
    match edit.kind:
        case Kind.SUBSTITUTED:
            title = f"said: {said}; heard: {heard}"
            return f'<span class="sub" title="{title}"><del>{said}</del>→<ins>{heard}</ins></span>'
        case Kind.DELETED:
            return f'<del title="left out">&minus;{said}</del>'
        case Kind.INSERTED:
            return f'<ins title="invented">+{heard}</ins>'
    return _right(edit.said, gap)


def _right(said: Sequence[str], gap: str) -> str:
    """Return words that were heard as they are; of many those next to the errors."""
    left = len(said) - 2 * AROUND
    if left <= AROUND:
        return escape(gap.join(said))
    first, last = said[:AROUND], said[-AROUND:]
    rest = f'<span class="rest">… {left} right …</span>'
    return gap.join((escape(gap.join(first)), rest, escape(gap.join(last))))
