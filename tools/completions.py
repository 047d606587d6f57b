"""Write completion scripts that never start the program.

A completion that runs Python on every Tab press takes a noticeable part of a second; these scripts
hold the whole table instead. ``make docs`` writes them again from the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tools.commands import PROGRAM, Command, Kind, Parameter

HEADER = f"completion of {PROGRAM}, written by tools/generate.py: change the commands instead"


def _all(commands: Sequence[Command]) -> list[Command]:
    """Return the commands, each followed by its subcommands."""
    return [found for command in commands for found in (command, *_all(command.subcommands))]


def bash(program: Command, commands: Sequence[Command]) -> str:
    """Return a script for bash 3.2 (macOS) and later; it needs no bash-completion."""
    whole = replace(program, subcommands=tuple(commands))
    every = [whole, *_all(commands)]
    names = "|".join(f'"{command.name}"' for command in every[1:])
    values = [line for command in every for line in _bash_values(command)]
    offers = [_bash_offer(command) for command in every]
    return "\n".join(
        [
            f"# {HEADER}",
            "_echocli() {",
            "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}",
            "    local command='' choices='' options='' i",
            "    COMPREPLY=()",
            "    # bash splits --option=value into three words",
            '    if [[ $cur == "=" ]]; then',
            "        cur=''",
            '    elif [[ $prev == "=" ]]; then',
            "        prev=${COMP_WORDS[COMP_CWORD-2]}",
            "    fi",
            "    for ((i = 1; i < COMP_CWORD; i++)); do",
            '        case "${command:+$command }${COMP_WORDS[i]}" in',
            f'            {names}) command="${{command:+$command }}${{COMP_WORDS[i]}}" ;;',
            "        esac",
            "    done",
            '    case "$command $prev" in',
            *values,
            "    esac",
            '    case "$command" in',
            *offers,
            "    esac",
            "    if [[ $cur == -* ]]; then",
            '        COMPREPLY=($(compgen -W "$options" -- "$cur"))',
            "    else",
            '        COMPREPLY=($(compgen -W "$choices" -- "$cur"))',
            "    fi",
            "}",
            "# An empty answer leaves the word to bash, which then offers files.",
            f"complete -o bashdefault -o default -F _echocli {PROGRAM}",
            "",
        ]
    )


def _bash_values(command: Command) -> list[str]:
    """Return the cases of a command's options that take a value."""
    lines = []
    for option in command.options:
        if option.kind is Kind.FLAG:
            continue
        pattern = "|".join(f'"{command.name} {name}"' for name in option.names)
        lines.append(f"        {pattern}) {_bash_value(option)}return ;;")
    return lines


def _bash_value(option: Parameter) -> str:
    if option.kind is Kind.CHOICE:
        return f'COMPREPLY=($(compgen -W {_quoted(" ".join(option.choices))} -- "$cur")); '
    if option.kind is Kind.DIRECTORY:
        return (
            "compopt -o filenames 2>/dev/null; "
            "local IFS=$'\\n'; COMPREPLY=($(compgen -d -- \"$cur\")); "
        )
    if option.kind is Kind.FREE:
        return "compopt +o default +o bashdefault 2>/dev/null; "
    return ""


def _bash_offer(command: Command) -> str:
    options = " ".join(name for option in command.options for name in option.names)
    words = [below.word for below in command.subcommands]
    choices = " ".join([*words, *(v for item in command.arguments for v in item.choices)])
    return f'        "{command.name}") options={_quoted(options)} choices={_quoted(choices)} ;;'


def zsh(program: Command, commands: Sequence[Command]) -> str:
    """Return a script that works both in ``fpath`` (as ``_echocli``) and when sourced."""
    return "\n".join(
        [
            f"#compdef {PROGRAM}",
            f"# {HEADER}",
            "_echocli() {",
            "    local context state state_descr line ret=1",
            "    typeset -A opt_args",
            "    local -a commands",
            *_zsh_group(replace(program, subcommands=tuple(commands)), "    "),
            "    return ret",
            "}",
            "if [[ $funcstack[1] == _echocli ]]; then",
            '    _echocli "$@"',
            "else",
            f"    compdef _echocli {PROGRAM}",
            "fi",
            "",
        ]
    )


