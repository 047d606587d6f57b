"""What is played to the live mode: recordings whose utterances have known edges, with pauses.

``odd``, ``even``
    the headline clips, every second one, joined with silences of 0.7 to 1.5 s; live mode was
    tuned on ``odd`` and ``chapter``
``chapter``
    32 consecutive sentences of a book with their published cuts, a third of a second between
``spoken``
    synthetic sentences (hibari-tts), joined like the clips

Edges are those of the sound inside each cut (see :func:`benchmarks.timestamps.trimmed`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks import corpus
from benchmarks.corpus import HEADLINE
from benchmarks.material import Part, Sound
from benchmarks.timestamps import Utterance, trimmed
from echocli.types import SAMPLE_RATE

PAUSES = (0.7, 1.0, 1.5)
"""Seconds of silence behind utterances, in turn."""
SPOKEN_SECONDS = 120.0
CHAPTER = "en_lj001_chapter"
AFTER = 1.5
"""Seconds of silence behind the last utterance, more than any hangover."""


@dataclass(frozen=True, slots=True)
class Take:
    """A recording that is played once; ``utterances`` have their true edges in seconds."""

    name: str
    path: Path
    seconds: float
    utterances: tuple[Utterance, ...]

    @property
    def reference(self) -> str:
        """Everything that is said."""
        return " ".join(one.text for one in self.utterances)


def takes(cache: Path, limit: float | None) -> list[Take]:
    """Write the recordings below ``cache``; with a limit they last so many seconds together."""
    made = makers()
    each = None if limit is None else limit / len(made)
    return [
        write(cache / f"live-{name}.wav", name, fitting(parts, each))
        for name, parts in made.items()
    ]


def makers(spoken_seconds: float = SPOKEN_SECONDS) -> dict[str, Iterator[Part]]:
    """Return the parts of every recording there can be here, by its name; made when iterated."""
    where = corpus.folder()
    spoken = {"spoken": _spoken(spoken_seconds)}
    if where is None:
        return spoken
    clips = [clip for clip in corpus.read_clips(where) if clip.group == HEADLINE]
    return {
        "odd": _clips(clips[::2]),
        "even": _clips(clips[1::2]),
        "chapter": _chapter(where),
        **spoken,
    }


def longest(cache: Path, seconds: float) -> Take:
    """Write the chapter, or without recordings so many seconds of synthetic speech."""
    made = makers(seconds)
    name = "chapter" if "chapter" in made else "spoken"
    return write(cache / f"long-{name}.wav", name, list(made[name]))


def fitting(parts: Iterator[Part], most: float | None) -> list[Part]:
    """Return the parts that fit into so many seconds together, at least one of them."""
    taken: list[Part] = []
    left = float("inf") if most is None else most
    for part in parts:
        if not taken or part.seconds <= left:
            taken.append(part)
            left -= part.seconds
    return taken


def write(path: Path, name: str, parts: Sequence[Part]) -> Take:
    """Join the parts with their pauses, and find where the sound of each begins and ends."""
    import soundfile

    sounds: list[Sound] = []
    said = []
    at = 0
    for part in parts:
        whole = Utterance(0.0, len(part.sound) / SAMPLE_RATE, part.text)
        edges, start = trimmed(whole, part.sound), at / SAMPLE_RATE
        said.append(Utterance(start + edges.start, start + edges.end, part.text))
        sounds += [part.sound, np.zeros(round(part.pause * SAMPLE_RATE), np.float32)]
        at += len(sounds[-2]) + len(sounds[-1])
    sound = np.concatenate([*sounds, np.zeros(round(AFTER * SAMPLE_RATE), np.float32)])
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16")
    return Take(name, path, len(sound) / SAMPLE_RATE, tuple(said))


def _clips(clips: Sequence[corpus.Clip]) -> Iterator[Part]:
    pauses = cycle(PAUSES)
    for clip in clips:
        yield Part(_decoded(clip.path), clip.reference, next(pauses))


def _chapter(where: Path) -> Iterator[Part]:
    """Yield the sentences with the sound between them, so that joined they are the recording."""
    for line in (where / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        facts = json.loads(line)
        if facts["id"] == CHAPTER:
            yield from _cut(_decoded(where / facts["file"]), facts["segments"])


def _cut(sound: Sound, segments: Sequence[dict[str, object]]) -> Iterator[Part]:
    starts = [float(str(one["start"])) for one in segments]
    ends = [float(str(one["end"])) for one in segments]
    behind = [*starts[1:], ends[-1]]
    for start, end, following, one in zip(starts, ends, behind, segments, strict=True):
        piece = sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        yield Part(piece, str(one["text"]), following - end)


def _spoken(seconds: float) -> Iterator[Part]:
    from benchmarks.speech import spoken

    pauses = cycle(PAUSES)
    for part in spoken(seconds):
        yield Part(part.sound, part.text, next(pauses))


def _decoded(path: Path) -> Sound:
    from faster_whisper.audio import decode_audio

    found: Sound = decode_audio(str(path), sampling_rate=SAMPLE_RATE)
    return found
