"""Settings and where they come from: flag, environment, profile, config file, recommendation.

Every setting is a row of :data:`KEYS`; every value remembers its source. What an option of the
command line says that is no setting is in :data:`ONCE`, with the reason.
"""

from __future__ import annotations

from echocli.config.file import ConfigFile, load
from echocli.config.keys import KEYS, Key
from echocli.config.once import ONCE
from echocli.config.settings import (
    DEFAULT,
    FLAG,
    PROGRAM,
    RECOMMENDATION,
    Chosen,
    Said,
    Setting,
    Settings,
    chosen_of,
    describe,
    path,
)
from echocli.config.values import AUTO_CHUNKS, COMPUTE_TYPES, Kind, shown, spelled
from echocli.config.variables import ALIASES, VARIABLES, variable

__all__ = [
    "ALIASES",
    "AUTO_CHUNKS",
    "COMPUTE_TYPES",
    "DEFAULT",
    "FLAG",
    "KEYS",
    "ONCE",
    "PROGRAM",
    "RECOMMENDATION",
    "VARIABLES",
    "Chosen",
    "ConfigFile",
    "Key",
    "Kind",
    "Said",
    "Setting",
    "Settings",
    "chosen_of",
    "describe",
    "load",
    "path",
    "shown",
    "spelled",
    "variable",
]
