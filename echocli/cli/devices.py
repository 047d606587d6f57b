"""``echocli devices``: the audio inputs ``--input-device`` may name."""

from __future__ import annotations

import typer

from echocli.audio.devices import AudioDevice, list_inputs
from echocli.cli.columns import in_columns
from echocli.cli.options import Json
from echocli.environment import Environment
from echocli.errors import InputError
from echocli.output.jsonable import dump
from echocli.output.stdout import StdoutSink

HEADINGS = ("index", "name", "channels", "rate", "kind", "interface", "")
FIGURES = frozenset({0, 2, 3})
"""Columns that are flush right."""


def command(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the audio inputs.

    Each can be chosen with --input-device by its index, its name or a part of the name. Those of
    kind system carry what the computer plays. Names that begin with pulse: are sources of
    PulseAudio or PipeWire, asked of pactl.
    """
    environment: Environment = ctx.obj
    devices = list_inputs()
    sink = StdoutSink(environment.stdout)
    if as_json:
        sink.write(dump({"devices": list(map(as_object, devices))}, indent=2) + "\n")
    elif not devices:
        raise InputError(
            "there is no audio input device",
            hint="connect a microphone, or start PulseAudio or PipeWire",
        )
    else:
        sink.write(table(devices))
    sink.flush()


def as_object(device: AudioDevice) -> dict[str, object]:
    """Return a device as JSON has it."""
    return {
        "index": device.index,
        "name": device.name,
        "channels": device.channels,
        "rate": device.rate,
        "kind": device.kind,
        "default": device.is_default,
        "interface": device.api,
    }


def table(devices: list[AudioDevice]) -> str:
    """Return headings and a line for each device, in columns."""
    return in_columns(HEADINGS, map(_row, devices), FIGURES)


def _row(device: AudioDevice) -> tuple[str, ...]:
    return (
        str(device.index),
        device.name,
        str(device.channels),
        str(device.rate),
        device.kind,
        device.api,
        "default" if device.is_default else "",
    )
