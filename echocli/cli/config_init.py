"""``echocli config init``: write a config file to start from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from echocli.cli.config_help import OTHER, explained
from echocli.config import KEYS, path, spelled
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.output.files import AtomicFile
from echocli.output.stdout import StdoutSink

HEAD = """\
## Settings of echocli. Every one is commented out: remove the "# " before those you want. The value
## is the default, or an example where the default cannot be written down.
##
## A flag wins over a variable such as ECHOCLI_MODEL, that over a profile (at the end of this file),
## and that over the settings at the top. `echocli config show` tells what is in force.
"""

TAIL = """\

## ---- Profiles: settings that count with --profile meeting, or ECHOCLI_PROFILE=meeting

# [profile.meeting]
# output_format = ["srt", "txt"]
# word_timestamps = true
"""


def command(
    ctx: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
) -> None:
    """Write a config file with every setting commented out.

    Each has a line that says what it is and what happens without it. The path of the file is
    printed. A file that is there stays as it is, unless --force is given.
    """
    environment: Environment = ctx.obj
    # A link stays a link: settings are often kept somewhere else.
    file = Path(os.path.realpath(path(environment)))
    if file.exists() and not force:
        raise UsageError(
            f"there is a config file already: {file}", hint="edit it, or add --force to replace it"
        )
    with AtomicFile(file, "ECHOCLI_CONFIG_DIR") as target:
        target.write(template())
    sink = StdoutSink(environment.stdout)
    sink.write(f"{path(environment)}\n")
    sink.flush()


def template() -> str:
    """Return the text of the file: valid TOML, with the comments taken off too."""
    return HEAD + "".join(f"{line}\n" for line in _lines()) + TAIL


def _lines() -> Iterator[str]:
    texts = explained()
    sections = [one.section for one in texts.values() if one.section != OTHER] + [OTHER]
    ordered = sorted(KEYS, key=lambda name: sections.index(texts[name].section))
    for section, names in groupby(ordered, key=lambda name: texts[name].section):
        yield f"\n## ---- {section}"
        for name in names:
            yield f"\n## {texts[name].text}"
            yield f"# {name} = {_example(name)}"


def _example(name: str) -> str:
    key = KEYS[name]
    return spelled(key.default if key.example is None else key.example)
