"""Download one model from its hub, in a child process, and never half.

The libraries that download bring seconds of imports, exceptions of several HTTP stacks and one
request without a time limit (``huggingface_hub`` asks for the revision with none), so the hub is
asked for a sign of life first, and the library works in a child whose last line is the error.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.catalog import Model

HUB = "https://huggingface.co"
PATIENCE_S = 5.0
"""Seconds the hub may take to show a sign of life."""

_CHILD = """
import sys
from faster_whisper import download_model
download_model(sys.argv[1], output_dir=sys.argv[2])
"""


class _DownloadError(Exception):
    """Why nothing came; in words that end the message."""


def refuse_offline(env: Environment, model: Model, instead: str, *, offline: bool) -> None:
    """Raise ``ModelError`` if the user or Hugging Face's own variable forbids the network.

    ``instead`` ends the hint: what to do without the hub, with its comma; it may be empty.
    """
    variable = env.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    if offline or variable:
        why = "--offline" if offline else "HF_HUB_OFFLINE"
        raise ModelError(
            f"model '{model.name}' is not installed and {why} forbids to download it",
            hint=f"run once with the network{instead}",
        )


def to_directory(env: Environment, model: Model, target: Path, instead: str) -> Path:
    """Download ``model`` to ``target`` and return it; raise ``ModelError`` if that fails.

    Works in ``target`` + ``.part``, where a later call resumes, and renames it when it is whole.
    ``instead`` is for the hint, as in :func:`refuse_offline`.
    """
    try:
        _check_hub(env, model)
        _download(env, model, target)
    except _DownloadError as error:
        raise ModelError(
            f"model '{model.name}' cannot be downloaded: {error}",
            hint=f"check the network{instead}",
        ) from error
    except OSError as error:
        raise ModelError(
            f"model '{model.name}' cannot be stored in {target.parent}: {error.strerror or error}",
            hint="free some space, or set ECHOCLI_DATA_DIR to a directory that can be written",
        ) from error
    return target


def _download(env: Environment, model: Model, target: Path) -> None:
    from echocli.models.store import missing_files

    part = target.with_name(f"{target.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    _run_child(env, model, part)
    if lacking := missing_files(part):
        raise _DownloadError(f"the hub gave no {', '.join(lacking)}")
    part.rename(target)


def _check_hub(env: Environment, model: Model) -> None:
    """Ask the hub about the model; raise ``_DownloadError`` unless it answers soon."""
    from http.client import HTTPException
    from urllib.request import urlopen

    endpoint = env.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB
    if not endpoint.startswith(("https://", "http://")):
        raise _DownloadError(f"HF_ENDPOINT is not a web address: {endpoint}")
    try:
        with urlopen(f"{endpoint}/api/models/{model.repo}", timeout=PATIENCE_S):
            pass
    except (OSError, HTTPException, ValueError) as error:
        raise _DownloadError(f"{endpoint} cannot be reached ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error)


def _run_child(env: Environment, model: Model, part: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, model.repo, str(part)],
        env=dict(env.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise _DownloadError(lines[-1] if lines else f"status {done.returncode}")
