"""Ask a Hugging Face hub which files a model has at a revision, and what they must be.

The interface is that of ``huggingface_hub.hf_api.HfApi.model_info`` with ``files_metadata``: the
commit, and of each file its size, its SHA-256 where it is large (git LFS) and the name of git's
blob where it is small. The variables are those of ``huggingface_hub.constants``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.catalog import Model
from echocli.models.found import REQUIRED, VOCABULARIES, expand
from echocli.models.http import Trouble, Web
from echocli.models.partial import Wanted
from echocli.models.sources import CT2_FILES, Manifest, RemoteFile, ggml_entry

HUB = "https://huggingface.co"
PATIENCE_S = 5.0
"""Seconds the hub may take to show a sign of life."""

CHECK_NETWORK = "check the network"
"""Hint where the hub cannot be reached."""


SHOW_TOKEN = "set HF_TOKEN to a token that may read it"
"""Hint where the hub wants to know who is asking."""


def offline_reason(env: Environment, *, offline: bool) -> str | None:
    """Return what forbids the network: an option or Hugging Face's own variable."""
    if offline:
        return "--offline"
    said = env.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    return "HF_HUB_OFFLINE" if said else None


def endpoint(env: Environment) -> str:
    """Return the address of the hub."""
    return env.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or HUB


def repository(model: Model, format: str) -> str:
    """Return the repository of a model; raise ``ModelError`` where it has none in this format."""
    if format == "ct2":
        return model.repo
    if model.ggml is None:
        text = f"no repository is known to have model '{model.name}' as a GGML file"
        raise ModelError(text, hint=f"echocli models convert {model.name} --to ggml makes one")
    return model.ggml.repo


def manifest(web: Web, env: Environment, model: Model, format: str, revision: str) -> Manifest:
    """Return what the hub has of a model at a branch, tag or commit.

    Raises ``ModelError``, within seconds if the hub cannot be reached.
    """
    repo, address, headers = repository(model, format), endpoint(env), token_headers(env)
    info = _ask(web, f"{address}/api/models/{repo}", revision, headers, model.name)
    commit, siblings = _read(info, repo)
    names = {model.ggml.file: ggml_entry(model.name)} if format == "ggml" and model.ggml else {}
    files = tuple(
        RemoteFile(here, f"{address}/{repo}/resolve/{commit}/{quote(there)}", siblings[there])
        for there, here in (names or {name: name for name in CT2_FILES}).items()
        if there in siblings
    )
    _check_whole(model.name, format, [file.name for file in files])
    entry = ggml_entry(model.name) if format == "ggml" else model.name
    _check_known(address, entry if format == "ggml" else "model.bin", files)
    return Manifest(model.name, format, entry, f"hf:{repo}", commit, files, headers)


def token_headers(env: Environment) -> dict[str, str]:
    """Return what shows who is asking, where the user has a token."""
    token = env.environ.get("HF_TOKEN") or env.environ.get("HUGGING_FACE_HUB_TOKEN")
    token = "".join((token or _kept_token(env)).split())
    return {"Authorization": f"Bearer {token}"} if token else {}


def _kept_token(env: Environment) -> str:
    """Return the token that ``hf auth login`` has written."""
    variables = env.environ
    home = (
        variables.get("HF_HOME") or f"{variables.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    )
    with suppress(OSError, ValueError):
        return expand(variables.get("HF_TOKEN_PATH") or f"{home}/token", env).read_text("utf-8")
    return ""


def _check_whole(name: str, format: str, files: list[str]) -> None:
    """Raise ``ModelError`` if the hub lacks a file without which the model is of no use."""
    required = REQUIRED if format == "ct2" else (ggml_entry(name),)
    lacking = [file for file in required if file not in files]
    if format == "ct2" and not set(VOCABULARIES) & set(files):
        lacking.append(VOCABULARIES[0])
    if lacking:
        text = f"model '{name}' cannot be downloaded: the hub has no {', '.join(lacking)} of it"
        raise ModelError(text, hint="another --revision may have it")


def _check_known(address: str, weights: str, files: tuple[RemoteFile, ...]) -> None:
    """Raise ``ModelError`` if the hub does not tell what the weights must be."""
    if not next(file for file in files if file.name == weights).wanted.sha256:
        raise ModelError(
            f"{address} does not tell the SHA-256 of {weights}, so what comes cannot be checked",
            hint="check HF_ENDPOINT, or name the files: --source https://…#sha256=…",
        )


def _ask(web: Web, address: str, revision: str, headers: Mapping[str, str], name: str) -> Any:
    if not address.startswith(("https://", "http://")):
        text = f"model '{name}' cannot be downloaded: HF_ENDPOINT is not a web address: {address}"
        raise ModelError(text, hint="write https:// in front of it, or unset it")
    url = f"{address}/revision/{quote(revision, safe='')}?blobs=true"
    try:
        return web.json(url, headers, patience_s=PATIENCE_S)
    except Trouble as trouble:
        text = f"model '{name}' cannot be downloaded: {trouble}"
        raise ModelError(text, hint=_hint(trouble, revision)) from trouble


def _hint(trouble: Trouble, revision: str) -> str:
    if trouble.status in (401, 403):
        return SHOW_TOKEN
    if trouble.status == 404:
        return f"the hub knows no such model, or no revision '{revision}' of it"
    return CHECK_NETWORK


def _read(info: Any, repo: str) -> tuple[str, dict[str, Wanted]]:
    """Return the commit and what each file must be."""
    try:
        commit = info["sha"]
        siblings = {each["rfilename"]: _wanted(each) for each in info["siblings"]}
        if not (isinstance(commit, str) and commit.isalnum()):
            raise ValueError(commit)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        text = f"the hub's description of {repo} makes no sense"
        raise ModelError(text, hint="check HF_ENDPOINT, or try again later") from error
    return commit, siblings


def _wanted(sibling: Mapping[str, Any]) -> Wanted:
    large = sibling.get("lfs")
    if large:
        return Wanted(_size(large["size"]), sha256=str(large["sha256"]).lower())
    blob = sibling.get("blobId")
    size = _size(sibling.get("size"))
    return Wanted(size, git_sha1=str(blob).lower() if blob and size is not None else None)


def _size(found: object) -> int | None:
    if found is None:
        return None
    if type(found) is not int or found < 0:
        raise ValueError(found)
    return found
