"""From sound to what Whisper's decoder listens to: features, padding, the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from echocli.providers.base import Window
from echocli.providers.whisper_alignment import FRAME_SAMPLES

FRAMES = 3000
"""Mel frames of a full 30 s window."""

GRID = 200
"""Frames to which lengths are rounded up, so that windows can share a batch: 2 s."""


class Encoder:
    """Encode windows at their own length with faster-whisper's model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._silences: dict[int, Any] = {}
        # numpy has no bfloat16: windows encoded so cannot be put together.
        self.joinable = "bfloat16" not in str(model.model.compute_type)

    def encode(self, batch: Sequence[Window]) -> list[Any]:
        """Encode windows of the same number of frames, each to an array (or view) of its own.

        On a CPU one by one: a batch of long inputs falls out of the cache and gains nothing.
        """
        together = self._model.model.device != "cpu" and self.joinable
        groups = [list(batch)] if together else [[window] for window in batch]
        encoded: list[Any] = []
        for group in groups:
            encoded += self._encode_features([self._features(window) for window in group])
        return encoded

    def join(self, encoded: list[Any]) -> Any:
        """Return what the library takes for windows encoded one by one."""
        if not self.joinable:
            return encoded[0]
        import ctranslate2
        import numpy as np

        return ctranslate2.StorageView.from_array(np.ascontiguousarray(np.concatenate(encoded)))

    def silence(self, frames: int) -> Any:
        """Encode silence; kept, because doubt comes again."""
        import numpy as np

        if frames not in self._silences:
            sound = np.zeros(frames * FRAME_SAMPLES, np.float32)
            self._silences[frames] = self.encode([Window(-frames, 0, sound, tail=0)])[0]
        return self._silences[frames]

    def _encode_features(self, features: list[Any]) -> list[Any]:
        import ctranslate2
        import numpy as np

        stacked = ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(features)))
        output = self._model.model.encode(stacked, to_cpu=self._model.model.device != "cpu")
        return list(np.array(output)[:, None]) if self.joinable else [output]

    def _features(self, window: Window) -> Any:
        """Return the log-mel spectrogram of a window and the silence behind it."""
        import numpy as np

        frames = frames_of(window)
        sound = np.zeros(frames * FRAME_SAMPLES, np.float32)
        sound[: len(window.samples)] = window.samples
        return self._model.feature_extractor(sound)[:, :frames].astype(np.float32)


def frames_of(window: Window) -> int:
    """Return the mel frames the encoder sees: the window and its silence, on a grid."""
    if window.tail is None:
        return FRAMES
    needed = -(-(len(window.samples) + window.tail) // FRAME_SAMPLES)
    return min(FRAMES, -(-needed // GRID) * GRID)
