"""The tensors of a CTranslate2 model, read from its ``model.bin`` as they are asked for.

The format is that of ``ModelSpec._serialize`` in CTranslate2's python/ctranslate2/specs/
model_spec.py, binary version 6, little-endian: the name of the specification and its revision, the
variables (name, shape, type, bytes), then other names that some of them have as well.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from echocli.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

AGAIN = "copy or download the whole model again"
"""The next step for a model that is broken."""

_VERSION = 6
_SPEC = "WhisperSpec"
_TYPES = ("<f4", "<i1", "<i2", "<i4", "<f2", "<u2")
"""Types by number (``_dtype_to_type_id``) as numpy calls them; the last stands for bfloat16."""
_BFLOAT16 = 5


@dataclass(frozen=True, slots=True)
class Variable:
    """Where a tensor lies in ``model.bin``: shape, CTranslate2's type number and first byte."""

    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def bytes(self) -> int:
        """Number of bytes."""
        return prod(self.shape) * int(_TYPES[self.type][-1])


class WhisperWeights:
    """The variables of a Whisper model's ``model.bin``, which is mapped, not loaded.

    Everything raises ``ModelError``: for a file that is missing, cut or of another format or model,
    and for a variable that is not there or has another shape.
    """

    def __init__(self, path: Path) -> None:
        import numpy as np

        self._path = path
        try:
            with path.open("rb") as file:
                self._map = mmap(file.fileno(), 0, access=ACCESS_READ)
        except (OSError, ValueError) as error:  # ValueError: nothing in it
            why = getattr(error, "strerror", None) or "it is empty"
            raise ModelError(
                f"{path} cannot be read: {why}", hint="name a directory with a model.bin"
            ) from error
        self._bytes: Array = np.frombuffer(self._map, np.uint8)
        self._variables = _Index(path, self._bytes.data).variables()

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a variable of this name."""
        return name in self._variables

    @property
    def names(self) -> frozenset[str]:
        """The names of all variables, second names too."""
        return frozenset(self._variables)

    def shape(self, name: str, rank: int) -> tuple[int, ...]:
        """Return the shape of a variable that must be here and have ``rank`` dimensions."""
        shape = self._get(name).shape
        if len(shape) != rank:
            raise ModelError(f"{self._path}: {name} has the shape {shape}", hint=AGAIN)
        return shape

    def number(self, name: str) -> int:
        """Return a variable that is a single number."""
        self.shape(name, 0)
        return int(self._raw(self._get(name)))

    def stored(self, name: str) -> Array:
        """Return a variable as the file has it, a view; bfloat16 as float32."""
        return self._raw(self._get(name))

    def read(self, name: str, part: int = 0, of: int = 1) -> Array:
        """Return rows ``part / of`` of a variable; a view where the file has them as floats.

        Quantised weights come back as float32, with the precision they have left.
        """
        variable = self._get(name)
        rows, rest = divmod(variable.shape[0] if variable.shape else 0, of)
        if rest or not rows:
            raise ModelError(f"{self._path}: {name} has the shape {variable.shape}", hint=AGAIN)
        own = slice(part * rows, (part + 1) * rows)
        values = self._raw(variable)[own]
        return self._scaled(values, name, own) if values.dtype.kind == "i" else values

    def _scaled(self, values: Array, name: str, own: slice) -> Array:
        """Undo ``ModelSpec._quantize``: a scale a row for int8, one for all for int16."""
        if values.dtype.itemsize > 2:
            text = f"{self._path}: {name} is packed as int4 (AWQ), which cannot be converted"
            raise ModelError(text, hint="name a model in float16, float32 or int8")
        scales = self._raw(self._get(f"{name}_scale")).reshape(-1)
        scales = scales[own] if scales.size > 1 else scales
        quotient: Array = values / scales.reshape(-1, *[1] * (values.ndim - 1))
        return quotient

    def _raw(self, variable: Variable) -> Array:
        import numpy as np

        if self._map.size() < len(self._bytes):  # to touch what is gone would end the process
            raise ModelError(f"{self._path} was cut short while it was read", hint=AGAIN)
        raw = self._bytes[variable.offset : variable.offset + variable.bytes]
        values: Array = raw.view(_TYPES[variable.type]).reshape(variable.shape)
        if variable.type == _BFLOAT16:  # the upper half of a float32
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values

    def _get(self, name: str) -> Variable:
        try:
            return self._variables[name]
        except KeyError:
            raise ModelError(
                f"{self._path} is not a whole Whisper model: it has no {name}", hint=AGAIN
            ) from None


def is_cut(path: Path) -> bool:
    """Tell whether a file is the start of a model in this format and not all of one.

    Reads only what lies between the weights. ``False`` for anything else, other versions too.
    """
    start = struct.pack("<IH", _VERSION, len(_SPEC) + 1) + _SPEC.encode()
    try:
        with path.open("rb") as file:
            if file.read(len(start)) != start:
                return False
        WhisperWeights(path)
    except OSError:
        return False
    except ModelError:
        return True
    return False


class _Index:
    """A cursor over the names and places of the variables."""

    def __init__(self, path: Path, data: memoryview) -> None:
        self._path = path
        self._data = data
        self._at = 0

    def variables(self) -> Mapping[str, Variable]:
        """Return the variables by name, those under a second name too."""
        self._check_format()
        try:
            found = dict(self._variable() for _ in range(self._take("I")))
            for _ in range(self._take("I")):
                alias, name = self._string(), self._string()
                found[alias] = found[name]
        except (struct.error, UnicodeDecodeError, KeyError, IndexError) as error:
            raise self._cut() from error
        return found

    def _check_format(self) -> None:
        try:
            version = self._take("I")
            name = self._string() if version == _VERSION else ""
            self._take("I")  # the revision: what it changed shows in the names
        except (struct.error, UnicodeDecodeError) as error:
            raise self._cut() from error
        if version != _VERSION:
            text = f"{self._path} has the format version {version}; only {_VERSION} can be read"
            raise ModelError(text, hint="convert the model again with a CTranslate2 from 4 on")
        if name != _SPEC:
            text = f"{self._path} holds a {name}, not a Whisper model"
            raise ModelError(text, hint="name the directory of a Whisper model")

    def _variable(self) -> tuple[str, Variable]:
        name = self._string()
        shape = tuple(self._take("I") for _ in range(self._take("B")))
        kind, size = self._take("B"), self._take("I")
        variable = Variable(shape, kind, self._at)
        self._at += size
        if variable.bytes != size or self._at > len(self._data):
            raise self._cut()
        return name, variable

    def _take(self, kind: Literal["B", "H", "I"]) -> int:
        value: int = struct.unpack_from(f"<{kind}", self._data, self._at)[0]
        self._at += struct.calcsize(f"<{kind}")
        return value

    def _string(self) -> str:
        size = self._take("H")  # with the zero byte at its end
        text = bytes(self._data[self._at : self._at + size])
        self._at += size
        return text[:-1].decode()

    def _cut(self) -> ModelError:
        return ModelError(f"{self._path} is damaged or cut short", hint=AGAIN)
