"""What a GGML file of whisper.cpp is, and whether it is whole, without loading it.

The layout is what ``whisper_model_load`` of whisper.cpp (src/whisper.cpp) reads: the magic number,
eleven hyper-parameters, mel filters, the words, then the tensors to the end of the file. Of the
weights only the line before each tensor is read. Nothing is mapped: a file that shrinks meanwhile
would end the process.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import BinaryIO

from echocli.errors import ModelError
from echocli.models.ggml import MAGIC, HyperParameters

AGAIN = "copy or download the whole file again"

QUANTISATIONS = {
    0: "float32",
    1: "float16",
    2: "q4_0",
    3: "q4_1",
    7: "q8_0",
    8: "q5_0",
    9: "q5_1",
    10: "q2_k",
    11: "q3_k",
    12: "q4_k",
    13: "q5_k",
    14: "q6_k",
}
"""``ggml_ftype`` of ggml.h → what the weights are."""

NEAREST = {"int8": "q8_0", "int8_float32": "q8_0", "int8_float16": "q8_0"}
"""What users of CTranslate2 call it → the nearest that GGML has."""

_VERSION_FACTOR = 1000
"""``GGML_QNT_VERSION_FACTOR``: the thousands are the version of the quantisation."""

_BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    30: (1, 2),
}
"""``ggml_type`` → numbers and bytes in a block (``type_traits`` of ggml.c)."""

_FAMILIES = {4: "tiny", 6: "base", 12: "small", 24: "medium", 32: "large"}
"""Encoder layers → size; distilling removes decoder layers only."""

_MULTILINGUAL = 51865
"""Tokens from which whisper.cpp takes a model for multilingual (``is_multilingual``)."""

_LIMITS = HyperParameters(
    200_000, 10_000, 10_000, 1_000, 1_000, 10_000, 10_000, 1_000, 1_000, 1_000
)
"""Larger numbers are another format: ggml-silero files, for one, go on with a text."""

_LONGEST_NAME = 256

_WORD = 64
"""Bytes that are read for a word; they have seven on average."""

_INT = struct.Struct("<i")


@dataclass(frozen=True, slots=True)
class Header:
    """The start of a whole GGML file."""

    shape: HyperParameters
    quantisation: str
    """``float16``, ``q5_0`` …; empty for a number that whisper.cpp's tools do not write."""
    bytes: int

    @property
    def family(self) -> str:
        """Size as in :data:`echocli.models.catalog.FAMILIES`; empty if it is none of them."""
        return _FAMILIES.get(self.shape.n_audio_layer, "")

    @property
    def multilingual(self) -> bool:
        """Whether the vocabulary has other languages than English."""
        return self.shape.n_vocab >= _MULTILINGUAL


class _NotGgmlError(Exception):
    """It is another kind of file."""


def read_header(path: Path) -> Header:
    """Return what a GGML file is; raise ``ModelError`` unless it is a whole Whisper model.

    The answer is remembered for as long as the file does not change.
    """
    try:
        status = path.stat()
        return _read(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror or error}"
        raise ModelError(text, hint="name a GGML file, such as ggml-base.en.bin") from error
    except _NotGgmlError:
        raise ModelError(
            f"{path} is not a Whisper model in GGML form",
            hint="name a GGML file, such as ggml-base.en.bin, or a directory with a model.bin",
        ) from None
    except struct.error:
        raise ModelError(f"{path} is cut short", hint=AGAIN) from None


@lru_cache(maxsize=256)
def _read(path: Path, size: int, changed: int) -> Header:
    del changed  # only to tell another state of the file
    if size < _INT.size:
        raise _NotGgmlError
    with path.open("rb") as file:
        return _Cursor(file, size).header()


class _Cursor:
    """A place in the file that moves on; past the end is ``struct.error``."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._at = 0

    def header(self) -> Header:
        shape, float_type = self._start()
        self._skip(4 * prod(self._take(2)))  # the mel filters
        self._skip_words(*self._take(1))
        tensors = sum(1 for _ in self._tensors())
        # Those of the layers and those besides them, as whisper.cpp counts them.
        if tensors != 11 + 15 * shape.n_audio_layer + 24 * shape.n_text_layer:
            raise struct.error
        return Header(shape, QUANTISATIONS.get(float_type % _VERSION_FACTOR, ""), self._size)

    def _start(self) -> tuple[HyperParameters, int]:
        if self._take(1) != (MAGIC,):
            raise _NotGgmlError
        *dimensions, float_type = self._take(11)
        shape = HyperParameters(*dimensions)
        if not all(0 < it <= limit for it, limit in zip(shape, _LIMITS, strict=True)):
            raise _NotGgmlError
        return shape, float_type

    def _skip_words(self, count: int) -> None:
        """Go over the words: fifty thousand, so nothing is called for each but the library."""
        if not 0 <= count <= _LIMITS.n_vocab:
            raise _NotGgmlError
        at, data, read = 0, self._read(count * _WORD), _INT.unpack_from
        for _ in range(count):
            (length,) = read(data, at)
            if length < 0:
                raise _NotGgmlError
            at += _INT.size + length
        self._skip(at)

    def _tensors(self) -> Iterator[None]:
        """Go from tensor to tensor, yielding for each that is whole."""
        while self._at < self._size:
            dimensions, name, kind = self._take(3)
            if not 0 < dimensions <= 4 or not 0 < name <= _LONGEST_NAME or kind not in _BLOCKS:
                raise _NotGgmlError
            row, *others = self._take(dimensions)
            numbers, width = _BLOCKS[kind]
            self._skip(name + -(-row // numbers) * width * prod(others))
            yield

    def _skip(self, count: int) -> None:
        if not 0 <= count <= self._size - self._at:
            raise struct.error
        self._at += count

    def _take(self, count: int) -> tuple[int, ...]:
        data = self._read(count * _INT.size)
        self._skip(count * _INT.size)
        return struct.unpack(f"<{count}i", data)

    def _read(self, count: int) -> bytes:
        self._file.seek(self._at)
        return self._file.read(count)
