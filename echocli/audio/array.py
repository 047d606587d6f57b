"""Sound that a program holds in memory, whole or piece by piece, as a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from echocli.errors import InputError
from echocli.types import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SCALES = {"int16": 1 << 15, "int32": 1 << 31}
"""What the samples of a whole-number type are divided by."""


class ArraySource:
    """Read arrays of samples at ``rate`` Hz, ``(n,)`` or ``(n, channels)``.

    Floats are taken as they are, in [-1, 1]; 16 and 32 bit whole numbers are scaled. ``channel`` is
    1-based. ``pieces`` may be endless: nothing is taken before it is asked for. Raises
    :class:`InputError` for what is no sound.
    """

    def __init__(
        self,
        pieces: Iterable[NDArray[Any]],
        *,
        rate: int = SAMPLE_RATE,
        name: str = "sound",
        channel: int | None = None,
        duration: float | None = None,
    ) -> None:
        if rate <= 0:
            raise InputError(f"{name}: a rate of {rate} Hz is none")
        self.name = name
        self.duration = duration
        self.notices: list[str] = []
        self._pieces = pieces
        self._rate = rate
        self._channel = channel

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of at most a second."""
        from echocli.audio.resample import ToMono16k

        mono = ToMono16k(self._channel)
        for piece in self._pieces:
            frames = self._frames(piece)
            for at in range(0, len(frames), self._rate):
                block = mono.feed_array(frames[at : at + self._rate], self._rate)
                if len(block):
                    yield block
        if len(last := mono.flush()):
            yield last

    def _frames(self, piece: NDArray[Any]) -> NDArray[np.float32]:
        """Return a piece as ``(n, channels)`` floats."""
        import numpy as np

        array = np.asarray(piece)
        if not array.ndim:
            raise InputError(
                f"{self.name}: {type(piece).__name__} is no array of samples",
                hint="give arrays; the bytes of a file go into io.BytesIO",
            )
        if array.ndim not in (1, 2) or array.dtype.kind not in "fi":
            shape = "×".join(map(str, array.shape))
            raise InputError(
                f"{self.name}: {array.dtype} of shape {shape} is no sound",
                hint="give floats or 16 bit integers of shape (n,) or (n, channels)",
            )
        if array.dtype.kind == "i" and array.dtype.name not in _SCALES:
            raise InputError(f"{self.name}: whole numbers of 16 or 32 bits, not {array.dtype}")
        channels = array.shape[1] if array.ndim == 2 else 1
        frames = array.reshape(len(array), channels).astype(np.float32)
        if scale := _SCALES.get(array.dtype.name):
            frames /= np.float32(scale)
        if channels > 8:
            raise InputError(
                f"{self.name}: {channels} channels are too many",
                hint="the shape is (n, channels)",
            )
        return frames

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
