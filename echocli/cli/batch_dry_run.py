"""``--dry-run``: what would be done with each input, without a model and without writing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from echocli.api.sounds import open_sound
from echocli.cli.batch_checks import Choice, check_writable, choose
from echocli.cli.batch_results import overall
from echocli.cli.columns import in_columns
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import EchoError, ExitCode
from echocli.output.console import Console
from echocli.output.files import OUTPUT_DIR, STDIN, OutputPlan, missing
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink
from echocli.output.subtitles import clock_time


class State(StrEnum):
    """What would become of an input."""

    TRANSCRIBE = "transcribe"
    """It would be transcribed."""
    SKIP = "skip"
    """Its files are there."""
    ERROR = "error"
    """It cannot be read, or its files cannot be written."""


@dataclass(frozen=True, slots=True)
class Step:
    """What would be done with one input."""

    input: str
    state: State
    duration: float | None = None
    """Seconds as the file states them."""
    outputs: tuple[str, ...] = ()
    """Files that would be written; none is standard output."""
    replaced: tuple[str, ...] = ()
    """Those of them that are there and would be replaced."""
    error: EchoError | None = None


def dry_run(
    environment: Environment,
    console: Console,
    chosen: Chosen,
    plans: Sequence[OutputPlan],
    *,
    skip_existing: bool = False,
    refused: Mapping[str, EchoError] | None = None,
    as_json: bool = False,
) -> ExitCode:
    """Print what would be done; the exit code that a run would have as far as can be told.

    Files are opened for their length; standard input and FIFOs are left alone. Raises the error
    with which a run would end before the first input.
    """
    left = [missing(plan) if skip_existing else plan for plan in plans]
    formats = [target.format for plan in left for target in plan.targets]
    choice = choose(environment, console, chosen, formats or None)
    steps = [Step(name, State.ERROR, error=error) for name, error in (refused or {}).items()]
    steps += [_step(environment, chosen, plan) for plan in left]
    for step in steps:
        if step.error is not None:
            console.error(step.error)
    code = overall([step.error.exit_code if step.error else ExitCode.OK for step in steps])
    sink = StdoutSink(environment.stdout)
    sink.write(
        dump(_as_object(choice, steps, code), indent=2) + "\n" if as_json else _text(choice, steps)
    )
    sink.flush()
    return code


def _step(environment: Environment, chosen: Chosen, plan: OutputPlan) -> Step:
    if not plan.targets:
        return Step(plan.input, State.SKIP)
    outputs = tuple(str(path) for path in plan.paths)
    try:
        seconds = _length(environment, chosen, plan.input)
        for path in plan.paths:
            check_writable(path, OUTPUT_DIR)
    except EchoError as error:
        return Step(plan.input, State.ERROR, outputs=outputs, error=error)
    replaced = tuple(str(path) for path in plan.paths if path.exists())
    return Step(plan.input, State.TRANSCRIBE, seconds, outputs, replaced)


def _length(environment: Environment, chosen: Chosen, name: str) -> float | None:
    """Return the seconds an input states; raise ``InputError`` where it cannot be read."""
    source = open_sound(name, chosen, environment)
    if name == STDIN:
        return None
    with source:
        return source.duration


def _as_object(choice: Choice, steps: Iterable[Step], code: ExitCode) -> dict[str, Any]:
    return {
        **asdict(choice),
        "inputs": [_step_as_object(step) for step in steps],
        "exit_code": int(code),
    }


def _step_as_object(step: Step) -> dict[str, Any]:
    return {
        "input": step.input,
        "state": step.state.value,
        "duration": step.duration,
        "outputs": list(step.outputs),
        "replaced": list(step.replaced),
        "error": str(step.error) if step.error else None,
        "hint": step.error.hint if step.error else None,
    }


def _text(choice: Choice, steps: Sequence[Step]) -> str:
    download = "" if choice.installed else ", which would be downloaded"
    first = (
        f"{choice.model} ({choice.compute_type}) on {choice.device} "
        f"with {choice.provider}{download}\n"
    )
    return (
        first
        + in_columns(("input", "length", "what"), map(_row, steps), frozenset({1}))
        + _sum(steps)
    )


def _row(step: Step) -> tuple[str, str, str]:
    length = "" if step.duration is None else clock_time(step.duration)
    if step.state is State.SKIP:
        return step.input, length, "skipped, its files are there"
    if step.error is not None:
        return step.input, length, "error: " + str(step.error).removeprefix(f"{step.input}: ")
    written = [f"{name} (replaced)" if name in step.replaced else name for name in step.outputs]
    return step.input, length, "to " + (", ".join(written) or "standard output")


def _sum(steps: Sequence[Step]) -> str:
    count = {state: sum(step.state is state for step in steps) for state in State}
    seconds = sum(step.duration or 0.0 for step in steps)
    sound = f", {clock_time(seconds)} of sound" if seconds else ""
    parts = [f"{count[State.TRANSCRIBE]} to transcribe{sound}"]
    if count[State.SKIP]:
        parts.append(f"{count[State.SKIP]} skipped")
    if count[State.ERROR]:
        parts.append(f"{count[State.ERROR]} with an error")
    return "; ".join(parts) + "; nothing was done\n"
