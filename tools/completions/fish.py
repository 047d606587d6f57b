"""The script for fish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from echocli.cli.completion_values import Kind as Values
from tools.commands import PROGRAM, Command, Kind, Parameter
from tools.completions.asked import ASK, FIRST_FILE, HEADER, PATHS_TOO, asked, every, words

_HEAD = """\
# @HEADER@
function __echocli_values --argument-names list
    @ASK@ $list 2>/dev/null </dev/null
end
# What is typed of a value, also where its option stands in the same word.
function __echocli_typed
    string replace -r -- '^--[\\w-]+=' '' (commandline -ct)
end
function __echocli_values_or_files --argument-names list
    set -l found (__echocli_values $list)
    if __echocli_begins $found
        printf '%s\\n' $found
    else
        __fish_complete_path (__echocli_typed)
    end
end
# Does one of these words begin with what is typed?
function __echocli_begins
    set -l typed (string escape --style=regex -- (__echocli_typed))
    string match -q -r -- "^$typed" $argv
end
# Is the command that is typed the one of these words?
function __echocli_at
    set -l at ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        set -l longer (string trim -- "$at $word")
        if contains -- $longer @NAMES@
            set at $longer
        else if test -z "$at"; and not string match -q -- '-*' $word
            set at @FIRST_FILE@
        end
    end
    test " $at" = " $argv"
end
# Files, where no command begins as the first word does.
complete -c @PROGRAM@ -n '__echocli_at; and not __echocli_begins @COMMANDS@' -F
"""


def fish(program: Command, commands: Sequence[Command]) -> str:
    """Return a script for ``~/.config/fish/completions``."""
    whole = replace(program, subcommands=tuple(commands))
    text = {
        "@HEADER@": HEADER,
        "@ASK@": ASK,
        "@NAMES@": " ".join(quoted(command.name) for command in every(commands)),
        "@FIRST_FILE@": FIRST_FILE,
        "@PROGRAM@": PROGRAM,
        "@COMMANDS@": words(commands),
    }
    script = _HEAD
    for mark, meaning in text.items():
        script = script.replace(mark, meaning)
    return script + "".join(f"{line}\n" for at in [whole, *every(commands)] for line in _lines(at))


def _lines(command: Command) -> list[str]:
    """Return a line for each option of a command, each subcommand, and its arguments."""
    start = f"complete -c {PROGRAM} -n {quoted(f'__echocli_at {command.name}'.strip())}"
    lines = [f"{start} {_option(command, option)}" for option in command.options]
    if command.subcommands:
        below = ((under.word, quoted(under.summary)) for under in command.subcommands)
        return lines + [f"{start} -f -a {word} -d {summary}" for word, summary in below]
    offer = _arguments(command)
    return lines if offer is None else [*lines, f"{start} {offer}"]


def _option(command: Command, option: Parameter) -> str:
    long = [f"-l {name[2:]}" for name in option.names if name.startswith("--")]
    short = [f"-s {name[1:]}" for name in option.names if not name.startswith("--")]
    return " ".join([*short, *long, _value(command, option), "-d", quoted(option.summary)])


def _value(command: Command, option: Parameter) -> str:
    if found := asked(command, option):
        return f"-x -a '({_list(found)})'"
    return {
        Kind.FLAG: "-f",
        Kind.FILE: "-r -F",
        Kind.DIRECTORY: "-x -a '(__fish_complete_directories)'",
        Kind.CHOICE: f"-x -a {quoted(' '.join(option.choices))}",
        Kind.FREE: "-x",
    }[option.kind]


def _arguments(command: Command) -> str | None:
    """Return what a command offers behind its options; ``None`` for files, as fish does anyway."""
    if found := next((it for item in command.arguments if (it := asked(command, item))), None):
        return f"-f -a '({_list(found)})'"
    if any(item.kind is Kind.FILE for item in command.arguments):
        return None
    choices = " ".join(value for item in command.arguments for value in item.choices)
    return f"-f -a {quoted(choices)}" if choices else "-f"


def _list(name: Values) -> str:
    return f"__echocli_values{'_or_files' if name in PATHS_TOO else ''} {name}"


def quoted(text: str) -> str:
    """Quote for fish, where a backslash in quotes protects a quote or another backslash."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
