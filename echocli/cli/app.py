"""The program: a lazy command table, one line for every error, exit codes that tell the truth.

A command is one row in :data:`COMMANDS` and one module, which is imported only when it runs; see
:mod:`echocli.cli.groups`. This is the only place with a broad ``except``.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import typer
from typer.core import TyperCommand

from echocli import __version__
from echocli.cli import arguments, groups, leaving
from echocli.cli.groups import LazyGroup, Table
from echocli.cli.help import parser_hint, parser_message
from echocli.environment import Environment
from echocli.errors import EchoError, ExitCode, OutputError
from echocli.interrupts import take
from echocli.output.stdout import fit
from echocli.output.text import one_line

COMMANDS: Table = {
    "transcribe": ("echocli.cli.transcribe", "Turn files or a pipe into text."),
    "live": ("echocli.cli.live", "Turn speech into text while it is spoken."),
    "serve": ("echocli.cli.serve", "Transcribe for other programs, over HTTP and WebSockets."),
    "detect": ("echocli.cli.detect", "Show this machine and what suits it."),
    "warmup": ("echocli.cli.warmup", "Load and warm a model, with the time of each phase."),
    "bench": ("echocli.cli.bench", "Measure speed, latency, memory and word error rate."),
    "models": ("echocli.cli.models", "List, fetch, check and convert models."),
    "providers": ("echocli.cli.providers", "List what can run a model here."),
    "devices": ("echocli.cli.devices", "List the audio inputs."),
    "config": ("echocli.cli.config", "Show the settings, and write a file for them."),
    "shell-init": ("echocli.cli.shell_init", "Print the `echo` function for your shell."),
    "completion": ("echocli.cli.completion", "Print the completion script for your shell."),
}
"""Command name → its module and its line in the list of commands."""

_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF}
"""Errors of a standard output that nothing can be written to; EBADF is a closed one."""


def load_command(name: str) -> TyperCommand | LazyGroup:
    """Import one command's module and make the parser of its function."""
    return groups.load(name, COMMANDS)


def group() -> LazyGroup:
    """Make the top-level parser with a stub for each command."""
    return groups.make("echocli", root, COMMANDS)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"echocli {__version__}")
        raise typer.Exit


def root(
    ctx: typer.Context,
    version: bool = typer.Option(
        False, "--version", "-V", callback=_print_version, is_eager=True, help="Show the version."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks; works anywhere."),
) -> None:
    """Speech to text on this machine, that keeps its word under load.

    A file in the place of a command is transcribed: 'echocli meeting.wav' is the same as 'echocli
    transcribe meeting.wav'.
    """
    del version
    environment: Environment = ctx.obj
    environment.debug = environment.debug or debug


def run(argv: list[str], environment: Environment) -> int:
    """Parse and run a command line; return its exit status, never raise."""
    debug, words = arguments.take_debug(argv)
    environment.debug = debug
    try:
        if not words:
            return _say_how(environment)
        arguments.refuse_empty_paths(words)
        environment.remarks = arguments.remarks(words)
        result = group().main(
            args=arguments.with_command(arguments.modernise(words), COMMANDS),
            prog_name="echocli",
            obj=environment,
            standalone_mode=False,
        )
        environment.stdout.flush()
        return int(result or 0)
    except BaseException as error:  # everything ends as one line and an exit code
        return _report(error, environment, words)


def _say_how(environment: Environment) -> int:
    """Write the help where nothing was asked for; a script that forgot its words should fail."""
    context = group().make_context("echocli", [], obj=environment, resilient_parsing=True)
    environment.stderr.write(context.get_help() + "\n")
    return ExitCode.USAGE


def _report(error: BaseException, environment: Environment, words: Sequence[str] = ()) -> int:
    if environment.debug and not isinstance(error, SystemExit):
        traceback.print_exception(error)
    # The parser itself turns a closed pipe into an exit with 1.
    cause = error.__context__ if isinstance(error, SystemExit) else error
    if isinstance(cause, BrokenPipeError):
        return _reader_went_away()
    if _interrupted(error) and not isinstance(error, OutputError):
        return ExitCode.INTERRUPTED
    if isinstance(error, EchoError):
        return _print_error(environment, str(error), error.hint, error.exit_code)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else ExitCode.FAILED
    if hasattr(error, "format_message"):  # a parser error of Typer's
        message, hint = parser_message(error), parser_hint(error, words, COMMANDS)
        return _print_error(environment, message, hint, ExitCode.USAGE)
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return _print_error(
            environment, f"cannot write to standard output: {error.strerror}", None, ExitCode.FAILED
        )
    return _print_error(
        environment,
        f"unexpected {type(error).__name__}: {error}",
        "this is a defect; run again with --debug and report it",
        ExitCode.FAILED,
    )


def _interrupted(error: BaseException | None) -> bool:
    """Tell whether this is an interrupt, or what went wrong because of one.

    What is broken off at any instruction may fail in any way while it unwinds.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _reader_went_away() -> int:
    """End quietly: point stdout at nothing, so that the interpreter's last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.OK


def _print_error(environment: Environment, message: str, hint: str | None, code: ExitCode) -> int:
    tail = f"  {one_line(hint)}\n" if hint else ""
    lines = f"echocli: error: {one_line(message)}\n{tail}"
    try:
        environment.stderr.write(lines)
        environment.stderr.flush()
    except OSError:
        pass  # nobody can be told
    return code


def _take_signals(environment: Environment) -> None:
    """Make a request to end and a terminal that goes away the same as Ctrl-C."""

    def handle(number: int, _frame: object) -> None:
        if number not in (signal.SIGINT, signal.SIGTERM):
            # A hang-up comes from the shell and again from the kernel, whenever that is.
            signal.signal(number, signal.SIG_IGN)
        environment.interrupts.interrupt(environment.clock.now())

    take(handle)


def _open_closed_streams() -> None:
    """Fill in the standard streams this process was started without, lest a file take their place.

    Reading then finds an end, messages go nowhere, and writing standard output fails as it should.
    """
    for name, mode, access in (
        ("stdin", "r", os.O_RDONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode))


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    leaving.prepare()
    _open_closed_streams()
    fit(sys.stdout)
    fit(sys.stderr)
    environment = Environment()
    try:
        _take_signals(environment)
        status = run(sys.argv[1:], environment)
    except KeyboardInterrupt:
        status = ExitCode.INTERRUPTED  # while it said what went wrong
    environment.interrupts.ends_with(int(status))
    try:
        sys.stdout.flush()
    except OSError:
        status = status or ExitCode.FAILED
        _reader_went_away()
    leaving.with_status(int(status))
    sys.exit(status)
