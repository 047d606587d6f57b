"""The script for zsh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tools.commands import PROGRAM, Command, Kind, Parameter
from tools.completions.asked import (
    ASK,
    FIRST_FILE,
    HEADER,
    PATHS_TOO,
    asked,
    quoted,
    words,
)

_SCRIPT = """\
#compdef @PROGRAM@
# @HEADER@
_echocli() {
    local context state state_descr line ret=1
    typeset -A opt_args
    local -a commands
@GROUP@
    return ret
}
# Offer the words of a list that the program knows; what stands before its name is for compadd.
_echocli_values() {
    local -a found
    found=(${(f)"$(@ASK@ ${@[-1]} 2>/dev/null </dev/null)"})
    compadd "${@[1,-2]}" -a found
}
_echocli_values_or_files() {
    _echocli_values "$@" || _files "${@[1,-2]}"
}
# Complete the function that `echocli shell-init` defines, and nothing else of its name.
_echocli_function() {
    local name=${words[1]:t}
    if [[ $name != @PROGRAM@ ]] && (( ! ${+functions[$name]} )); then
        _default
    elif [[ $name == @PROGRAM@ || -z ${builtins[$name]-}${commands[$name]-} ]]; then
        _echocli
    elif (( CURRENT == 2 )); then
        _alternative 'commands:command:(@COMMANDS@)' 'files:file:_files'
    else
        case $words[2] in
            @PATTERN@) _echocli ;;
            *) _default ;;
        esac
    fi
}
if [[ $funcstack[1] == _echocli ]]; then
    _echocli "$@"
else
    compdef _echocli @PROGRAM@
fi
"""


def zsh(program: Command, commands: Sequence[Command]) -> str:
    """Return a script that works both in ``fpath`` (as ``_echocli``) and when sourced."""
    text = {
        "@PROGRAM@": PROGRAM,
        "@HEADER@": HEADER,
        "@GROUP@": "\n".join(_group(replace(program, subcommands=tuple(commands)), "    ")),
        "@ASK@": ASK,
        "@COMMANDS@": words(commands),
        "@PATTERN@": words(commands, "|"),
    }
    script = _SCRIPT
    for mark, meaning in text.items():
        script = script.replace(mark, meaning)
    return script


def _group(group: Command, margin: str) -> list[str]:
    """Return the lines that complete a command with subcommands, the program itself included."""
    table = [quoted(f"{_plain(command.word)}:{command.summary}") for command in group.subcommands]
    of_program = not group.name
    lines = [
        f"commands=({' '.join(table)})",
        "_arguments -C -s -S \\",
        *(f"    {spec} \\" for option in group.options for spec in _specs(group, option)),
        "    '1: :->command' '*:: :->rest' && ret=0",
        "case $state in",
        "    command)",
        "        _describe -t commands command commands && ret=0",
        *(["        (( ret )) && _files && ret=0"] if of_program else []),
        "        ;;",
        "    rest)",
        *(_first_file(group) if of_program else []),
        "        case $line[1] in",
        *(line for command in group.subcommands for line in _block(command)),
        "        esac",
        "        ;;",
        "esac",
    ]
    return [margin + line for line in lines]


def _first_file(program: Command) -> list[str]:
    """Return what makes a file in the place of a command mean the command it stands for."""
    pattern = words(program.subcommands, "|")
    return [
        "        case $line[1] in",
        f"            {pattern}) ;;",
        f"            *) line[1]={FIRST_FILE} ;;",
        "        esac",
    ]


def _block(command: Command) -> list[str]:
    """Return the case of a subcommand within that of its group."""
    margin = " " * 16
    if command.subcommands:
        body = _group(command, margin)
    else:
        specs = [spec for item in command.parameters for spec in _specs(command, item)]
        lines = ["_arguments -s -S \\", *(f"    {spec} \\" for spec in specs), "    && ret=0"]
        body = [margin + line for line in lines]
    return [f"            {command.word})", *body, f"{margin};;"]


def _specs(command: Command, parameter: Parameter) -> list[str]:
    """Return the ``_arguments`` specifications of a parameter, one for each spelling."""
    action = _action(command, parameter)
    if not parameter.is_option:
        place = "*" if parameter.repeatable else ""
        return [quoted(f"{place}:{_plain(_name(parameter))}:{action}")]
    value = "" if parameter.kind is Kind.FLAG else f":value:{action}"
    alone = "*" if parameter.repeatable else f"({' '.join(parameter.names)})"
    summary = _plain(parameter.summary)
    # `=` lets a long option take its value in the same word too.
    return [
        quoted(f"{alone}{name}{'=' if value and len(name) > 2 else ''}[{summary}]{value}")
        for name in parameter.names
    ]


def _action(command: Command, parameter: Parameter) -> str:
    if found := asked(command, parameter):
        return f"_echocli_values{'_or_files' if found in PATHS_TOO else ''} {found}"
    if parameter.kind is Kind.CHOICE:
        return f"({' '.join(parameter.choices)})"
    return {Kind.FILE: "_files", Kind.DIRECTORY: "_files -/"}.get(parameter.kind, " ")


def _name(argument: Parameter) -> str:
    """Return what people call an argument, without the parser's marks and type."""
    return argument.label.partition(" <")[0].strip("[].")


def _plain(text: str) -> str:
    """Escape what ``_arguments`` reads as its own punctuation."""
    for mark in "\\:[]":
        text = text.replace(mark, f"\\{mark}")
    return text
