"""Accept the spellings of whisper and whisper-ctranslate2 before the parser sees them.

Pure rewriting of the argument list: their longer option names become ours, and ``True``/``False``
after a flag becomes the flag or its negation. What says nothing here goes: ``--verbose False`` is
the default, and ``--fp16`` of whisper is ``--compute-type``, which is chosen for the device.
"""

from __future__ import annotations

from collections.abc import Sequence

ALIASES: dict[str, str] = {
    "--vad-filter": "--vad",
    "--vad-onset": "--vad-threshold",
    "--vad-min-speech-duration-ms": "--vad-min-speech-ms",
    "--vad-min-silence-duration-ms": "--vad-min-silence-ms",
    "--vad-speech-pad-ms": "--vad-pad-ms",
    "--logprob-threshold": "--log-prob-threshold",
    "--model-directory": "--model-dir",
}
"""Other tools' names (with dashes) → ours."""

FLAGS = frozenset(
    {"--vad", "--word-timestamps", "--condition-on-previous-text", "--skip-existing", "--verbose"}
)
"""Flags that other tools write with a value."""

COUNTED = "--verbose"
"""The flag that has no negation."""

DROPPED = "--fp16"
"""An option that is taken, with its value, and says nothing."""

_VALUES = {"true": True, "false": False}


def take_debug(argv: Sequence[str]) -> tuple[bool, list[str]]:
    """Take ``--debug`` out of the words wherever it stands before ``--``."""
    head, tail = _split(argv)
    return "--debug" in head, [*(word for word in head if word != "--debug"), *tail]


def modernise(argv: Sequence[str]) -> list[str]:
    """Rewrite other tools' option names and flag values; words after ``--`` stay as they are."""
    head, tail = _split(argv)
    words = [part for word in head for part in _rename(word)]
    result: list[str] = []
    index = 0
    while index < len(words):
        meant, used = _flag_with_value(words, index)
        result += meant
        index += used
    return [*result, *tail]


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
    if equals and name in (*FLAGS, DROPPED) and value.lower() in _VALUES:
        return [name, value]
    return [name + equals + value]


def _flag_with_value(words: list[str], index: int) -> tuple[list[str], int]:
    """Return what the word at ``index`` becomes and how many words it used."""
    word = words[index]
    following = words[index + 1].lower() if index + 1 < len(words) else ""
    if word not in (*FLAGS, DROPPED) or following not in _VALUES:
        return [word], 1
    if word == DROPPED or (word == COUNTED and not _VALUES[following]):
        return [], 2
    return [word if _VALUES[following] else f"--no-{word[2:]}"], 2
