"""Run live sources as the command line asks: what ``live`` and ``transcribe --mic`` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Protocol

import typer

from echocli.api.decoding import word_timing
from echocli.api.live import LiveSession
from echocli.api.live_sources import EXAMPLE, Wanted
from echocli.cli.batch_results import overall
from echocli.cli.chosen import formats_of, typed
from echocli.cli.remote_options import check_remote
from echocli.cli.stopping import Stoppable, stopping
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import EchoError, ExitCode, TranscriptionError, UsageError
from echocli.events import Event
from echocli.output.console import Console
from echocli.output.live_view import LiveFigures
from echocli.output.stdout import ReaderGone
from echocli.output.subtitles import WriteOptions
from echocli.output.writers import expand_formats

if TYPE_CHECKING:
    from echocli.audio.capture import Capture
    from echocli.cli.live_output import LiveOutput
    from echocli.providers.base import LoadSpec

OFFLINE_ONLY = (
    *("files", "skip_existing", "clip", "clip_timestamps", "condition_on_previous_text"),
    *("recursive", "jobs", "dry_run", "as_json"),
)
"""Parameters of ``transcribe`` that a microphone has no use for."""


class Running(Stoppable, Protocol):
    """How a run goes."""

    @property
    def position(self) -> float:
        """Seconds of sound so far."""
        ...

    @property
    def load(self) -> float | None:
        """The RTF of the last seconds."""
        ...

    @property
    def level(self) -> str:
        """Name of the level of the ladder that is in force."""
        ...

    kept: tuple[Path, float] | None
    """Where sound is kept that was not decoded, and how many seconds of speech."""

    def discard(self) -> None:
        """Have nothing kept for later just because this is broken off."""
        ...


class Session(AbstractContextManager["Session"], Protocol):
    """What is shown of a live session, whether this machine decodes or another."""

    sources: list[Capture]
    chosen: Chosen
    latency_ms: float | None

    @property
    def running(self) -> Running:
        """The run itself."""
        ...

    @property
    def spec(self) -> LoadSpec:
        """What serves now."""
        ...

    @property
    def errors(self) -> list[EchoError]:
        """What went wrong beside the transcript."""
        ...

    def __iter__(self) -> Iterator[Event]:
        """Yield what happens as it happens."""
        ...


def live_from(
    ctx: typer.Context, environment: Environment, console: Console, chosen: Chosen
) -> ExitCode:
    """Run what the parameters of ``live`` or ``transcribe`` say; the two share their names."""
    given = typed(ctx)
    for name in OFFLINE_ONLY:
        if given.get(name):
            option = "--" + name.removeprefix("as_").replace("_", "-")
            option = "a file" if name == "files" else option
            raise UsageError(f"{option} and --mic do not go together", hint=EXAMPLE)
    wanted = wanted_by(given, chosen)
    formats = _formats(chosen)
    timing = word_timing(formats, chosen["word_timestamps"])
    check_remote(given, chosen)
    session: Session
    if chosen["remote"] is None:
        session = LiveSession(
            wanted, chosen, listener=console, environment=environment, timing=timing
        )
    else:
        from echocli.remote.session import RemoteSession

        session = RemoteSession(
            wanted,
            chosen,
            listener=console,
            environment=environment,
            timing=timing,
            token=given.get("token"),
        )
    return run_live(environment, console, session, wanted, formats)


def wanted_by(given: dict[str, Any], chosen: Chosen) -> Wanted:
    """Return what is to be listened to; a microphone that is only configured is not asked for."""
    stream = "-" if given.get("stdin") is not None else None
    return Wanted.of(given, chosen, file=given.get("file"), stream=stream)


def layout_of(chosen: Chosen) -> WriteOptions:
    """Return how subtitles are laid out."""
    return WriteOptions(
        chosen["max_line_width"], chosen["max_line_count"], chosen["max_words_per_line"]
    )


def run_live(
    environment: Environment,
    console: Console,
    session: Session,
    wanted: Wanted,
    formats: tuple[str, ...],
) -> ExitCode:
    """Listen until the source ends or somebody stops it; the exit code that tells how it went."""
    chosen = session.chosen
    with session:
        from echocli.cli.live_output import outputs

        live = session.running
        names = [source.name for source in session.sources]
        try:
            with (
                outputs(
                    environment,
                    console,
                    names,
                    formats,
                    chosen["output_dir"],
                    layout_of(chosen),
                    lambda: session.spec,
                ) as output,
                stopping(live, environment) as stopped,
            ):
                try:
                    _show(session, output)
                finally:
                    output.close()
        finally:  # whatever ends it: sound may lie somewhere
            _tell_left(session, console)
        if errors := [*session.errors, *output.errors]:
            return overall([error.exit_code for error in errors])
        return _code(wanted, stopped=bool(stopped), whole=not output.collected.gaps)


def _show(session: Session, output: LiveOutput) -> None:
    """Hand on what happens until the source ends or the reader of standard output goes away."""
    live = session.running
    for event in session:
        figures = LiveFigures(live.position, live.load, session.latency_ms, live.level)
        try:
            output.event(event, figures)
        except ReaderGone:
            live.discard()  # nobody wants the rest
            raise


def _tell_left(session: Session, console: Console) -> None:
    """Say where sound is that there was no time for, and what went wrong."""
    if session.running.kept is not None:
        where, secs = session.running.kept
        text = f"{secs:.1f} s of speech that was not decoded are kept in {where}"
        later = f"echocli transcribe {quote(str(where))}/*.wav"
        console.error(TranscriptionError(text, hint=later))
    for error in session.errors:
        console.error(error)


def _formats(chosen: Chosen) -> tuple[str, ...]:
    """Return what to write: text unless something else is asked for."""
    formats = expand_formats(formats_of(chosen))
    if chosen["output_dir"] is None and len(formats) > 1:
        raise UsageError(
            f"standard output takes one format, not {len(formats)}",
            hint="add --output-dir DIR to write files",
        )
    return formats


def _code(wanted: Wanted, *, stopped: bool, whole: bool) -> ExitCode:
    if wanted.listens:
        return ExitCode.OK  # that somebody ends it is how it ends, and lost sound was stated
    if stopped:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if whole else ExitCode.FAILED
