"""The `echo` functions of ``echocli shell-init``, with ``@COMMANDS@`` for the list of subcommands.

Each hands the list to echocli at the top level of an interactive shell and nothing else, so that no
script, function or ``$(…)`` that prints one of these words changes its meaning. What a terminal is
attached to says nothing about that, thus nobody asks for it. The name is defined with the keyword
``function`` because an alias of the same name would be expanded in ``echo()``.
"""

from __future__ import annotations

_HEAD = """\
# At the prompt, subcommands of echocli go to echocli; everything else is the builtin, as elsewhere.
# Print such a word: builtin echo detect    Remove this function: {remove}
"""

# FUNCNAME also counts sourced files. `set -a` would export the function to every script.
_BASH = """\
function echo {
    case ${1-} in
        @COMMANDS@)
            if [[ $- == *i* && ${#FUNCNAME[@]} -eq 1 && $BASH_SUBSHELL -eq 0 ]]; then
                command echocli "$@"
                return
            fi ;;
    esac
    builtin echo "$@"
}
export -fn echo
"""

# No `emulate -L zsh`: it would undo the user's BSD_ECHO for the builtin. funcstack also counts
# sourced files; [@] counts elements under KSH_ARRAYS too. zsh cannot export functions.
_ZSH = """\
function echo {
    case ${1-} in
        @COMMANDS@)
            if [[ $- == *i* && ${#funcstack[@]} -eq 1 && $ZSH_SUBSHELL -eq 0 ]]; then
                command echocli "$@"
                return
            fi ;;
    esac
    builtin echo "$@"
}
"""

# A frame of the trace is a line, where it was called from a line behind a tab. The trace goes
# through a pipe because a command substitution would be a frame. fish runs the functions of a
# pipeline in the shell itself, so a pipe at the prompt reaches echocli.
_FISH = """\
function echo --description 'echocli at the prompt, else the builtin'
    if contains -- "$argv[1]" @COMMANDS@
        and status is-interactive
        and not status is-command-substitution
        status stack-trace | string match --invert \\t'*' | count | read --local depth
        if test "$depth" = 1
            command echocli $argv
            return
        end
    end
    builtin echo $argv
end
"""

FUNCTIONS: dict[str, str] = {
    "bash": _HEAD.format(remove="unset -f echo") + _BASH,
    "zsh": _HEAD.format(remove="unset -f echo") + _ZSH,
    "fish": _HEAD.format(remove="functions -e echo") + _FISH,
}
"""Shell → source text of its function."""
