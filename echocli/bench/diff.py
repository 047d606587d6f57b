"""Which words of a text were heard as which, aligned as the errors are counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from echocli.bench.accuracy import WITHOUT_SPACES, choose, normalise


class Kind(StrEnum):
    """What became of a stretch of a text, in jiwer's words."""

    SAME = "equal"
    """Heard as it is."""
    SUBSTITUTED = "substitute"
    """Heard as something else of the same number of words."""
    DELETED = "delete"
    """Not heard."""
    INSERTED = "insert"
    """Heard, and not said."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch in words, or characters of a language without spaces, after normalisation."""

    kind: Kind
    said: tuple[str, ...]
    heard: tuple[str, ...]


def align(reference: str, heard: str, language: str | None) -> tuple[Edit, ...]:
    """Return the stretches in order; needs jiwer, see :func:`.accuracy.is_available`."""
    normaliser = choose(language)
    said, seen = (normalise(text, normaliser) for text in (reference, heard))
    if language in WITHOUT_SPACES:
        return tuple(_characters(said.replace(" ", ""), seen.replace(" ", "")))
    return tuple(_words(said, seen))


def _words(said: str, heard: str) -> Iterator[Edit]:
    import jiwer

    return _edits(jiwer.process_words(said, heard))


def _characters(said: str, heard: str) -> Iterator[Edit]:
    import jiwer

    return _edits(jiwer.process_characters(said, heard))


def _edits(found: object) -> Iterator[Edit]:
    import jiwer

    assert isinstance(found, jiwer.WordOutput | jiwer.CharacterOutput)
    said, heard = found.references[0], found.hypotheses[0]
    for chunk in found.alignments[0]:
        yield Edit(
            Kind(chunk.type),
            tuple(said[chunk.ref_start_idx : chunk.ref_end_idx]),
            tuple(heard[chunk.hyp_start_idx : chunk.hyp_end_idx]),
        )
