"""Sound of files, as the program reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from echocli.audio.file import FileSource
from echocli.types import Samples, to_samples


def read(path: Path, start: float = 0, end: float | None = None) -> Samples:
    """Return the sound of a file between two times in seconds."""
    with FileSource(path) as source:
        sound = np.concatenate(list(source.blocks()))
    return sound[to_samples(start) : None if end is None else to_samples(end)]
