"""Speech made here, for machines without recordings: synthetic, and labelled so everywhere.

Sentences come out of a small grammar, always the same ones; the voice is the one inside the package
``hibari-tts``. Recorded utterances of Debian's ``pocketsphinx-testdata`` join the clips where that
package is installed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.corpus import HEADLINE, Clip
from benchmarks.material import (
    LONG_SECONDS,
    MOST_OF_A_MINUTE,
    SHORT_SECONDS,
    Part,
    Speech,
    nearest_run,
    write_joined,
)

SEED = 7
CLIPS = 24
PAUSES = (0.4, 1.0, 2.5)
SPHINX = Path("/usr/share/pocketsphinx/test/data")
"""Where Debian puts the recordings of pocketsphinx-testdata."""

SYNTHETIC = "synthetic speech (hibari-tts), not recorded: easier than what people say"

WHO: tuple[str, ...] = (
    "the baker",
    "our neighbour",
    "a young doctor",
    "the old captain",
    "my sister",
    "the committee",
    "every teacher",
    "the driver of the bus",
    "a tired farmer",
)
DOES: tuple[str, ...] = (
    "carried",
    "repaired",
    "described",
    "sold",
    "painted",
    "forgot",
    "measured",
    "found",
    "returned",
    "examined",
    "borrowed",
    "hid",
)
WHAT: tuple[str, ...] = (
    "a wooden box",
    "three glass bottles",
    "the broken clock",
    "an old map of the city",
    "the green bicycle",
    "a letter from the bank",
    "twelve silver spoons",
    "a warm coat",
)
WHEN: tuple[str, ...] = (
    "before breakfast",
    "on Tuesday morning",
    "after the storm",
    "in the middle of winter",
    "at the end of the month",
    "while it was raining",
    "without saying a word",
)
WHY: tuple[str, ...] = (
    "because the road was closed",
    "since nobody had asked for it",
    "although it was cheap",
    "so that the children could sleep",
    "but the door would not open",
)


def sentences() -> Iterator[str]:
    """Yield sentences without end, the same ones every time."""
    chance = random.Random(SEED)
    while True:
        who, does, what, when, why = map(chance.choice, (WHO, DOES, WHAT, WHEN, WHY))
        shapes = (
            f"{who} {does} {what} {when}.",
            f"{when}, {who} {does} {what}.",
            f"{who} {does} {what} {why}.",
            f"{when}, {who} {does} {what}, {why}.",
        )
        sentence = chance.choice(shapes)
        yield sentence[0].upper() + sentence[1:]


def spoken(least: float) -> Iterator[Part]:
    """Yield spoken sentences, with pauses of several lengths, that last ``least`` seconds."""
    from hibari import Hibari

    from tools.make_samples import to_16_khz

    voice = Hibari()
    pauses = cycle(PAUSES)
    for number, text in enumerate(sentences()):
        sound = np.asarray(voice(text, seed=SEED + number), dtype=np.float32)
        part = Part(to_16_khz(sound), text, next(pauses))
        yield part
        least -= part.seconds
        if least < 0:
            return


def synthetic(cache: Path) -> Speech:
    """Speak ten minutes and write what is needed of it below ``cache``."""
    parts = tuple(spoken(LONG_SECONDS + max(PAUSES)))
    clips = [
        write_joined(cache / "clips" / f"sentence{number:02d}.wav", [part])
        for number, part in enumerate(parts[:CLIPS])
    ]
    run = nearest_run([part.seconds for part in parts[:CLIPS]], SHORT_SECONDS, MOST_OF_A_MINUTE)
    short = write_joined(cache / "clips" / "short.wav", [parts[index] for index in run])
    people = list(sphinx(SPHINX))
    origin = SYNTHETIC
    if people:
        origin += f"; headline with {len(people)} recorded utterances of pocketsphinx-testdata"
    return Speech((*clips, *people), short, parts, origin)


def sphinx(where: Path) -> Iterator[Clip]:
    """Yield the recorded utterances below a folder laid out as ``pocketsphinx-testdata``.

    A line of a transcription is ``<s> text </s> (name)``, the sound is ``name.wav`` beside it.
    """
    import soundfile

    for listed in sorted([*where.glob("*/transcription"), *where.glob("*/*.transcription")]):
        for text, name in transcriptions(listed.read_text(encoding="utf-8").splitlines()):
            path = listed.parent / f"{name}.wav"
            if path.is_file():
                yield Clip(name, path, soundfile.info(path).duration, text, HEADLINE)


def transcriptions(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield text and name of each line; others are left out."""
    for line in lines:
        if found := re.fullmatch(r"<s>\s*(.*?)\s*</s>\s*\((\S+)\)", line.strip()):
            yield found[1], found[2]
