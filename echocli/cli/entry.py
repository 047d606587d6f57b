"""Where the program starts: before anything else, start what will take longest.

Reading the command line takes longer than starting the worker's process, so the worker comes first
where there will surely be one. Nothing is imported here before Ctrl-C ends the process quietly,
and then only modules that load at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from echocli.cli import leaving

LIBRARY = "faster_whisper"
"""What the default provider imports."""

OTHERWISE = frozenset({"-h", "--help", "-p", "--provider", "--dry-run"})
"""Words after which the default provider will not be wanted."""

COMMANDS = ("transcribe", "live")
"""Those that decode for certain; a file whose name is that of another command is a rare sight."""

PROVIDER_VARIABLES = ("ECHOCLI_PROVIDER", "ECHOPANEL_ASR_PROVIDER")


def wants_worker(words: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Tell whether a command line will surely need the default provider; a guess may be wrong."""
    from echocli.cli.arguments import with_command

    words = with_command(words, COMMANDS)
    if len(words) < 2 or words[0] not in COMMANDS:
        return False
    if any(word in OTHERWISE or word.startswith("--provider=") for word in words):
        return False
    return not any(name in variables for name in PROVIDER_VARIABLES)


def main() -> None:
    """Run the command line of this process and exit."""
    leaving.prepare()
    leaving.when_interrupted()
    # numpy's threads wait for each other by spinning, on cores that the worker needs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if wants_worker(sys.argv[1:], os.environ):
        from echocli.runtime.spawning import prestart

        prestart(LIBRARY)
    from echocli.cli.app import main as run

    run()
