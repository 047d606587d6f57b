"""Which weights a model is: the digest of its file, computed once, and the revision it came as.

A digest is kept with the state of its file, in ``digests.json`` of the store; it counts until its
size, one of its times or its place on the disk changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from echocli import kept
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog
from echocli.models.found import Found
from echocli.models.parts import PartFile
from echocli.models.records import is_sha256, read_record

FILE = "digests.json"
_SCHEMA = "digests-2"

_SHORTEST = 7
"""Characters of a revision that git shows."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells these weights from others of the same name; ``None`` is not known."""

    revision: str | None
    sha256: str | None
    """Of the weights file: as computed here, else as its source says it must be."""


def digest(path: Path, store: Path | None = None, *, afresh: bool = False) -> str:
    """Return the SHA-256 of a file, from the last time if it has not changed since.

    ``store`` keeps it (the user's own by default); ``afresh`` reads the file in any case. Raises
    ``ModelError`` for a file that cannot be read. Reading 75 MB takes about 0.1 s.
    """
    known = None if afresh else known_digest(path, store)
    return known or _computed(path, _own(store))


def known_digest(path: Path, store: Path | None = None) -> str | None:
    """Return the digest of a file that has not changed since it was computed; reads no weights."""
    entry = _entries(_own(store)).get(_key(path))
    try:
        stamp = _stamp(path)
    except OSError:
        return None
    match entry:
        case [*state, str(sha256)] if state == stamp:
            return sha256 if is_sha256(sha256) else None
    return None


def note(path: Path, sha256: str, store: Path | None) -> None:
    """Keep the digest of a file that was computed while it was written."""
    with suppress(OSError):
        _keep(_own(store), _key(path), [*_stamp(path), sha256])


def identity(found: Found, env: Environment) -> Identity:
    """Return which revision and which weights a model is, as far as that is known; reads none."""
    known = known_digest(found.weights, env.data_dir / "models")
    return Identity(revision_of(found), known or expected(found, found.weights.name))


def ensure(found: Found, env: Environment) -> Identity:
    """Return which revision and which weights a model is; reads the weights if that is not known.

    They are read once: :func:`identity` knows from then on. Raises ``ModelError`` where they cannot
    be read. A model in parts, which has no file of weights yet, is what is known of it.
    """
    known = identity(found, env)
    if known.sha256 is not None or not found.weights.exists():
        return known
    return Identity(known.revision, digest(found.weights, env.data_dir / "models"))


def revision_of(found: Found) -> str | None:
    """Return the revision by the record, the Hugging Face cache or the version of the package."""
    record = read_record(found.path)
    if record is not None and record.revision:
        return record.revision
    if found.origin == "package":
        return _package_version(found)
    directory = found.weights.parent
    return directory.name if directory.parent.name == "snapshots" else None


def expected(found: Found, name: str) -> str | None:
    """Return the SHA-256 that a file of a model must have: by its record, catalogue or cache."""
    record = read_record(found.path)
    if record is not None and name in record.files:
        return record.files[name].sha256
    if found.origin == "package":
        return catalog.DIGESTS.get(found.name, {}).get(name)
    blob = blob_name(found.weights.with_name(name))
    return blob if blob and is_sha256(blob) else None


def require_pinned(
    found: Found, revision: str | None, sha256: str | None, store: Path | None = None
) -> None:
    """Raise ``ModelError`` unless a model is of the revision and has the digest that are wanted.

    The start of a revision will do, from seven characters on, as for git. A digest is compared with
    that of the file as it is now; ``None`` asks for nothing.
    """
    if revision is not None:
        here = revision_of(found)
        if not _is_revision(revision, here):
            raise ModelError(
                f"model '{found.name}' in {found.path} is of revision {here or 'unknown'}, "
                f"not {revision}",
                hint=f"run: echocli models pull {found.name} --revision {revision}",
            )
    if sha256 is not None:
        here = digest(found.weights, store)
        if here != sha256.lower():
            raise ModelError(
                f"{found.weights} has the SHA-256 {here}, not {sha256}",
                hint="use the model that was pinned, or pin this one",
            )


def _is_revision(wanted: str, here: str | None) -> bool:
    if here is None:
        return False
    return here == wanted or (len(wanted) >= _SHORTEST and here.startswith(wanted.lower()))


def blob_name(file: Path) -> str | None:
    """Return the name of the blob that a link of a Hugging Face cache leads to.

    It is the SHA-256 of a large file and git's SHA-1 of a small one
    (``huggingface_hub.file_download``).
    """
    if not file.is_symlink():
        return None
    blob = file.resolve()
    return blob.name if blob.parent.name == "blobs" else None


def _package_version(found: Found) -> str | None:
    files = catalog.PACKAGED.get(found.name, ())
    try:
        return version(files[0].parts[0][0]) if files else None
    except PackageNotFoundError:
        return None


def _own(store: Path | None) -> Path:
    return Environment().data_dir / "models" if store is None else store


def _computed(path: Path, store: Path) -> str:
    try:
        stamp = _stamp(path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        unchanged = _stamp(path) == stamp
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror or error}"
        raise ModelError(text, hint="copy or download the whole model again") from error
    if unchanged:
        _keep(store, _key(path), [*stamp, sha256])
    return sha256


def _keep(store: Path, key: str, entry: list[object]) -> None:
    """Add an entry, without those of files that are gone; one process after the other."""
    with suppress(OSError):  # then it is computed again the next time
        store.mkdir(parents=True, exist_ok=True)
        with PartFile(store / FILE) as file:
            others = {path: old for path, old in _entries(store).items() if not _is_gone(path)}
            content = {"schema": _SCHEMA, "entries": {**others, key: entry}}
            file.stream.write(json.dumps(content).encode())
            file.finish()


def _is_gone(path: str) -> bool:
    """Tell whether there is no such file for sure; one that cannot be seen may come back."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _entries(store: Path) -> Mapping[str, object]:
    found = kept.read_entries(store / FILE, _SCHEMA)
    return found if isinstance(found, dict) else {}


def _key(path: Path) -> str:
    return str(path.resolve())


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
