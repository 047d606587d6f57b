"""The options of ``transcribe`` for many inputs."""

from __future__ import annotations

from typing import Annotated

from echocli.cli.options import INPUT, OUTPUT, option

Recursive = Annotated[
    bool,
    option(
        INPUT,
        "--recursive/--no-recursive",
        "-r",
        help="Take the sound and video files in and under directories.",
    ),
]
Jobs = Annotated[
    int | None,
    option(
        INPUT,
        "--jobs",
        "-j",
        min=1,
        help="Inputs worked on at once; 1 is one after the other [default: 9].",
    ),
]
DryRun = Annotated[
    bool, option(OUTPUT, "--dry-run", help="Say what would be done, and do nothing.")
]
DryRunJson = Annotated[bool, option(OUTPUT, "--json", help="With --dry-run: say it as JSON.")]
