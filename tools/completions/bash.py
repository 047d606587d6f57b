"""The script for bash."""

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
    every,
    quoted,
    words,
)

# compgen -W would expand what is in a name such as `$(…)`; the words of the program are strangers'.
_SCRIPT = """\
# @HEADER@
_echocli() {
    local IFS=$' \\t\\n'
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command='' choices='' options='' list='' quote='' i
    COMPREPLY=()
    # bash splits --option=value into three words
    if [[ $cur == "=" ]]; then
        cur=''
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    # what is offered stands behind a quote that is open
    if [[ $cur == [\\"\\']* ]]; then
        quote=${cur:0:1} cur=${cur:1}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${command:+$command }${COMP_WORDS[i]}" in
            @NAMES@) command="${command:+$command }${COMP_WORDS[i]}" ;;
            -*) ;;
            *) [[ $command ]] || command=@FIRST_FILE@ ;;
        esac
    done
    case "$command $prev" in
@VALUES@
    esac
    case "$command" in
@OFFERS@
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif [[ $list ]]; then
        _echocli_values "$list"
    else
        COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    fi
}
# Offer the words of a list that the program knows.
_echocli_values() {
    local word plain
    while IFS= read -r word; do
        plain=$word
        [[ $quote ]] || printf -v plain %q "$word"
        [[ -z $word || ($word != "$cur"* && $plain != "$cur"*) ]] || COMPREPLY+=("$plain")
    done <<<"$(@ASK@ "$1" 2>/dev/null </dev/null)"
}
_echocli_no_files() {
    compopt +o default +o bashdefault 2>/dev/null
}
_echocli_directories() {
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -d -- "$cur"))
}
# Complete the function that `echocli shell-init` defines, and nothing else of its name.
_echocli_function() {
    local IFS=$' \\t\\n'
    local name=${COMP_WORDS[0]##*/} word
    COMPREPLY=()
    if [[ $name != @PROGRAM@ ]] && ! declare -F "$name" >/dev/null; then
        return 0
    elif [[ $name == @PROGRAM@ || ! $(type -at "$name") =~ builtin|file ]]; then
        _echocli
    elif ((COMP_CWORD == 1)); then
        compopt -o filenames 2>/dev/null
        while IFS= read -r word; do
            [[ -z $word ]] || COMPREPLY+=("$word")
        done <<<"$(compgen -W '@COMMANDS@' -- "${COMP_WORDS[1]}"; compgen -f -- "${COMP_WORDS[1]}")"
    else
        case ${COMP_WORDS[1]} in
            @PATTERN@) _echocli ;;
        esac
    fi
}
# An empty answer leaves the word to bash, which then offers files.
complete -o bashdefault -o default -F _echocli @PROGRAM@
"""


def bash(program: Command, commands: Sequence[Command]) -> str:
    """Return a script for bash 3.2 (macOS) and later; it needs no bash-completion."""
    all_of_them = [replace(program, subcommands=tuple(commands)), *every(commands)]
    names = "|".join(f'"{command.name}"' for command in all_of_them[1:])
    text = {
        "@HEADER@": HEADER,
        "@NAMES@": names,
        "@FIRST_FILE@": FIRST_FILE,
        "@VALUES@": "\n".join(line for command in all_of_them for line in _values(command)),
        "@OFFERS@": "\n".join(map(_offer, all_of_them)),
        "@ASK@": ASK,
        "@PROGRAM@": PROGRAM,
        "@COMMANDS@": words(commands),
        "@PATTERN@": words(commands, "|"),
    }
    script = _SCRIPT
    for mark, meaning in text.items():
        script = script.replace(mark, meaning)
    return script


def _values(command: Command) -> list[str]:
    """Return the cases of a command's options that take a value, one for each answer."""
    answers: dict[str, list[str]] = {}
    for option in command.options:
        if option.kind is not Kind.FLAG:
            patterns = (f'"{command.name} {name}"' for name in option.names)
            answers.setdefault(_answer(command, option), []).extend(patterns)
    return [f"        {'|'.join(found)}) {answer}return ;;" for answer, found in answers.items()]


def _answer(command: Command, option: Parameter) -> str:
    """Return the commands that complete an option's value; none leaves it to bash."""
    if found := asked(command, option):
        return ("" if found in PATHS_TOO else "_echocli_no_files; ") + f"_echocli_values {found}; "
    if option.kind is Kind.CHOICE:
        return f'COMPREPLY=($(compgen -W {quoted(" ".join(option.choices))} -- "$cur")); '
    return {Kind.DIRECTORY: "_echocli_directories; ", Kind.FREE: "_echocli_no_files; "}.get(
        option.kind, ""
    )


def _offer(command: Command) -> str:
    """Return the case of a command: its options, and what else may stand behind it."""
    options = " ".join(name for option in command.options for name in option.names)
    found = [found for item in command.arguments if (found := asked(command, item))]
    choices = [value for item in command.arguments for value in item.choices]
    rest = (
        f"list={found[0]}" if found else f"choices={quoted(' '.join([*_below(command), *choices]))}"
    )
    return f'        "{command.name}") options={quoted(options)} {rest} ;;'


def _below(command: Command) -> list[str]:
    return [below.word for below in command.subcommands]
