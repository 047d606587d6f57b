"""The functions of ``echocli shell-init``, put together for a shell, a name and a reach.

Each hands a closed list of words to echocli and everything else to what the name means without it:
``echo`` to the builtin, another name to the builtin or program of that name, and a name that means
nothing is echocli altogether. Unless asked to, none acts but at the top level of an interactive
shell, so that no script, function or ``$(…)`` that prints one of these words changes its meaning.
What a terminal is attached to says nothing about that, thus nobody asks for it. The keyword
``function`` is written because an alias of the same name would be expanded in ``echo()``.

The lines behind a function complete it. They fetch the script of ``echocli completion`` when Tab is
first pressed, and leave ``echocli`` itself alone where it is completed already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ECHO = "echo"
"""The name of the function unless somebody asks for another."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the function of a shell is made of."""

    frame: str
    """``@REACH@``, ``@OTHER@`` and ``@NAME@`` are filled in, then ``@COMMANDS@``."""
    guarded: str
    """Runs echocli only at the prompt."""
    anywhere: str
    """Runs echocli."""
    builtin: str
    """Does what ``echo`` does."""
    other: str
    """Does what another name does."""
    separator: str
    """Between the words of the list."""
    remove: str
    """Removes the function."""


_HEAD = """\
# {where} subcommands of echocli go to echocli; everything else is
# {other}. Remove this function: {remove}
"""
_AT_PROMPT = "At the prompt, and nowhere else,"
_ANYWHERE = "Wherever this function is defined,"
_BUILTIN = "the builtin, and so is `builtin echo` always"
_MEANT = "what {name} is without it, or echocli where it is nothing"

_POSIX_FRAME = """\
function @NAME@ {
    case ${1-} in
        @COMMANDS@)
@REACH@ ;;
    esac
@OTHER@
}
"""

# FUNCNAME also counts sourced files. PROMPT_COMMAND runs at the top level, too; who has `echo live`
# in it, quoted and spaced however, wants the word. A word from a variable cannot be told from one
# that is typed. `set -a` would export the function to every script.
_BASH = Parts(
    frame=_POSIX_FRAME
    + """\
_echocli_first_tab() {
    if ! declare -F _echocli_function >/dev/null; then
        eval "$(command echocli completion bash 2>/dev/null </dev/null)"
    fi
    ! declare -F _echocli_function >/dev/null || _echocli_function
}
export -fn @NAME@ _echocli_first_tab
complete -o bashdefault -o default -F _echocli_first_tab @NAME@
if ! complete -p echocli >/dev/null 2>&1; then
    complete -o bashdefault -o default -F _echocli_first_tab echocli
fi
""",
    guarded="""\
            if [[ $- == *i* && ${#FUNCNAME[@]} -eq 1 && $BASH_SUBSHELL -eq 0 ]]; then
                local prompt=" ${PROMPT_COMMAND[*]-}"
                prompt=${prompt//[\\"\\'\\\\]/}
                while [[ $prompt == *[[:blank:]][[:blank:]]* ]]; do
                    prompt=${prompt//[[:blank:]][[:blank:]]/ }
                done
                prompt=${prompt//[[:blank:]]/ }
                if [[ $prompt != *"@NAME@ $1"* ]]; then
                    command echocli "$@"
                    return
                fi
            fi""",
    anywhere="""\
            command echocli "$@"
            return""",
    builtin="""\
    builtin echo "$@\"""",
    other="""\
    case $(type -at @NAME@) in
        *builtin* | *file*) command @NAME@ "$@" ;;
        *) command echocli "$@" ;;
    esac""",
    separator="|",
    remove="unset -f {name}",
)

# No `emulate -L zsh`: it would undo the user's BSD_ECHO for the builtin. funcstack also counts
# sourced files; [@] counts elements under KSH_ARRAYS too. zsh cannot export functions.
_ZSH = Parts(
    frame=_POSIX_FRAME
    + """\
if (( ${+functions[compdef]} )); then
    function _echocli_first_tab {
        if (( ! ${+functions[_echocli_function]} )); then
            eval "$(command echocli completion zsh 2>/dev/null </dev/null)"
        fi
        if (( ${+functions[_echocli_function]} )); then _echocli_function; else _default; fi
    }
    compdef _echocli_first_tab @NAME@
    [[ -n ${_comps[echocli]-} ]] || compdef _echocli_first_tab echocli
fi
""",
    guarded="""\
            if [[ $- == *i* && ${#funcstack[@]} -eq 1 && $ZSH_SUBSHELL -eq 0 ]]; then
                command echocli "$@"
                return
            fi""",
    anywhere=_BASH.anywhere,
    builtin=_BASH.builtin,
    other="""\
    if (( ${+builtins[@NAME@]} )); then
        builtin @NAME@ "$@"
    elif whence -p @NAME@ >/dev/null; then
        command @NAME@ "$@"
    else
        command echocli "$@"
    fi""",
    separator="|",
    remove="unset -f {name}",
)

# A frame of the trace is a line, where it was called from a line behind a tab. The trace goes
# through a pipe because a command substitution would be a frame. fish runs the functions of a
# pipeline in the shell itself, so a pipe at the prompt reaches echocli.
_FISH = Parts(
    frame="""\
function @NAME@ --description 'echocli, or what @NAME@ is without it'
    if contains -- "$argv[1]" @COMMANDS@
@REACH@
    end
@OTHER@
end
function __echocli_offers
    if not functions -q __echocli_values
        command echocli completion fish 2>/dev/null </dev/null | source
    end
    complete -C (string replace -r '^\\s*\\S+' echocli -- (commandline -cp))
end
function __echocli_completes_@NAME@
    functions -q @NAME@; or return
    set -l words (commandline -opc)
    contains -- "$words[2]" @COMMANDS@; and return
    not builtin -q @NAME@; and not command -q @NAME@
end
complete -c @NAME@ -n __echocli_completes_@NAME@ -f -a '(__echocli_offers)'
complete -c @NAME@ -n 'functions -q @NAME@; and test (count (commandline -opc)) = 1' -a '@COMMANDS@'
complete -c echocli -n 'not functions -q __echocli_values' -f -a '(__echocli_offers)'
""",
    guarded="""\
        and status is-interactive
        and not status is-command-substitution
        status stack-trace | string match --invert \\t'*' | count | read --local depth
        if test "$depth" = 1
            command echocli $argv
            return
        end""",
    anywhere="""\
        command echocli $argv
        return""",
    builtin="""\
    builtin echo $argv""",
    # Written out, a builtin that this fish does not have would be a syntax error.
    other="""\
    set -l name @NAME@
    if builtin -q $name
        builtin $name $argv
    else if command -q @NAME@
        command @NAME@ $argv
    else
        command echocli $argv
    end""",
    separator=" ",
    remove="functions -e {name}",
)

_PARTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def function(shell: str, name: str, commands: Sequence[str], *, scripts: bool = False) -> str:
    """Return the source text of a shell's function and its completion.

    ``commands`` is the closed list; with ``scripts`` the function acts wherever it is called.
    """
    parts = _PARTS[shell]
    head = _HEAD.format(
        where=_ANYWHERE if scripts else _AT_PROMPT,
        other=_BUILTIN if name == ECHO else _MEANT.format(name=name),
        remove=parts.remove.format(name=name),
    )
    text = (
        (head + parts.frame)
        .replace("@REACH@", parts.anywhere if scripts else parts.guarded)
        .replace("@OTHER@", parts.builtin if name == ECHO else parts.other)
    )
    words = parts.separator.join(commands)
    return text.replace("@NAME@", name).replace("@COMMANDS@", words)
