"""Write the pages of the settings and of the environment variables."""

from __future__ import annotations

from collections.abc import Mapping

from echocli.cli.config_help import OTHER, Explained, explained
from echocli.config import ALIASES, KEYS, VARIABLES, spelled, variable
from tools.markdown import NOTE_CODE, table

OTHERS: Mapping[str, str] = {
    "NO_COLOR": "Anything but an empty value: no colours.",
    "TERM": "`dumb` or `unknown`: no progress bar and no live display.",
    "COLUMNS": "Width of tables, progress and the live display, instead of the terminal's own.",
    "CUDA_VISIBLE_DEVICES": "The GPUs that may be used, as CUDA reads it.",
    "HF_HUB_OFFLINE": "`1`, `true`, `yes` or `on`: never download a model, as `--offline`.",
    "HF_ENDPOINT": "Address of the hub that models come from.",
    "HF_TOKEN": "Token for the hub; `HUGGING_FACE_HUB_TOKEN` is the same.",
    "HF_TOKEN_PATH": "File with the token, where it is in no variable.",
    "HF_HUB_CACHE": "Cache of the hub, searched for models; `HUGGINGFACE_HUB_CACHE` is the same.",
    "HF_HOME": "Directory with the cache of the hub and the token.",
    "HTTPS_PROXY": "Proxy for downloads; so are `HTTP_PROXY` and `ALL_PROXY`, in lower case too.",
    "NO_PROXY": "Hosts that are reached without the proxy.",
    "REQUESTS_CA_BUNDLE": "Certificates to trust in downloads; so are `CURL_CA_BUNDLE` and "
    "`SSL_CERT_FILE`, in this order.",
    "XDG_CACHE_HOME": "Where caches are; so, for their kinds, are `XDG_DATA_HOME` and "
    "`XDG_CONFIG_HOME` on Linux.",
    "OPENBLAS_NUM_THREADS": "Threads for small products of matrices; 1 where it is not set.",
    "CT2_USE_MKL": "CTranslate2: whether it uses Intel's library (`0` or `1`), for which more "
    "memory is counted; without it on Intel's processors only.",
    "MALLOC_ARENA_MAX": "How the C library keeps memory in the worker: set with "
    "`MALLOC_MMAP_THRESHOLD_` and `MALLOC_TRIM_THRESHOLD_` where they are not.",
    "GGML_NO_BACKTRACE": "`0` lets whisper.cpp start a debugger when it aborts.",
}
"""Variables of other programs that are honoured → what they do here."""


_HOW = """\
Where several say something, the first wins: the flag, the environment, a profile, the top of the
config file, what `echocli detect` recommends. See [configuration](../configuration.md).
"""

_VARIABLES = """\
Every [setting](settings.md) has a variable. A flag wins over it, and it wins over the config file.
"""

_OLDER = """\
Those of the system this program grew from, with its spelling of values; ours wins where both are
set.
"""


def settings_page() -> str:
    """Return the page of settings: what each one does, takes, and is by default."""
    found = explained()
    lines = [NOTE_CODE, "", "# Settings", "", _HOW]
    for section in _sections(found):
        rows = (_row(name, one) for name, one in found.items() if one.section == section)
        lines += [f"## {section}", "", *table(("setting", "does", "takes"), rows), ""]
    return "\n".join(lines)


def _sections(found: Mapping[str, Explained]) -> list[str]:
    """Return the headings; that of settings without an option comes last."""
    return sorted(dict.fromkeys(one.section for one in found.values()), key=OTHER.__eq__)


def _row(name: str, one: Explained) -> tuple[str, str, str]:
    key = KEYS[name]
    default = "" if key.default in (None, "", ()) else f"; default `{spelled(key.default)}`"
    return f"`{name}`", one.text, key.kind.says + default


def page() -> str:
    """Return the page of environment variables."""
    older = ((f"`{old}`", f"`{variable(name)}`") for name, old in ALIASES.items())
    return "\n".join(
        [
            NOTE_CODE,
            "",
            "# Environment",
            "",
            "An empty variable says nothing.",
            "",
            *_table(VARIABLES),
            "",
            "## Settings",
            "",
            _VARIABLES,
            *_table(settings()),
            "",
            "## Older names",
            "",
            _OLDER,
            *table(("variable", "is"), older),
            "",
            "## Of other programs",
            "",
            *_table(OTHERS),
            "",
        ]
    )


def settings() -> dict[str, str]:
    """Return the variable of every setting → what the setting does."""
    return {variable(name): one.text for name, one in explained().items()}


def _table(variables: Mapping[str, str]) -> list[str]:
    return table(("variable", "does"), ((f"`{name}`", text) for name, text in variables.items()))
