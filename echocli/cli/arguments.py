"""Accept the spellings of whisper and whisper-ctranslate2 before the parser sees them.

Rewriting of the argument list: their longer option names become ours, and ``True``/``False`` after
a flag becomes the flag or its negation. What says nothing here goes. They have no commands: a file
where ours belongs means ``transcribe``. Options that are not there are in
:mod:`echocli.cli.foreign`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise

from echocli.audio.suffixes import is_media
from echocli.errors import UsageError

ALIASES: dict[str, str] = {
    "--vad-filter": "--vad",
    "--vad-onset": "--vad-threshold",
    "--vad-min-speech-duration-ms": "--vad-min-speech-ms",
    "--vad-min-silence-duration-ms": "--vad-min-silence-ms",
    "--vad-speech-pad-ms": "--vad-pad-ms",
    "--logprob-threshold": "--log-prob-threshold",
    "--model-directory": "--model-dir",
    "--local-files-only": "--offline",
}
"""Other tools' names (with dashes) → ours."""

FLAGS = frozenset(
    {"--vad", "--word-timestamps", "--condition-on-previous-text", "--skip-existing", "--verbose"}
    | {"--offline"}
)
"""Flags that other tools write with a value."""

SAYS_NOTHING: dict[str, tuple[str, ...]] = {
    "--fp16": ("true", "false"),  # --compute-type, which is chosen for the device
    "--verbose": ("false",),
    "--threads": ("0", "none"),
    "--device-index": ("0",),
    "--suppress-blank": ("true",),
    "--repetition-penalty": ("1", "1.0"),
    "--no-repeat-ngram-size": ("0",),
    "--hallucination-silence-threshold": ("none",),
    **dict.fromkeys(("--highlight-words", "--print-colors", "--pretty-json"), ("false",)),
    **dict.fromkeys(("--live-transcribe", "--multilingual", "--diarize"), ("false",)),
}
"""Option → the values with which it asks for what is done anyway; both words go."""

BATCHES = ("--batched", "--batch-size")
"""Options that go too, but change what other tools do: people are told."""

TRANSCRIBE = "transcribe"
"""The command that is meant where a file is in its place."""

OWN = frozenset({"-h", "--help", "-V", "--version", "--debug"})
"""Options of the program itself."""

PATHS = frozenset(
    {"-o", "--output-dir", "--model-dir", "--record", "--file", "--metrics-file", "--log-file"}
    | {"--token-file", "--ca-file", "--ssl-certfile", "--ssl-keyfile"}
    | {"--voxtral-binary", "--voxtral-model", "--html", "--reference", "--manifest"}
)
"""Options whose value is a path."""

ALONE = frozenset(
    {
        "-r",
        "-q",
        "-v",
        "--json",
        "--mic",
        "--quiet",
        "--no-quiet",
        "--verbose",
        "--dry-run",
        "--recursive",
    }
    | {"--no-recursive", "--offline", "--no-offline", "--degrade", "--no-degrade", "--no-vad"}
    | {"--no-condition-on-previous-text", "--no-word-timestamps", "--no-skip-existing"}
    | FLAGS
    | OWN
)
"""Options of ``transcribe`` that no value follows; :func:`with_command` must not import it."""

_VALUES = {"true": True, "false": False}


def take_debug(argv: Sequence[str]) -> tuple[bool, list[str]]:
    """Take ``--debug`` out of the words wherever it stands before ``--``."""
    head, tail = _split(argv)
    return "--debug" in head, [*(word for word in head if word != "--debug"), *tail]


def refuse_empty_paths(argv: Sequence[str]) -> None:
    """Raise ``UsageError`` for a path without a letter: it would be the current directory."""
    words, _ = _split(argv)
    for word, value in pairwise(words):
        if value == "" and word.replace("_", "-") in PATHS:
            raise UsageError(f"{word} is empty", hint="is a variable not set?")
    for word in words:
        if word.startswith("--") and word.endswith("=") and word[:-1].replace("_", "-") in PATHS:
            raise UsageError(f"{word[:-1]} is empty", hint="is a variable not set?")


