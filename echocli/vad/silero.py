"""Speech probability of each 32 ms by the Silero network, streaming.

The weights are the file ``assets/silero_vad_v6.onnx`` inside the package ``faster_whisper``, which
is found without importing it. Input layout as in ``faster_whisper/vad.py``: rows of 64 samples of
context and 512 new ones; the LSTM state goes in and comes out as ``h`` and ``c`` of (1, 1, 128).
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echocli.environment import NO_TELEMETRY
from echocli.errors import EchoError
from echocli.types import Samples

FRAME = 512
"""Samples one probability stands for: 32 ms."""
_CONTEXT = 64
_BATCH = 1024
"""Frames per call of the network: 33 s, which keeps the memory of a long block small."""
_WEIGHTS = "assets/silero_vad_v6.onnx"


class VadError(EchoError):
    """The speech detector cannot be loaded or broke; the caller then takes all sound for speech."""


def weights_path() -> Path:
    """Return the file of the network; raise :class:`VadError` if it is not installed."""
    spec = find_spec("faster_whisper")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        if (path := Path(place, _WEIGHTS)).is_file():
            return path
    raise VadError(
        "the weights of the speech detector are not installed",
        hint="pip install faster-whisper, or use --no-vad",
    )


class Silero:
    """Keep the network's state between blocks, so that the cutting of the input does not matter."""

    def __init__(self, weights: Path | None = None) -> None:
        path = weights or weights_path()
        try:
            self._session = _session(path)
        except Exception as error:
            raise VadError(f"the speech detector could not be loaded: {error}") from error
        self.reset()

    def reset(self) -> None:
        """Forget all sound heard so far."""
        self._rest: Samples = np.zeros(0, np.float32)
        self._context: Samples = np.zeros(_CONTEXT, np.float32)
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)

    def probabilities(self, block: Samples) -> NDArray[np.float32]:
        """Return one probability for each whole frame; the rest waits for the next block."""
        sound = np.concatenate([self._rest, block.astype(np.float32, copy=False)])
        whole = len(sound) // FRAME * FRAME
        self._rest = sound[whole:]
        frames = sound[:whole].reshape(-1, FRAME)
        parts = [self._run(frames[at : at + _BATCH]) for at in range(0, len(frames), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def flush(self) -> NDArray[np.float32]:
        """Return the probability of the last part of a frame, filled up with silence."""
        missing = -len(self._rest) % FRAME
        return self.probabilities(np.zeros(missing, np.float32))

    def _run(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        tails = frames[:, -_CONTEXT:]
        contexts = np.concatenate([self._context[None], tails[:-1]])
        rows = np.concatenate([contexts, frames], axis=1)
        try:
            output, self._h, self._c = self._session.run(
                None, {"input": rows, "h": self._h, "c": self._c}
            )
        except Exception as error:
            raise VadError(f"the speech detector failed: {error}") from error
        self._context = tails[-1].copy()
        return np.asarray(output, np.float32).reshape(-1)


@lru_cache(maxsize=1)
def _session(path: Path) -> Any:
    """Load the network on one thread: it is 500 times real time, the cores are for decoding."""
    os.environ.update(NO_TELEMETRY)
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return runtime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"], sess_options=options
    )
