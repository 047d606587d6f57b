"""What is transcribed: short clips, one long recording, eleven seconds, a minute.

``headline``
    the trusted ordinary clips, one after the other in one process
``long``
    at least ten minutes: all trusted English clips but the very quiet ones, joined
``short``
    one clip of about eleven seconds
``minute``
    a piece of ``long``, cut where two clips meet

Joined recordings are 16 kHz mono WAV with a second of silence between the parts; their reference
is the parts' texts joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks import corpus
from benchmarks.corpus import HEADLINE, JOINED, TWO_CHANNELS, Clip
from echocli.types import SAMPLE_RATE

Sound: TypeAlias = "NDArray[np.float32]"

PAUSE = 1.0
LONG_SECONDS = 600.0
MINUTE_SECONDS = 60.0
MOST_OF_A_MINUTE = 65.0
SHORT_SECONDS = 11.0
SHORT_ID = "en_jfk_wav"
"""Clip of eleven seconds that every tool of the field is shown with."""

RECORDED = "recorded speech of people"


@dataclass(frozen=True, slots=True)
class Material:
    """Clips that are transcribed by one process, and measured together."""

    name: str
    clips: tuple[Clip, ...]

    @property
    def seconds(self) -> float:
        """Length of all clips."""
        return sum(clip.seconds for clip in self.clips)


@dataclass(frozen=True, slots=True)
class Part:
    """Sound to be joined, with its text and the seconds of silence after it."""

    sound: Sound
    text: str
    pause: float = PAUSE

    @property
    def seconds(self) -> float:
        """Length with the silence."""
        return len(self.sound) / SAMPLE_RATE + self.pause


@dataclass(frozen=True, slots=True)
class Speech:
    """All that materials are made of; ``origin`` says to readers what kind of speech it is."""

    headline: tuple[Clip, ...]
    short: Clip
    parts: tuple[Part, ...]
    origin: str


def filled(parts: Sequence[Part], least: float) -> list[Part]:
    """Return the parts, over again from the first until they last ``least`` seconds."""
    taken = list(parts)
    total = sum(part.seconds for part in taken)
    again = cycle(parts)
    while total < least:
        part = next(again)
        taken.append(part)
        total += part.seconds
    return taken


def nearest_run(lengths: Sequence[float], goal: float, most: float) -> range:
    """Return the neighbours whose summed length comes nearest to ``goal`` without passing ``most``.

    Raises ``ValueError`` when every one of them is longer than ``most``.
    """
    runs = [
        (abs(goal - total), first, last)
        for first in range(len(lengths))
        for last in range(first + 1, len(lengths) + 1)
        if (total := sum(lengths[first:last])) <= most
    ]
    if not runs:
        raise ValueError(f"no part is shorter than {most:g} s")
    _, first, last = min(runs)
    return range(first, last)


def write_joined(path: Path, parts: Sequence[Part]) -> Clip:
    """Write the parts as one recording, without silence after the last."""
    import soundfile

    sounds: list[Sound] = []
    for part in parts:
        sounds += [part.sound, np.zeros(round(part.pause * SAMPLE_RATE), np.float32)]
    sound = np.concatenate(sounds[:-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16")
    text = " ".join(part.text for part in parts)
    return Clip(path.stem, path, len(sound) / SAMPLE_RATE, text, JOINED)


def build(speech: Speech, cache: Path) -> list[Material]:
    """Write the joined recordings below ``cache`` and return every material."""
    parts = filled(speech.parts, LONG_SECONDS + PAUSE)
    run = nearest_run([part.seconds for part in parts], MINUTE_SECONDS, MOST_OF_A_MINUTE)
    minute = write_joined(cache / "minute.wav", [parts[index] for index in run])
    return [
        Material("headline", speech.headline),
        Material("long", (write_joined(cache / "long.wav", parts),)),
        Material("minute", (minute,)),
        Material("short", (speech.short,)),
    ]


def recorded(where: Path) -> Speech:
    """Take the recordings of a corpus."""
    clips = list(corpus.read_clips(where))
    headline = tuple(clip for clip in clips if clip.group == HEADLINE)
    joinable = [clip for clip in clips if clip.group in (HEADLINE, TWO_CHANNELS, JOINED)]
    return Speech(headline, _short(where, headline), tuple(_parts(joinable)), RECORDED)


def _short(where: Path, headline: Sequence[Clip]) -> Clip:
    for facts in corpus.read_manifest(where):
        if facts["id"] == SHORT_ID:
            return corpus.clip_of(where, facts, "short")
    return min(headline, key=lambda clip: abs(clip.seconds - SHORT_SECONDS))


def _parts(clips: Sequence[Clip]) -> Iterator[Part]:
    """Decode with PyAV, mixed to one channel, which is what the peers do with these files."""
    from faster_whisper.audio import decode_audio

    for clip in clips:
        yield Part(decode_audio(str(clip.path), sampling_rate=SAMPLE_RATE), clip.reference)


def gather(cache: Path) -> Speech:
    """Return recorded speech where ``ECHOCLI_CORPUS`` names some, else speech made here."""
    where = corpus.folder()
    if where is not None:
        return recorded(where)
    from benchmarks.speech import synthetic

    return synthetic(cache)
