"""The options of live sources, shared by ``live`` and ``transcribe --mic``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from echocli.cli.options import INPUT, option

Mic = Annotated[bool, option(INPUT, "--mic", help="Listen to the microphone.")]
InputDevice = Annotated[
    list[str] | None,
    option(
        INPUT,
        "--input-device",
        metavar="NAME|INDEX",
        help="Microphone, as 'echocli devices' lists it; twice for two sources [default: the"
        " system's].",
    ),
]
PlayFile = Annotated[
    str | None, option(INPUT, "--file", metavar="FILE", help="Listen to a sound or video file.")
]
Pace = Annotated[
    bool, option(INPUT, "--pace", help="Play the file at its own speed, like a microphone.")
]
Record = Annotated[
    Path | None,
    option(
        INPUT, "--record", metavar="FILE", help="Keep the sound in a new .wav, .opus or .ogg file."
    ),
]
StopAfter = Annotated[
    str | None,
    option(
        INPUT,
        "--stop-after",
        metavar="TIME",
        help="Stop after SECONDS or [H:]M:S of sound, or silence:SECONDS without speech.",
    ),
]
ChunkSeconds = Annotated[
    str | None,
    option(
        "Decoding",
        "--chunk-seconds",
        metavar="SECONDS",
        help="Interval at which open speech is decoded; 'auto' adapts [default: auto].",
    ),
]
