"""The options of ``serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from echocli.cli.options import finite, option

NETWORK = "Network"
ACCESS = "Access"
LIMITS = "Limits"

Host = Annotated[
    str | None, option(NETWORK, "--host", help="Address to listen on [default: 127.0.0.1].")
]
Port = Annotated[
    int | None,
    option(NETWORK, "--port", min=0, max=65_535, help="Port; 0 takes a free one [default: 8765]."),
]
Certificate = Annotated[
    Path | None,
    option(NETWORK, "--ssl-certfile", help="PEM file with the certificate: serve over TLS."),
]
Key = Annotated[
    Path | None,
    option(NETWORK, "--ssl-keyfile", help="PEM file with its key [default: the same file]."),
]
Token = Annotated[
    str | None,
    option(
        ACCESS,
        "--token",
        metavar="TOKEN",
        help="Ask for this token. Other users of the machine see it in the list of processes:"
        " prefer ECHOCLI_TOKEN or --token-file.",
    ),
]
TokenFile = Annotated[
    Path | None, option(ACCESS, "--token-file", help="Ask for the token in this file.")
]
Insecure = Annotated[
    bool | None,
    option(
        ACCESS,
        "--insecure/--no-insecure",
        help="Serve other machines without a token [default: no].",
    ),
]
AllowOrigin = Annotated[
    list[str] | None,
    option(
        ACCESS,
        "--allow-origin",
        metavar="ORIGIN",
        help="Let web pages of this origin ask, as https://app.example.org; may be repeated.",
    ),
]
ForwardedAllowIps = Annotated[
    list[str] | None,
    option(
        ACCESS,
        "--forwarded-allow-ips",
        metavar="ADDRESS",
        help="Believe the X-Forwarded-For of a reverse proxy with this address, or of this network,"
        " as 10.0.0.0/8; may be repeated [default: nobody's].",
    ),
]
QueryToken = Annotated[
    bool | None,
    option(
        ACCESS,
        "--query-token/--no-query-token",
        help="Take the token of a WebSocket from its address too (?token=), for browsers; logs may"
        " keep it [default: no].",
    ),
]
RateLimit = Annotated[
    int | None,
    option(
        ACCESS,
        "--rate-limit",
        min=0,
        metavar="N",
        help="Requests a minute of one address; 0 is any number [default: 600; on this machine"
        " alone any].",
    ),
]
MaxSessions = Annotated[
    int | None,
    option(LIMITS, "--max-sessions", min=1, help="Live sessions at the same time [default: 10]."),
]
MaxRequests = Annotated[
    int | None,
    option(
        LIMITS,
        "--max-requests",
        min=1,
        help="Files transcribed at the same time; as many more wait [default: 8].",
    ),
]
MaxUpload = Annotated[
    int | None, option(LIMITS, "--max-upload-mb", min=1, help="Largest file [default: 200].")
]
MaxAudio = Annotated[
    float | None,
    option(LIMITS, "--max-audio-seconds", callback=finite, help="Longest file [default: 14400]."),
]
SessionSeconds = Annotated[
    float | None,
    option(
        LIMITS, "--session-seconds", callback=finite, help="Longest live session [default: 14400]."
    ),
]
IdleSeconds = Annotated[
    float | None,
    option(
        LIMITS,
        "--idle-seconds",
        callback=finite,
        help="How long a live session may go without sound [default: 60].",
    ),
]
KeepSeconds = Annotated[
    float | None,
    option(
        LIMITS,
        "--keep-seconds",
        callback=finite,
        help="How long a live session is kept whose connection was lost [default: 60].",
    ),
]
WarmupLevel = Annotated[
    str | None,
    option(
        LIMITS,
        "--warmup-level",
        metavar="2|3",
        help="How warm the model is before it serves, as of 'echocli warmup' [default: 2].",
    ),
]
