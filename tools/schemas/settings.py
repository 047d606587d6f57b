"""What ``config show`` and ``transcribe --dry-run`` print with ``--json``."""

from __future__ import annotations

from typing import Any, TypedDict

from echocli.cli.batch_dry_run import State
from echocli.errors import ExitCode
from tools.schemas.shapes import Count, Seconds


class Overridden(TypedDict):
    """What somebody says about a setting, and does not count."""

    value: Any
    """The value."""
    source: str
    """Where it comes from."""
    line: Count | None
    """Its line, where that is the config file."""


class SettingRow(TypedDict):
    """A setting in force."""

    value: Any
    """Its value; null leaves it open."""
    source: str
    """Where it comes from: `env NAME`, `profile NAME`, `config PATH`, `recommendation` or
    `default`."""
    line: Count | None
    """Its line, where that is the config file."""
    default: Any
    """What it is where nobody says anything; null leaves it open."""
    overridden: list[Overridden]
    """What others say, the first wins."""


class Variable(TypedDict):
    """A variable of the environment that begins as ours or as the older ones do."""

    name: str
    """Its name."""
    setting: str | None
    """The setting it is about."""
    used: bool
    """Whether it counts."""
    note: str
    """The same for people."""


class Config(TypedDict):
    """What `config show` says."""

    path: str
    """The config file."""
    exists: bool
    """Whether it is there."""
    profile: str | None
    """The profile that was chosen."""
    profiles: list[str]
    """The profiles in the file."""
    settings: dict[str, SettingRow]
    """Every setting by name."""
    variables: list[Variable]
    """Variables that say something, or look as if they should."""


class PlannedInput(TypedDict):
    """What would be done with one input."""

    input: str
    """The file, or `-`."""
    state: State
    """What would become of it."""
    duration: Seconds | None
    """Its length as the file states it."""
    outputs: list[str]
    """Files that would be written; none is standard output."""
    replaced: list[str]
    """Those of them that are there and would be replaced."""
    error: str | None
    """Why it cannot be done."""
    hint: str | None
    """What to do about that."""


class Plan(TypedDict):
    """What `transcribe --dry-run` says."""

    provider: str
    """The provider."""
    model: str
    """The model."""
    device: str
    """Where it would run."""
    compute_type: str
    """What it would calculate with."""
    installed: bool
    """Whether the model is here; it would be downloaded otherwise."""
    inputs: list[PlannedInput]
    """The inputs."""
    exit_code: ExitCode
    """What a run would exit with, as far as can be told."""
