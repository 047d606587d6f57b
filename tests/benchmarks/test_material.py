"""Materials are as long as they say, and their texts are what is in them."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.corpus import HEADLINE, Clip
from benchmarks.growth import write_repeated
from benchmarks.material import (
    LONG_SECONDS,
    MOST_OF_A_MINUTE,
    Part,
    Speech,
    build,
    filled,
    nearest_run,
    recorded,
    write_joined,
)
from benchmarks.peers import selected
from benchmarks.speech import sentences, sphinx, transcriptions
from echocli.types import SAMPLE_RATE

pytestmark = pytest.mark.unit

LENGTHS = st.lists(st.floats(0.1, 100.0), min_size=1, max_size=12)


def part(seconds: float, text: str = "word", pause: float = 1.0) -> Part:
    return Part(np.zeros(round(seconds * SAMPLE_RATE), np.float32), text, pause)


def test_short_material_starts_over_until_it_is_long_enough() -> None:
    parts = [part(1.0, "a"), part(2.0, "b")]
    assert [one.text for one in filled(parts, 9.0)] == ["a", "b", "a", "b"]
    assert filled(parts, 0.0) == parts


def test_the_run_nearest_to_the_goal_is_taken_and_the_first_of_equals() -> None:
    assert nearest_run([40, 30, 29, 30, 29], 60, 65) == range(1, 3)
    assert nearest_run([70, 66, 3], 60, 65) == range(2, 3)


@given(LENGTHS)
def test_no_run_is_longer_than_the_most(lengths: list[float]) -> None:
    if min(lengths) > MOST_OF_A_MINUTE:
        with pytest.raises(ValueError, match="no part is shorter"):
            nearest_run(lengths, 60, MOST_OF_A_MINUTE)
        return
    run = nearest_run(lengths, 60, MOST_OF_A_MINUTE)
    assert len(run) > 0
    assert sum(lengths[index] for index in run) <= MOST_OF_A_MINUTE


def test_joined_parts_have_their_pauses_between_and_none_at_the_end(tmp_path: Path) -> None:
    clip = write_joined(tmp_path / "new" / "two.wav", [part(1, "one", 0.5), part(2, "two", 9)])
    assert (clip.id, clip.reference, clip.seconds) == ("two", "one two", 3.5)
    assert soundfile.info(clip.path).duration == 3.5


def test_every_material_is_made_of_the_speech(tmp_path: Path) -> None:
    clip = Clip("c", tmp_path / "c.wav", 11.0, "text", HEADLINE)
    parts = tuple(part(20.0, str(number)) for number in range(4))
    materials = {one.name: one for one in build(Speech((clip,), clip, parts, "test"), tmp_path)}
    assert materials["headline"].clips == materials["short"].clips == (clip,)
    assert materials["long"].seconds >= LONG_SECONDS
    assert 45 <= materials["minute"].seconds <= MOST_OF_A_MINUTE
    assert len(materials["long"].clips[0].reference.split()) == 29
    assert [one.name for one in selected(list(materials.values()), ["short"])] == ["short"]
    with pytest.raises(SystemExit, match="there is no 'sort'"):
        selected(list(materials.values()), ["sort"])


def facts_of(name: str, **change: Any) -> dict[str, Any]:
    facts = {"id": name, "file": f"{name}.wav", "seconds": 1.0, "language": "en", "note": None}
    more = {"reference": name, "reference_quality": "published", "kind": "read", "channels": 1}
    return facts | more | {"derived": False} | change


def test_the_long_recording_has_joined_and_two_channel_clips_but_no_quiet_ones(
    tmp_path: Path,
) -> None:
    clips = [
        facts_of("plain"),
        facts_of("wide", channels=2),
        facts_of("chapter", derived=True),
        facts_of("hushed", note="very quiet"),
        facts_of("german", language="de"),
        facts_of("en_jfk_wav", kind="format"),
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, clips)))
    for clip in clips:
        width = clip["channels"]
        soundfile.write(tmp_path / clip["file"], np.zeros((SAMPLE_RATE, width)), SAMPLE_RATE)
    speech = recorded(tmp_path)
    assert [clip.id for clip in speech.headline] == ["plain"]
    assert [one.text for one in speech.parts] == ["plain", "wide", "chapter"]
    assert all(len(one.sound) == SAMPLE_RATE for one in speech.parts)
    assert speech.short.id == "en_jfk_wav"


def test_sentences_are_varied_and_the_same_every_time() -> None:
    first, again = (list(islice(sentences(), 100)) for _ in range(2))
    assert first == again
    assert len(set(first)) > 90
    assert all(text[0].isupper() and text.endswith(".") for text in first)


def test_transcriptions_of_pocketsphinx_are_read(tmp_path: Path) -> None:
    lines = ["<s> ten of clubs  </s> (001)", "not one", ""]
    assert list(transcriptions(lines)) == [("ten of clubs", "001")]
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "cards.transcription").write_text("\n".join([*lines, "<s> b </s> (2)"]))
    soundfile.write(tmp_path / "cards" / "001.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    assert [(clip.id, clip.reference, clip.seconds) for clip in sphinx(tmp_path)] == [
        ("001", "ten of clubs", 1.0)
    ]


def test_a_recording_is_repeated_to_the_length_asked_for(tmp_path: Path) -> None:
    source = write_joined(tmp_path / "a.wav", [part(1.0)])
    write_repeated(source.path, tmp_path / "new" / "b.flac", 2.5)
    assert soundfile.info(tmp_path / "new" / "b.flac").duration == 2.5
