"""A CTranslate2 model in int8: about half the disk, and nothing left to quantise when it loads.

CTranslate2's own classes do it (``ctranslate2.specs``): the variables of a ``model.bin`` are put
into a ``WhisperSpec``, which quantises and writes them as ``ct2-transformers-converter
--quantization int8`` would have done, but for the convolutions: so the text is that of the source
loaded with ``compute_type="int8"``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from echocli.errors import ModelError
from echocli.models.converted import told_apart
from echocli.models.ct2 import AGAIN, WhisperWeights
from echocli.models.found import missing_files
from echocli.models.ggml import hyper_parameters
from echocli.models.identity import digest, note
from echocli.models.parts import PartFile, unfinished
from echocli.models.records import CONVERTED, FileRecord, Record, read_record, write_record

QUANTISATION = "int8"

SUFFIX = f"-{QUANTISATION}"
"""What the store puts behind the name of a model that is quantised."""

_BESIDE = (
    "config.json",
    "tokenizer.json",
    "vocabulary.txt",
    "vocabulary.json",
    "preprocessor_config.json",
)
"""Files that belong to the weights, whatever their numbers are; not every model has all."""


def target_of(source: Path, name: str | None, store: Path) -> Path:
    """Return where in the store the int8 form of a model belongs: it is found by the model's name.

    A model that was named by a path has none.
    """
    own = name or told_apart(source, digest(source / "model.bin", store))
    return store / f"{own}{SUFFIX}"


def quantise(
    source: Path, target: Path, *, store: Path | None = None, revision: str | None = None
) -> None:
    """Write the CTranslate2 Whisper model in ``source`` to the directory ``target`` as int8.

    The directory appears when it is whole, with a record of what it was made from; one that was
    made from the same weights and has not changed is left as it is, another conversion replaced.
    Digests are kept in ``store`` (the user's own by default); ``revision`` is that of the weights,
    for the record (by default what theirs says). Raises ``ModelError`` for a source that is
    missing, broken or quantised already, for a target that is somebody's own, and when it cannot be
    written.
    """
    if lacking := missing_files(source):
        text = f"the model in {source} is incomplete: it has no {', '.join(lacking)}"
        raise ModelError(text, hint=AGAIN)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with PartFile(target.with_name(f".{target.name}")):  # for its lock
            if not _is_done(source, target, store):
                _make(source, target, store, revision)
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="free some space, or name a directory that can be written",
        ) from error


def _is_done(source: Path, target: Path, store: Path | None) -> bool:
    """Tell whether the target is whole and of these weights; refuse what nobody converted."""
    if not target.exists():
        return False
    record = read_record(target) if target.is_dir() else None
    if record is None or not record.is_conversion:
        raise ModelError(f"{target} is there already", hint="remove it, or name another directory")
    if record.made_from != digest(source / "model.bin", store) or missing_files(target):
        return False
    return all(_is(target / name, file, store) for name, file in record.files.items())


def _is(path: Path, file: FileRecord, store: Path | None) -> bool:
    return (
        path.is_file() and path.stat().st_size == file.bytes and digest(path, store) == file.sha256
    )


def _make(source: Path, target: Path, store: Path | None, revision: str | None) -> None:
    made = unfinished(target)
    shutil.rmtree(made, ignore_errors=True)  # of a process that was killed
    made.mkdir()
    try:
        _write(source, made)
        files = {path.name: _recorded(path) for path in sorted(made.iterdir())}
        made_from = digest(source / "model.bin", store)
        own = read_record(source)
        revision = revision or (own.revision if own else None)
        write_record(made, _record(source, target, files, made_from, revision))
        _replace(made, target)
        note(target / "model.bin", files["model.bin"].sha256, store)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(source: Path, directory: Path) -> None:
    from ctranslate2.specs.model_spec import ModelSpec

    spec = _quantised(source / "model.bin")
    # Without the vocabulary, which the class in between would write in a form of its own.
    ModelSpec.save(spec, str(directory))
    for name in _BESIDE:
        if (source / name).is_file():
            shutil.copyfile(source / name, directory / name)


def _quantised(path: Path) -> Any:
    """Return the model as a ``WhisperSpec`` whose weights are int8."""
    from ctranslate2.specs import WhisperSpec
    from ctranslate2.specs.model_spec import LayerSpec

    weights = WhisperWeights(path)
    if "decoder/embeddings/weight_scale" in weights:
        raise ModelError(f"{path} is quantised already", hint="name a model in float16 or float32")
    shape = hyper_parameters(weights)
    spec = WhisperSpec(
        shape.n_audio_layer, shape.n_audio_head, shape.n_text_layer, shape.n_text_head
    )
    _fill(spec, weights, path)
    try:
        LayerSpec.validate(spec)
    except ValueError as error:
        lacking = ", ".join(str(error).split("\n\n")[-1].split())
        text = f"{path} is not a whole Whisper model: it has no {lacking}"
        raise ModelError(text, hint=AGAIN) from error
    spec.optimize(QUANTISATION)
    _keep_convolutions(spec, weights)
    return spec


def _fill(spec: Any, weights: WhisperWeights, path: Path) -> None:
    """Put the variables where they belong; raise ``ModelError`` if one belongs nowhere."""
    from ctranslate2.specs.model_spec import visit_spec

    left = set(weights.names)

    def put(place: Any, name: str, _: object) -> None:
        if name in left:
            left.remove(name)
            values = weights.stored(name)
            # `_quantize` multiplies float32 in place, and the file is mapped for reading.
            copied = values.ndim > 0 and values.dtype == "float32"
            setattr(place, name.rpartition("/")[2], values.copy() if copied else values)

    visit_spec(spec, put)
    if left:
        text = f"{path} has variables that the installed CTranslate2 does not know: {min(left)}"
        raise ModelError(text, hint="pip install --upgrade ctranslate2")


def _keep_convolutions(spec: Any, weights: WhisperWeights) -> None:
    """Put the weights of the convolutions back as they were.

    CTranslate2 keeps them in floating point when it quantises while loading, but not in a file:
    with them as int8, 4 of 14 clips had another text (tiny.en); as they are, encoder outputs are
    equal bit by bit. They are 1 % of the file.
    """
    from ctranslate2.specs.model_spec import OPTIONAL, NumpyVariable

    for name in ("conv1", "conv2"):
        convolution = getattr(spec.encoder, name)
        convolution.weight = NumpyVariable(weights.stored(f"encoder/{name}/weight"))
        convolution.weight_scale = OPTIONAL


def _recorded(path: Path) -> FileRecord:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return FileRecord(path.stat().st_size, sha256)


def _record(
    source: Path,
    target: Path,
    files: dict[str, FileRecord],
    made_from: str,
    revision: str | None,
) -> Record:
    return Record(
        name=target.name.removesuffix(SUFFIX),
        format="ct2",
        source=f"{CONVERTED}{source.resolve()}",
        revision=revision,
        files=files,
        quantisation=QUANTISATION,
        made_from=made_from,
    )


def _replace(made: Path, target: Path) -> None:
    """Give the finished directory its name; what had it before is no use any more."""
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)
