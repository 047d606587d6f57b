"""The options of ``live`` and ``transcribe`` for a server that does the work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from echocli.cli.options import option
from echocli.config import Chosen
from echocli.errors import UsageError

REMOTE = "Another machine"

NEED_IT = ("token", "token_file", "ca_file", "retries", "spool_mb")
"""Parameters that say nothing without a server."""

RemoteUrl = Annotated[
    str | None,
    option(
        REMOTE,
        "--remote",
        metavar="URL",
        help="Have 'echocli serve' at URL decode: ws, wss, http, https or host:port.",
    ),
]
Token = Annotated[
    str | None,
    option(
        REMOTE,
        "--token",
        metavar="TOKEN",
        help="What the server asks for; others may see it in the list of processes. ECHOCLI_TOKEN"
        " and --token-file keep it secret.",
    ),
]
TokenFile = Annotated[
    Path | None, option(REMOTE, "--token-file", metavar="FILE", help="File that holds the token.")
]
CaFile = Annotated[
    Path | None,
    option(
        REMOTE,
        "--ca-file",
        metavar="FILE",
        help="Certificates in PEM format to trust [default: the system's].",
    ),
]
Retries = Annotated[
    int | None,
    option(
        REMOTE,
        "--retries",
        min=0,
        help="Tries in a row to reach the server before giving up [default: 15].",
    ),
]
SpoolMb = Annotated[
    int | None,
    option(
        REMOTE,
        "--spool-mb",
        min=0,
        help="Sound kept on disk while the server is away; 115 MB are an hour [default: 2048].",
    ),
]


def check_remote(given: Mapping[str, Any], chosen: Chosen) -> None:
    """Raise ``UsageError`` for what was typed about a server where there is none."""
    if chosen["remote"] is not None:
        return
    if name := next((name for name in NEED_IT if name in given), None):
        raise UsageError(f"--{name.replace('_', '-')} needs --remote", hint="name a server")
    if chosen["fallback"] == "local":
        raise UsageError(
            f"{chosen.named('fallback')} local needs --remote",
            hint="without a server this machine decodes anyway",
        )