def _zsh_group(group: Command, margin: str) -> list[str]:
    """Return the lines that complete a command with subcommands, the program itself included."""
    table = [_zsh_quoted(f"{_zsh_plain(c.word)}:{c.summary}") for c in group.subcommands]
    lines = [
        f"commands=({' '.join(table)})",
        "_arguments -C -s -S \\",
        *(f"    {spec} \\" for option in group.options for spec in _zsh_specs(option)),
        "    '1: :->command' '*:: :->rest' && ret=0",
        "case $state in",
        "    command) _describe -t commands command commands && ret=0 ;;",
        "    rest)",
        "        case $line[1] in",
        *(line for command in group.subcommands for line in _zsh_block(command)),
        "        esac",
        "        ;;",
        "esac",
    ]
    return [margin + line for line in lines]


def _zsh_block(command: Command) -> list[str]:
    """Return the case of a subcommand within that of its group."""
    margin = " " * 16
    if command.subcommands:
        body = _zsh_group(command, margin)
    else:
        specs = [spec for parameter in command.parameters for spec in _zsh_specs(parameter)]
        lines = ["_arguments -s -S \\", *(f"    {spec} \\" for spec in specs), "    && ret=0"]
        body = [margin + line for line in lines]
    return [f"            {command.word})", *body, f"{margin};;"]


def _zsh_specs(parameter: Parameter) -> list[str]:
    """Return the ``_arguments`` specifications of a parameter, one for each spelling."""
    action = _zsh_action(parameter)
    if not parameter.is_option:
        place = "*" if parameter.repeatable else ""
        return [_zsh_quoted(f"{place}:{_zsh_plain(parameter.label)}:{action}")]
    value = "" if parameter.kind is Kind.FLAG else f":value:{action}"
    alone = "*" if parameter.repeatable else f"({' '.join(parameter.names)})"
    summary = _zsh_plain(parameter.summary)
    # `=` lets a long option take its value in the same word too.
    return [
        _zsh_quoted(f"{alone}{name}{'=' if value and len(name) > 2 else ''}[{summary}]{value}")
        for name in parameter.names
    ]


def _zsh_action(parameter: Parameter) -> str:
    if parameter.kind is Kind.CHOICE:
        return f"({' '.join(parameter.choices)})"
    return {Kind.FILE: "_files", Kind.DIRECTORY: "_files -/"}.get(parameter.kind, " ")


def _zsh_plain(text: str) -> str:
    """Escape what ``_arguments`` reads as its own punctuation."""
    for mark in "\\:[]":
        text = text.replace(mark, f"\\{mark}")
    return text


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish(program: Command, commands: Sequence[Command]) -> str:
    """Return a script for ``~/.config/fish/completions``."""
    lines = [f"# {HEADER}"]
    lines += _fish_group(replace(program, subcommands=tuple(commands)), "__fish_use_subcommand")
    for command in _all(commands):
        seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in command.name.split())
        if command.subcommands:
            words = " ".join(below.word for below in command.subcommands)
            fresh = f"{seen}; and not __fish_seen_subcommand_from {words}"
            lines += _fish_group(command, _quoted(fresh))
        else:
            lines += [_fish_option(_quoted(seen), option) for option in command.options]
            lines += _fish_arguments(_quoted(seen), command)
    return "\n".join(lines) + "\n"


def _fish_group(group: Command, condition: str) -> list[str]:
    """Return what may follow a command before its subcommand is written."""
    return [_fish_option(condition, option) for option in group.options] + [
        f"complete -c {PROGRAM} -n {condition} -f -a {command.word} -d {_quoted(command.summary)}"
        for command in group.subcommands
    ]


def _fish_option(condition: str, option: Parameter) -> str:
    long = [f"-l {name[2:]}" for name in option.names if name.startswith("--")]
    short = [f"-s {name[1:]}" for name in option.names if not name.startswith("--")]
    value = {
        Kind.FLAG: "-f",
        Kind.FILE: "-r -F",
        Kind.DIRECTORY: "-x -a '(__fish_complete_directories)'",
        Kind.CHOICE: f"-x -a {_quoted(' '.join(option.choices))}",
        Kind.FREE: "-x",
    }[option.kind]
    words = [f"complete -c {PROGRAM} -n {condition}", *short, *long, value]
    return " ".join([*words, "-d", _quoted(option.summary)])


def _fish_arguments(condition: str, command: Command) -> list[str]:
    if any(item.kind is Kind.FILE for item in command.arguments):
        return []  # files are what fish offers anyway
    choices = [value for item in command.arguments for value in item.choices]
    offer = f" -a {_quoted(' '.join(choices))}" if choices else ""
    return [f"complete -c {PROGRAM} -n {condition} -f{offer}"]


def _quoted(text: str) -> str:
    """Quote for bash and fish; texts with an apostrophe are closed and opened around it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"


SHELLS: dict[str, Callable[[Command, Sequence[Command]], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
}
"""Shell name → the function that writes its script."""
