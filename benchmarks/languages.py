"""Errors in other languages than English: EchoCLI beside ``faster_whisper``, the language given.

::

    ECHOCLI_CORPUS=/path/to/recordings python -m benchmarks.languages --model base

All clips of a language count, those whose text comes from another tool's tests apart. Rates are of
words after Whisper's basic normaliser, of characters without spaces in Chinese and Japanese.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from benchmarks import corpus, report, tables, weights
from benchmarks.configurations import PRESETS, Configuration, Weights, faster_whisper, ours
from benchmarks.corpus import KINDS, TRUSTED, Clip
from benchmarks.processes import ProcessFailed
from benchmarks.publish import publish
from benchmarks.rounds import measured, tell
from echocli.bench.accuracy import Errors

ASSERTED = "test_assertion"
"""Quality of a text that is what another tool's tests expect."""
BY_CHARACTER = ("zh", "ja")


def groups(where: Path) -> dict[tuple[str, str], list[Clip]]:
    """Return clips by language and by whether their text is trusted, ``""`` for trusted."""
    found: dict[tuple[str, str], list[Clip]] = {}
    for facts in corpus.read_manifest(where):
        language, quality = facts["language"], facts["reference_quality"]
        known = language not in ("en", "mul", "zxx") and facts["kind"] in KINDS
        if known and quality in (*TRUSTED, ASSERTED):
            group = (language, "asserted" if quality == ASSERTED else "")
            found.setdefault(group, []).append(corpus.clip_of(where, facts, language))
    return dict(sorted(found.items()))


def errors(language: str, references: Sequence[str], texts: Sequence[str]) -> Errors:
    """Count the errors of one language over all clips together."""
    import jiwer

    normalise = _normaliser()
    by_character = language in BY_CHARACTER
    told, heard = (
        [normalise(text).replace(" ", "") if by_character else normalise(text) for text in side]
        for side in (references, texts)
    )
    count = jiwer.process_characters if by_character else jiwer.process_words
    found = count(told, heard)
    length = found.hits + found.substitutions + found.deletions
    return Errors(length, found.substitutions, found.deletions, found.insertions)


@cache
def _normaliser() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    made: Callable[[str], str] = BasicTextNormalizer()
    return made


def heard_by(tool: Configuration, clips: Sequence[Clip]) -> tuple[str, ...] | None:
    """Return what a tool hears in the clips, ``None`` where it cannot; that is told."""
    try:
        _, heard = measured(
            tool, [str(clip.path) for clip in clips], sum(clip.seconds for clip in clips)
        )
    except ProcessFailed as error:
        tell(f"skipped: {tool.name}: {error}")
        return None
    return heard.texts


def measure(model: Weights, where: Path, named: Sequence[str]) -> list[list[str]]:
    """Return a row for each language and tool."""
    threads = len(os.sched_getaffinity(0))
    rows = []
    for (language, quality), clips in groups(where).items():
        tools = (
            *faster_whisper(model, threads, language),
            *ours(model, threads, language, named),
        )
        for tool in tools:
            texts = heard_by(tool, clips)
            if texts is not None:
                found = errors(language, [clip.reference for clip in clips], texts)
                rows.append(_cells(f"{language} {quality}".strip(), len(clips), tool.name, found))
    return rows


def _cells(language: str, clips: int, tool: str, found: Errors) -> list[str]:
    unit = "characters" if language.split()[0] in BY_CHARACTER else "words"
    counts = (found.substitutions, found.deletions, found.insertions)
    return [
        *(language, str(clips), f"{found.length} {unit}", tool),
        *(tables.number(found.rate, 2), *map(str, counts)),
    ]


HEADS = ("language", "clips", "length", "tool", "errors %", "S", "D", "I")
HOW = (
    "Made by `python -m benchmarks.languages`: errors after Whisper's basic normaliser, of "
    "characters in Chinese and Japanese, with the language given. *asserted*: texts that another "
    "tool's tests expect, which may be that tool's own spelling."
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Errors in other languages than English.")
    weights.add_options(parser, "base")
    parser.add_argument("--echocli", action="append", metavar="NAME=OPTIONS", help="ways to run it")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write languages-MODEL.md")
    return parser.parse_args(words)


def main() -> int:
    """Measure every model and print a table for each."""
    arguments = parse()
    report.require_libraries()
    where = corpus.require_folder()
    for name in weights.chosen(arguments):
        model = Weights(name, weights.locate(name, arguments.model_dir), None)
        rows = measure(model, where, arguments.echocli or PRESETS)
        publish(arguments.output, f"languages-{name}", tables.table(HEADS, rows), HOW)
    return 0


if __name__ == "__main__":
    sys.exit(main())
