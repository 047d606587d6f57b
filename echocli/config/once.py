"""Options that are no settings, because they say what to do this once."""

from __future__ import annotations

_WHAT = "says what to work on"
_DO = "says what to do this time"
_SHOW = "says how to show this answer"
_MODEL = "says which model to act on"

ONCE: dict[str, str] = {
    "help": "ends the program",
    "version": "ends the program",
    "debug": "is for a report of a defect",
    "profile": "says which settings count; ECHOCLI_PROFILE does so for good",
    "json": _SHOW,
    "all": _SHOW,
    "mic": _WHAT,
    "file": _WHAT,
    "pace": "belongs to --file",
    "record": "names a new file",
    "clip": _WHAT,
    "clip_timestamps": _WHAT,
    "measure": _DO,
    "level": _DO,
    "runs": _DO,
    "reference": "belongs to one recording",
    "manifest": _WHAT,
    "dry_run": _DO,
    "full": _DO,
    "live": _DO,
    "assert": "is what one measurement must hold",
    "compare": _WHAT,
    "tolerance": "belongs to --compare",
    "wer_tolerance": "belongs to --compare",
    "html": "names a new file",
    "source": "says where this model comes from",
    "format": _MODEL,
    "revision": _MODEL,
    "force": _DO,
    "check": _DO,
    "to": _DO,
    "quantize": _DO,
    "output": "names a new file",
    "cmd": "is part of the line in the shell's own settings",
    "scripts": "is part of the line in the shell's own settings",
    "values": "is asked by a shell's completion",
    "yes": "agrees to one deletion",
    "token": "is a secret; ECHOCLI_TOKEN or a file named by token_file keeps it",
}
"""Name of an option, as a setting would be spelled → why a config file cannot have it."""
