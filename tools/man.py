"""Write manual pages: one of the program, one of each command, as ``man`` readers know it of git.

The language is that of man(7): ``.TH``, ``.SH``, ``.TP`` and fonts only, which groff and mandoc
both understand.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from echocli.config import VARIABLES
from tools import environment
from tools.commands import PROGRAM, Command, Parameter
from tools.exit_codes import exit_codes

HEADER = '.\\" Written by tools/generate.py from the commands: change those instead.\n'

EXAMPLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "": (
        ("echocli transcribe meeting.wav", "What is said in a recording, on standard output."),
        ("echocli live --mic", "What is said at the microphone, while it is said."),
        ("echocli detect", "What this machine is, and what suits it."),
    ),
    "transcribe": (
        ("echocli transcribe -f srt -o subtitles talk.mp4", "Subtitles: subtitles/talk.srt."),
        ("echocli transcribe -f json interview.flac", "Text, times and statistics as JSON."),
        ("echocli transcribe --model base.en --word-timestamps -f vtt talk.mp4", "Times of words."),
        ("ffmpeg -i talk.mkv -f wav - | echocli transcribe -", "What comes through a pipe."),
    ),
    "live": (
        ("echocli live --mic -f srt -o captions", "Subtitles that grow while somebody speaks."),
        ("echocli live --file talk.wav --pace", "A file as if it were spoken now."),
        ("echocli live --mic -f jsonl", "Events for another program, one a line."),
    ),
    "detect": (
        ("echocli detect --json", "The same for programs."),
        ("echocli detect --measure", "How fast each model is here."),
    ),
    "bench": (
        (
            "echocli bench talk.wav --runs 3 --assert 'rtf<0.5'",
            "Exit code 6 if decoding takes more than half of real time.",
        ),
    ),
    "warmup": (("echocli warmup --level 2", "What loading costs, and the first inference."),),
    "models": (
        ("echocli models pull base.en", "Fetch a model."),
        ("echocli models verify", "Are all bytes right?"),
    ),
}
"""Command → lines to type, and what each does."""

FILES: Sequence[tuple[str, str]] = (
    (
        "~/.config/echocli/config.toml",
        "Settings. ECHOCLI_CONFIG_DIR moves the directory.",
    ),
    (
        "~/.local/share/echocli/models",
        "The store of models. ECHOCLI_DATA_DIR moves the directory above it.",
    ),
    (
        "~/.cache/echocli/measurements.json",
        "What this machine was measured to do. ECHOCLI_CACHE_DIR moves the directory.",
    ),
)
"""Files on Linux → what is in them."""


def pages(program: Command, commands: Sequence[Command]) -> dict[str, str]:
    """Return file name → page, of the program and of every command."""
    found = {f"{PROGRAM}.1": _program(program, commands)}
    for command in commands:
        found[f"{_page(command)}.1"] = _command(command)
    return found


def _page(command: Command) -> str:
    return f"{PROGRAM}-{command.word}"


def _program(program: Command, commands: Sequence[Command]) -> str:
    lines = [
        *_head(PROGRAM, program.description),
        *_synopsis([f"{PROGRAM} [OPTIONS] COMMAND [ARGUMENTS]"]),
        ".SH DESCRIPTION",
        *_paragraphs(program.description),
        ".PP",
        _roff(
            "Standard output has the transcript and nothing else; the rest is on standard error."
        ),
        ".SH COMMANDS",
        *(
            line
            for one in commands
            for line in _item(f"\\fB{_bare(_page(one))}\\fR(1)", one.summary)
        ),
        ".SH OPTIONS",
        *_parameters(program.options),
        *_exit_status(),
        ".SH ENVIRONMENT",
        _roff("Every setting has a variable; a flag wins over it, and it wins over config.toml."),
        *_variables(),
        ".SH FILES",
        *(line for name, text in FILES for line in _item(_italic(name), text)),
        *_examples(""),
        ".SH SEE ALSO",
        _also([_page(command) for command in commands]),
    ]
    return HEADER + "\n".join(lines) + "\n"


def _command(command: Command) -> str:
    below = command.subcommands
    lines = [
        *_head(_page(command), command.summary),
        *_synopsis([one.usage for one in (command, *below)]),
        ".SH DESCRIPTION",
        *_paragraphs(command.description or command.summary),
        *_sections(command, ".SH"),
    ]
    for one in below:
        lines += [f".SH {_roff(one.name.upper())}", *_paragraphs(one.description or one.summary)]
        lines += _sections(one, ".SS")
    lines += [*_exit_status(), *_examples(command.name), ".SH SEE ALSO", _also([PROGRAM])]
    return HEADER + "\n".join(lines) + "\n"


def _head(page: str, summary: str) -> list[str]:
    name = summary.splitlines()[0].rstrip(".")
    return [
        f'.TH {_bare(page).upper()} 1 "" EchoCLI "EchoCLI manual"',
        ".ad l",
        ".SH NAME",
        f"{_bare(page)} \\- {_roff(name[0].lower() + name[1:])}",
    ]


def _synopsis(usages: Sequence[str]) -> list[str]:
    ours = (usage.removeprefix(PROGRAM) for usage in usages)
    return [".SH SYNOPSIS", ".nf", *(f"{_bold(PROGRAM)}{_bare(usage)}" for usage in ours), ".fi"]


def _sections(command: Command, mark: str) -> Iterator[str]:
    for section in dict.fromkeys(parameter.section for parameter in command.parameters):
        yield f"{mark} {_roff(section.upper() if mark == '.SH' else section)}"
        yield from _parameters([it for it in command.parameters if it.section == section])


def _parameters(parameters: Sequence[Parameter]) -> Iterator[str]:
    for one in parameters:
        # What takes a value says so in words of its own; the names are what is typed.
        yield from _item(re.sub(r"(--?[\w-]+)", lambda it: _bold(it[1]), one.label), one.help)


def _exit_status() -> list[str]:
    items = (_item(_bold(str(code.value)), text) for code, text in exit_codes())
    return [".SH EXIT STATUS", *(line for item in items for line in item)]


def _variables() -> Iterator[str]:
    for name, text in (VARIABLES | environment.settings() | dict(environment.OTHERS)).items():
        yield from _item(_bold(name), text)


def _examples(name: str) -> list[str]:
    lines = [".SH EXAMPLES"] if name in EXAMPLES else []
    for typed, text in EXAMPLES.get(name, ()):
        lines += [".PP", _roff(text), ".PP", ".nf", f".RS 4\n{_bare(typed)}\n.RE", ".fi"]
    return lines


def _also(names: Sequence[str]) -> str:
    return ",\n".join(f"\\fB{_bare(name)}\\fR(1)" for name in names)


def _item(label: str, text: str) -> Iterator[str]:
    yield from (".TP", label, _roff(text))


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _roff(paragraph)


def _roff(text: str) -> str:
    """Return prose: code is bold, lines are short and none begins with a control character."""
    parts = re.split(r"``?([^`]+)``?", " ".join(text.split()))
    words = [_bold(part) if number % 2 else _prose(part) for number, part in enumerate(parts)]
    lines = textwrap.wrap("".join(words), 100, break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
    return "\n".join(line if line[0] not in ".'" else rf"\&{line}" for line in lines if line)


def _prose(text: str) -> str:
    """Escape text; what looks like an option keeps its dashes when it is copied."""
    return re.sub(r"(?<!\w)--?(?=\w)", lambda it: it[0].replace("-", r"\-"), _escaped(text))


def _bold(text: str) -> str:
    return f"\\fB{_bare(text)}\\fR"


def _italic(text: str) -> str:
    return f"\\fI{_bare(text)}\\fR"


def _bare(text: str) -> str:
    """Escape what is typed as it stands: dashes are those of a keyboard."""
    return _escaped(text).replace("-", r"\-")


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\e").replace("~", r"\(ti").replace("^", r"\(ha")
    text = text.replace("'", r"\(aq").replace("`", r"\(ga")
    return "".join(char if ord(char) < 128 else rf"\[u{ord(char):04X}]" for char in text)
