"""Where models are looked for: one generator a source, all of them lazy.

Directories of CTranslate2 models are called ``NAME`` or ``faster-whisper-NAME``, GGML files
``ggml-NAME.bin`` or ``ggml-NAME-q5_0.bin``, as whisper.cpp calls them. What is hidden, ends in
``.part`` or is not whole is no model.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, parts, previous
from echocli.models.found import (
    PACKAGES,
    Found,
    described,
    expand,
    may_be_called,
    whole_directory,
    whole_file,
)
from echocli.models.ggml_header import read_header
from echocli.models.records import read_record

PREFIX = "faster-whisper-"
"""What the repositories of the weights put before a model's name."""

INT8 = "-int8"
"""What the store puts behind the name of a model for its quantised copy."""

_FILE = re.compile(
    r"ggml-(?P<name>[^/]+?)(?:-(?:f16|f32|q\d_[01]|q\d_k(?:_[sml])?))?\.bin", re.IGNORECASE
)

_FILES = {
    model.ggml.file: model.name
    for model in catalog.MODELS.values()
    if model.ggml is not None and model.ggml.file != "ggml-model.bin"
}
"""Files of the hub whose names tell the model."""


def hub_cache(env: Environment) -> Path:
    """Return the Hugging Face cache, by the rules of ``huggingface_hub.constants``."""
    variables = env.environ
    if cache := variables.get("HF_HUB_CACHE") or variables.get("HUGGINGFACE_HUB_CACHE"):
        return expand(cache, env)
    if home := variables.get("HF_HOME"):
        return expand(home, env) / "hub"
    return _cache_home(env) / "huggingface" / "hub"


def folders(env: Environment) -> list[Path]:
    """Return the folders in which people and other programs keep GGML files."""
    data = expand(env.environ.get("XDG_DATA_HOME") or "~/.local/share", env)
    return [
        _cache_home(env) / "whisper",
        data / "whisper",
        Path("/usr/local/share/whisper"),
        Path("models"),
        _of_pywhispercpp(data),
    ]


def _cache_home(env: Environment) -> Path:
    return expand(env.environ.get("XDG_CACHE_HOME") or "~/.cache", env)


def _of_pywhispercpp(data: Path) -> Path:
    """Return ``pywhispercpp.constants.MODELS_DIR`` without importing its library."""
    if sys.platform == "linux":
        return data / "pywhispercpp" / "models"
    import platformdirs

    return platformdirs.user_data_path("pywhispercpp") / "models"


def directories(
    env: Environment, model_dir: Path | None, store: Path, name: str | None
) -> Iterator[Found]:
    """Yield the whole CTranslate2 models called ``name``, or all, in the order of the sources."""
    if model_dir is not None:
        yield from _itself(model_dir, name)
        yield from _children(model_dir, name)
        yield from _cached(model_dir, name, "model-dir")
    yield from _stored(store, name)
    yield from _packaged(name)
    yield from _parted(name)
    yield from _cached(hub_cache(env), name, "cache")


def files(
    env: Environment, model_dir: Path | None, store: Path, name: str | None
) -> Iterator[Found]:
    """Yield the whole GGML models called ``name``, or all, in the order of the sources."""
    if model_dir is not None:
        yield from _files_in(model_dir, name, "model-dir")
        yield from _cached_files(model_dir, name, "model-dir")
    yield from _stored_files(store, name)
    yield from _cached_files(hub_cache(env), name, "cache")
    for folder in folders(env):
        yield from _files_in(folder, name, "folder")


def refuse_misnamed(directory: Path | None, name: str) -> None:
    """Raise ``ModelError`` if a directory has a GGML file that is called ``name`` and is not it.

    Half a model counts as none here, too.
    """
    for path in _ggml_in(directory) if directory is not None else ():
        with suppress(ModelError):
            header = read_header(path)
            if name_of(path) == name and not may_be_called(name, header):
                break
    else:
        return
    raise ModelError(
        f"{path} is not model '{name}', though it is called so: {described(header)}",
        hint="give the file its right name, or name it by its path",
    )


def quantised(store: Path, name: str | None) -> Iterator[Found]:
    """Yield the int8 copies of models that the store holds."""
    paths = _listed(store) if name is None else [store / f"{name}{INT8}"]
    for path in paths:
        own = path.name.removesuffix(INT8)
        if own != path.name and (found := whole_directory(own, path, "store")):
            yield found


def name_of(path: Path) -> str | None:
    """Return what a file is called by its record, else by its name."""
    record = read_record(path)
    if record is not None and (record.is_conversion or path.name in record.files):
        return record.name
    if path.name in _FILES:
        return _FILES[path.name]
    match = _FILE.fullmatch(path.name)
    return catalog.canonical(match["name"]) if match else None


