"""What is said to the server: recordings where ``ECHOCLI_CORPUS`` names some, else made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks import corpus
from benchmarks.live_material import makers
from benchmarks.material import Part
from echocli.types import SAMPLE_RATE

Pcm: TypeAlias = "NDArray[np.int16]"
"""Mono sound of 16 bits at 16 kHz."""

SILENCE = 1.0
"""Seconds of silence at the end, more than any hangover."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Sound with the text that is spoken in it."""

    name: str
    pcm: Pcm
    text: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / SAMPLE_RATE


def talks(count: int, seconds: float, *, spoken: bool = False) -> list[Talk]:
    """Return different talks of about so many seconds each.

    Where texts must be equal, ask for ``spoken`` ones, made here: of what is hard to hear, the text
    depends on which words were committed when, and so on how busy the machine is.
    """
    parts = _parts(count * (seconds + 10.0), spoken=spoken)
    return [_talk(f"talk{number}", parts, seconds) for number in range(count)]


def _parts(seconds: float, *, spoken: bool) -> Iterator[Part]:
    found = makers(seconds)
    yield from found["chapter" if not spoken and corpus.folder() is not None else "spoken"]
    yield from found.get("even", ())
    yield from found["spoken"]


def _talk(name: str, parts: Iterator[Part], seconds: float) -> Talk:
    sounds: list[NDArray[np.float32]] = []
    texts: list[str] = []
    while sum(map(len, sounds)) < seconds * SAMPLE_RATE:
        part = next(parts)
        sounds += [part.sound, np.zeros(round(part.pause * SAMPLE_RATE), np.float32)]
        texts.append(part.text)
    sounds.append(np.zeros(round(SILENCE * SAMPLE_RATE), np.float32))
    return Talk(name, pcm_of(np.concatenate(sounds)), " ".join(texts))


def wav_of(pcm: Pcm) -> bytes:
    """Return a WAV file."""
    import io

    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def pcm_of(sound: NDArray[np.float32]) -> Pcm:
    """Return samples of 16 bits."""
    samples: Pcm = np.clip(np.rint(sound * 32767.0), -32768, 32767).astype("<i2")
    return samples
