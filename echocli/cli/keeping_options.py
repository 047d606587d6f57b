"""The options of ``transcribe`` and ``live`` about keeping up and not falling over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from echocli.cli.options import finite, option

KEEPING = "Keeping up"

Degrade = Annotated[
    bool | None,
    option(
        KEEPING,
        "--degrade/--no-degrade",
        help="Do less where the machine does not keep up [default: yes].",
    ),
]
Ladder = Annotated[
    str | None,
    option(
        KEEPING,
        "--ladder",
        metavar="NAME=VALUE,...",
        help="Thresholds [default: rtf=0.8/1/1.2,backlog=2/5/10,recovery=0.7,calm=30,dwell=10,"
        "window=10,hopeless=2,patience=60].",
    ),
]
FallbackName = Annotated[
    str | None,
    option(
        KEEPING,
        "--fallback",
        metavar="PROVIDER:MODEL",
        help="What goes on when the model fails; 'none' for nothing [default: the next smaller"
        " model].",
    ),
]
ClientFallbackName = Annotated[
    str | None,
    option(
        KEEPING,
        "--fallback",
        metavar="PROVIDER:MODEL",
        help="What goes on when the model fails; 'none' for nothing, with --remote only 'local' for"
        " this machine while the server is away [default: the next smaller model].",
    ),
]
MaxMemory = Annotated[
    int | None,
    option(KEEPING, "--max-memory-mb", min=1, help="Memory the model may take [default: any]."),
]
SimulateLoad = Annotated[
    str | None,
    option(
        KEEPING,
        "--simulate-load",
        metavar="FACTOR[@START-END]",
        help="Let decoding take so many times as long, to see what happens.",
    ),
]
MetricsFile = Annotated[
    Path | None,
    option(KEEPING, "--metrics-file", help="Append the figures of the run to this file as JSON."),
]
MetricsSeconds = Annotated[
    float | None,
    option(
        KEEPING,
        "--metrics-seconds",
        callback=finite,
        help="How often that is done [default: 60].",
    ),
]
LogLevel = Annotated[
    str | None,
    option(
        KEEPING,
        "--log-level",
        metavar="LEVEL",
        help="Log to standard error: debug, info, warning or error [default: nothing].",
    ),
]
LogFile = Annotated[
    Path | None, option(KEEPING, "--log-file", help="Append the log to this file instead.")
]
DropPolicyName = Annotated[
    str | None,
    option(
        KEEPING,
        "--drop-policy",
        metavar="POLICY",
        help="Speech there is no time for: spool decodes it later, discard never [default: spool].",
    ),
]
OutageSeconds = Annotated[
    float | None,
    option(
        KEEPING,
        "--outage-seconds",
        help="How long to go on listening while no model can be used [default: 60].",
    ),
]
UnloadAfter = Annotated[
    float | None,
    option(
        KEEPING,
        "--unload-after",
        metavar="SECONDS",
        help="Let go of the model after so long without speech; 0 never [default: 600].",
    ),
]