def _itself(directory: Path, name: str | None) -> Iterator[Found]:
    """Yield ``directory`` if it is a model; ``faster-whisper-tiny.en`` is called ``tiny.en``."""
    own = catalog.canonical(directory.resolve().name.removeprefix(PREFIX))
    if name in (None, own) and (found := whole_directory(own, directory, "model-dir")):
        yield found


def _children(directory: Path, name: str | None) -> Iterator[Found]:
    paths = _listed(directory) if name is None else [directory / name, directory / (PREFIX + name)]
    for path in paths:
        own = path.name.removeprefix(PREFIX)
        if is_shown(path) and (found := whole_directory(own, path, "model-dir")):
            yield found


def _stored(store: Path, name: str | None) -> Iterator[Found]:
    """Yield the models of the store, each where it is or where an update has put it aside."""
    if name is None:
        both = [*_listed(store), *_listed(store / previous.DIRECTORY)]
        entries = sorted({path.name for path in both if is_shown(path)})
    else:
        entries = [name, PREFIX + name]
    for entry in entries:
        own = entry.removeprefix(PREFIX)
        for path in previous.looks(store, entry):
            if not entry.endswith(INT8) and (found := whole_directory(own, path, "store")):
                yield found
                break


def _packaged(name: str | None) -> Iterator[Found]:
    for model, package in PACKAGES.items():
        spec = find_spec(package) if name in (None, model) else None
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / "model"
            if found := whole_directory(model, path, "package"):
                yield found


def _parted(name: str | None) -> Iterator[Found]:
    """Yield the models whose parts are installed; the path is where the last part lies."""
    for model, pieces in catalog.PARTED.items():
        if name in (None, model) and (path := parts.look(pieces)):
            yield Found(model, path, "package", pieces[0].bytes)


def _cached(cache: Path, name: str | None, origin: str) -> Iterator[Found]:
    """Yield models from a directory laid out as Hugging Face's cache, the main revision first."""
    for model in catalog.MODELS.values():
        if name in (None, model.name):
            for revision in _revisions(cache, model.repo):
                if found := whole_directory(model.name, revision, origin):
                    yield found
                    break


def _cached_files(cache: Path, name: str | None, origin: str) -> Iterator[Found]:
    """The same for GGML files, of which a repository has many."""
    for repo in dict.fromkeys(model.ggml.repo for model in catalog.MODELS.values() if model.ggml):
        for revision in _revisions(cache, repo):
            yield from _files_in(revision, name, origin, repo)


def _revisions(cache: Path, name: str) -> list[Path]:
    repo = cache / f"models--{name.replace('/', '--')}"
    snapshots = _listed(repo / "snapshots")
    try:
        main = (repo / "refs" / "main").read_text().strip()
    except OSError:
        return snapshots
    return sorted(snapshots, key=lambda path: path.name != main)


def _files_in(
    directory: Path, name: str | None, origin: str, repo: str | None = None
) -> Iterator[Found]:
    """Yield the GGML models in a directory, or the one that ``directory`` itself is."""
    for path in _ggml_in(directory):
        own = _in_repo(repo, path.name) or name_of(path)
        if own and name in (None, own) and (found := whole_file(own, path, origin)):
            yield found


def _stored_files(store: Path, name: str | None) -> Iterator[Found]:
    """Yield the files of the store, each where it is or where an update has put it aside."""
    seen: set[str] = set()
    put_aside = store / previous.DIRECTORY
    rounds = previous.LOOKS if put_aside.is_dir() else 1
    for _ in range(rounds):
        for directory in (store, put_aside, store):
            for found in _files_in(directory, name, "store"):
                entry = found.path.name
                if entry not in seen and (directory == store or not (store / entry).exists()):
                    seen.add(entry)
                    yield found
        if seen:
            break


def _in_repo(repo: str | None, file: str) -> str | None:
    """Return the model of a repository whose file has a name that tells nothing."""
    rows = (row for row in catalog.MODELS.values() if row.ggml and row.ggml.repo == repo)
    return next((row.name for row in rows if row.ggml and row.ggml.file == file), None)


def _ggml_in(directory: Path) -> list[Path]:
    try:
        if directory.is_file():
            return [directory]
        return sorted(directory.glob("ggml-*.bin"))
    except OSError:
        return []


def _listed(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.is_dir())
    except OSError:
        return []  # not there, or not ours to read: nothing installed in it


def is_shown(path: Path) -> bool:
    """Tell whether a path may be that of a model by its name."""
    return path.suffix != ".part" and not path.name.startswith(".")
