"""GGML files made from CTranslate2 weights, kept in the store for the next time.

A conversion is known by the record beside it: the digest of the weights it was made from, and its
own. Asked for a second time it costs a few ``stat`` calls and three small JSON files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from echocli.errors import ModelError
from echocli.models import catalog
from echocli.models.found import is_path
from echocli.models.ggml import Conversion, DType
from echocli.models.identity import digest
from echocli.models.parts import PartFile
from echocli.models.records import CONVERTED, FileRecord, Record, read_record, write_record

QUANTISATIONS: dict[str, DType] = {
    "float16": "f16",
    "q8_0": "q8_0",
    "q5_0": "q5_0",
    "q5_1": "q5_1",
}
"""What a conversion can be asked for → what the matrices become."""

_TOLD_APART = 8
"""Digits of the digest in the name of a model that the catalogue does not know."""


def ggml_of(
    source: Path,
    name: str,
    store: Path,
    *,
    quantisation: str = "float16",
    revision: str | None = None,
) -> Path:
    """Return the GGML file of the CTranslate2 model in ``source``, made in ``store`` if need be.

    ``name`` is what people call the model; ``quantisation`` is one of :data:`QUANTISATIONS`;
    ``revision`` that of the weights, for the record (by default what theirs says). Of several
    processes one converts and the others wait for it. A file that has changed since it was
    made, or was made from other weights, is made again; files of other origin are left alone.
    Raises ``ModelError`` for a source that cannot be converted and a store that cannot be written.
    """
    if quantisation not in QUANTISATIONS:
        raise ModelError(
            f"a GGML file cannot be made as {quantisation}",
            hint=f"choose one of: {', '.join(QUANTISATIONS)}",
        )
    made_from = digest(source / "model.bin", store)
    wanted = _Wanted(source, name, store, quantisation, made_from, revision)
    targets = list(wanted.targets())
    for target in targets:
        if wanted.is_whole(target):
            return target
    target = next((it for it in targets if wanted.may_write(it)), targets[-1])
    _make(wanted, target)
    return target


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A conversion that was asked for."""

    source: Path
    name: str
    store: Path
    quantisation: str
    made_from: str
    """SHA-256 of the weights."""
    revision: str | None

    @property
    def origin(self) -> str:
        """Say where the weights are, as a record does."""
        return f"{CONVERTED}{self.source.resolve()}"

    def targets(self) -> Iterator[Path]:
        """Yield the files it may be: whisper.cpp's name, and one that no other model has."""
        kind = "" if self.quantisation == "float16" else f"-{self.quantisation}"
        known = catalog.known(self.name)
        if known is not None:
            yield self.store / f"ggml-{known.name}{kind}.bin"
        stem = known.name if known else None
        yield self.store / f"ggml-{told_apart(self.source, self.made_from, stem)}{kind}.bin"

    def is_whole(self, target: Path) -> bool:
        """Tell whether the file is there, of these very weights and as it was made."""
        record = read_record(target)
        if record is None or record.made_from != self.made_from:
            return False
        made = record.files.get(target.name)
        return made is not None and _is(target, made, self.store)

    def may_write(self, target: Path) -> bool:
        """Tell whether the place is free, or holds what was made from this model."""
        if not target.exists():
            return True
        record = read_record(target)
        return record is not None and (
            record.source == self.origin or record.made_from == self.made_from
        )

    def record(self, target: Path, made: FileRecord) -> Record:
        """Return the record of the finished file."""
        known = catalog.known(self.name)
        # A relative path would be another one in the next directory.
        name = str(self.source.resolve()) if is_path(self.name) else self.name
        own = read_record(self.source)
        return Record(
            name=known.name if known else name,
            format="ggml",
            source=self.origin,
            revision=self.revision or (own.revision if own else None),
            files={target.name: made},
            quantisation=self.quantisation,
            made_from=self.made_from,
        )


def told_apart(source: Path, made_from: str, stem: str | None = None) -> str:
    """Return a name that no other weights have: of the directory unless there is a better one.

    A path says little ("model") or too much; any file name will do.
    """
    return f"{stem or source.resolve().name}-{made_from[:_TOLD_APART]}"


def _is(target: Path, made: FileRecord, store: Path) -> bool:
    try:
        return target.stat().st_size == made.bytes and digest(target, store) == made.sha256
    except (OSError, ModelError):
        return False


def _make(wanted: _Wanted, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with PartFile(target) as file:
            if wanted.is_whole(target):
                return  # another process was faster
            conversion = Conversion(wanted.source, QUANTISATIONS[wanted.quantisation])
            sink = _DigestingSink(file.stream)
            conversion.write(sink)
            # The record first: with one that does not fit the file is made again, with none it
            # would be taken for somebody's own.
            write_record(target, wanted.record(target, sink.made()))
            file.finish()
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="free some space, or set ECHOCLI_DATA_DIR to a directory that can be written",
        ) from error
    digest(target, wanted.store)  # kept, so that the next start need not read it


@dataclass(slots=True)
class _DigestingSink:
    """Write to a file and know the digest of what was written."""

    stream: IO[bytes]
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def write(self, data: bytes | memoryview) -> None:
        self.stream.write(data)
        self.digest.update(data)
        self.size += memoryview(data).nbytes

    def made(self) -> FileRecord:
        return FileRecord(self.size, self.digest.hexdigest())