def with_command(
    argv: Sequence[str],
    commands: Collection[str],
    is_file: Callable[[str], bool] = os.path.isfile,
    is_directory: Callable[[str], bool] = os.path.isdir,
) -> list[str]:
    """Put ``transcribe`` before words that begin with an input, or with options before a file.

    A command is always a command, also where a file is called like one; a plain word that is
    neither may be a command that is mistyped, and is left to the parser.
    """
    words = list(argv)
    first = words[0] if words else ""
    if not words or first in commands or first in OWN:
        return words
    if first.startswith("-") and first != "-":
        operands = list(_operands(words))
        may_be = bool(operands) and operands[0] not in commands
    else:
        operands, may_be = [first], True
    if not may_be:
        return words
    found = any(is_input(word, is_file) or is_directory(word) for word in operands)
    return [TRANSCRIBE, *words] if found else words


def _operands(words: Sequence[str]) -> Iterator[str]:
    """Yield the words that are neither options nor their values."""
    head, tail = _split(words)
    is_value = False
    for word in head:
        if is_value or word == "-" or not word.startswith("-"):
            if not is_value:
                yield word
            is_value = False
        elif word.startswith("--"):
            is_value = "=" not in word and word.replace("_", "-") not in ALONE
        else:  # -fsrt has its value in it, as -rf has not
            letters = [f"-{letter}" for letter in word[1:]]
            takes = next((place for place, one in enumerate(letters) if one not in ALONE), None)
            is_value = takes == len(letters) - 1
    yield from tail[1:]


def is_input(word: str, is_file: Callable[[str], bool] = os.path.isfile) -> bool:
    """Tell whether a word can only be an input: it is a file, or written as a path or a pattern."""
    separators = filter(None, (os.sep, os.altsep))
    is_path = any(separator in word for separator in separators)
    return word == "-" or is_path or "*" in word or is_media(word) or is_file(word)


def modernise(argv: Sequence[str]) -> list[str]:
    """Rewrite other tools' option names and flag values; words after ``--`` stay as they are."""
    words, tail = _renamed(argv)
    result: list[str] = []
    index = 0
    while index < len(words):
        meant, used = _meant(words, index)
        result += meant
        index += used
    return [*result, *tail]


def remarks(argv: Sequence[str]) -> tuple[str, ...]:
    """Return what to tell people whose words :func:`modernise` left out."""
    words, _ = _renamed(argv)
    found = [name for name in BATCHES if name in words]
    return (f"{found[0]} changes nothing: batches are made by themselves",) if found else ()


def _renamed(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before ``--`` under our names, and the rest."""
    head, tail = _split(argv)
    return [part for word in head for part in _rename(word)], tail


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    end = list(argv).index("--") if "--" in argv else len(argv)
    return list(argv[:end]), list(argv[end:])


def _rename(word: str) -> list[str]:
    """Return the word under our name; a flag written ``--flag=True`` becomes two words."""
    if not word.startswith("--"):
        return [word]
    name, equals, value = word.partition("=")
    name = name.replace("_", "-")
    name = ALIASES.get(name, name)
    if equals and (name in BATCHES or value.lower() in _taken(name)):
        return [name, value]
    return [name + equals + value]


def _taken(name: str) -> Collection[str]:
    """Return the values of an option, in small letters, that are not left to the parser."""
    return (*SAYS_NOTHING.get(name, ()), *(_VALUES if name in FLAGS else ()))


def _meant(words: list[str], index: int) -> tuple[list[str], int]:
    """Return what the word at ``index`` becomes and how many words it used."""
    word = words[index]
    following = words[index + 1].lower() if index + 1 < len(words) else ""
    if word in BATCHES and (following.isdecimal() or following in (*_VALUES, "none")):
        return [], 2
    if word == "--batched":
        return [], 1
    if following not in _taken(word):
        return [word], 1
    if following in SAYS_NOTHING.get(word, ()):
        return [], 2
    return [word if _VALUES[following] else f"--no-{word[2:]}"], 2
