"""The variables of the environment that the program reads for itself."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from echocli.config.keys import KEYS

PREFIX = "ECHOCLI_"
OLDER_PREFIX = "ECHOPANEL_"
"""How the variables begin of the system this program grew from."""

ALIASES: dict[str, str] = {
    "provider": "ECHOPANEL_ASR_PROVIDER",
    "model": "ECHOPANEL_WHISPER_MODEL",
    "model_dir": "ECHOPANEL_MODEL_PATH",
    "device": "ECHOPANEL_WHISPER_DEVICE",
    "compute_type": "ECHOPANEL_WHISPER_COMPUTE",
    "chunk_seconds": "ECHOPANEL_ASR_CHUNK_SECONDS",
    "vad": "ECHOPANEL_ASR_VAD",
}
"""Setting → its older variable; ours wins where both are set."""

PROFILE = "ECHOCLI_PROFILE"

VARIABLES: dict[str, str] = {
    PROFILE: "Profile of the config file, as --profile.",
    "ECHOCLI_CONFIG_DIR": "Directory of config.toml.",
    "ECHOCLI_DATA_DIR": "Directory of the model store.",
    "ECHOCLI_TOKEN": "Token that `serve` asks for and that `--remote` sends.",
    "ECHOCLI_CACHE_DIR": "Directory of what can be made again: measurements, converted models.",
}
"""Variables that are no settings → what they say."""


def variable(key: str) -> str:
    """Return the variable of a setting."""
    return f"{PREFIX}{key.upper()}"


def owners() -> dict[str, str]:
    """Return every variable that says something of a setting, with that setting."""
    return {variable(key): key for key in KEYS} | {old: key for key, old in ALIASES.items()}


def meant_by(name: str) -> str | None:
    """Return the variable that an unknown one is most like; ``None`` where none is like it."""
    near = get_close_matches(name, [*owners(), *VARIABLES], n=1, cutoff=0.8)
    return near[0] if near else None


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """Return a line for each variable that is not read, but is spelled much like one that is.

    Others that begin as ours do may belong to somebody's scripts.
    """
    known = {*owners(), *VARIABLES}
    unknown = sorted(
        name
        for name, value in environ.items()
        if value and name.startswith((PREFIX, OLDER_PREFIX)) and name not in known
    )
    meant = [(name, meant_by(name)) for name in unknown]
    return [f"{name} is not read; did you mean {other}?" for name, other in meant if other]
