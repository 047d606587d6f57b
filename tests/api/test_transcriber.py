"""Files, streams and arrays through the Python API, with a real model."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

import echocli
from echocli import Transcriber, Transcript, render, save, transcribe
from echocli.api.collected import Collected
from echocli.api.transcriber import Result
from echocli.errors import InputError, ModelError, OutputError, UsageError
from echocli.events import End, Failover, Final, Level, Ready
from tests.conftest import ROOT

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("tiny_model")]


@pytest.fixture(scope="module")
def kept(tiny_model: Path) -> Iterator[Transcriber]:
    """A transcriber whose model stays loaded."""
    with Transcriber(model="tiny.en", word_timestamps=True) as transcriber:
        yield transcriber


def words(text: str) -> list[str]:
    return [word.strip(".,").lower() for word in text.split()]


@pytest.fixture
def reference(samples: Path) -> list[str]:
    return words((samples / "meeting.ref.txt").read_text(encoding="utf-8"))


def test_one_call_gives_the_words(samples: Path, reference: list[str]) -> None:
    found = transcribe(samples / "meeting.flac", model="tiny.en")
    assert isinstance(found, Transcript)
    assert words(found.text) == reference
    assert (found.model, found.language, found.stats["lost_seconds"]) == ("tiny.en", "en", 0)


def test_a_kept_model_takes_paths_streams_and_arrays_alike(
    kept: Transcriber, samples: Path, reference: list[str]
) -> None:
    path = samples / "meeting.flac"
    array, rate = soundfile.read(path, dtype="float32")
    with path.open("rb") as stream:
        texts = [
            kept.transcribe(path).text,
            kept.transcribe(str(path)).text,
            kept.transcribe(stream).text,
            kept.transcribe(array, rate=rate).text,
        ]
    assert [words(text) for text in texts] == [reference] * 4


def test_the_same_worker_serves_again(kept: Transcriber, samples: Path) -> None:
    before = kept.start().setup
    kept.transcribe(samples / "meeting.flac", clip=["0-4"])
    assert kept.setup is before


def test_words_have_times(kept: Transcriber, samples: Path) -> None:
    found = kept.transcribe(samples / "meeting.flac")
    for segment in found.segments:
        assert segment.words
        starts = [word.start for word in segment.words]
        assert starts == sorted(starts)


def test_parts_are_texts_or_times(kept: Transcriber, samples: Path) -> None:
    path = samples / "meeting.flac"
    named, timed = (kept.transcribe(path, clip=[one]).text for one in ("0-4", (0, 4)))
    assert named == timed
    assert "Good morning" in named
    assert "lunch" not in named


def test_events_come_as_the_stream_of_the_command(kept: Transcriber, samples: Path) -> None:
    events = list(kept.stream(samples / "meeting.flac"))
    kinds = [type(event) for event in events]
    assert kinds.count(Ready) == kinds.count(End) == 1
    assert kinds.count(Final) >= 5
    assert isinstance(events[-1], End)


def test_a_stream_that_is_left_early_leaves_the_model_usable(
    kept: Transcriber, samples: Path, reference: list[str]
) -> None:
    for event in kept.stream(samples / "pauses.flac"):
        if isinstance(event, Final):
            break
    assert words(kept.transcribe(samples / "meeting.flac").text) == reference


def test_of_several_a_failure_does_not_stop_the_others(
    kept: Transcriber, samples: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound at all")
    sounds = [samples / "meeting.flac", broken, tmp_path / "missing.wav", samples / "pauses.flac"]
    found: list[Result] = list(kept.transcribe_all(sounds))
    assert [one.sound for one in found] == sounds
    assert [one.transcript is not None for one in found] == [True, False, False, True]
    assert all(isinstance(one.error, InputError) for one in found[1:3])


def test_of_several_one_that_is_no_sound_fails_alone(kept: Transcriber, samples: Path) -> None:
    sounds: Any = [None, samples / "meeting.flac", 5]
    found = list(kept.transcribe_all(sounds))
    assert [one.sound for one in found] == sounds
    assert [isinstance(one.error, UsageError) for one in found] == [True, False, True]


def test_levels_and_failovers_are_told_too(
    kept: Transcriber, caplog: pytest.LogCaptureFixture
) -> None:
    level = Level("NORMAL", "WARNING", "RTF 1.50", 1.5, 0.0, ("greedy",), 1.0)
    with caplog.at_level(logging.WARNING, logger="echocli"):
        for event in (level, Failover("a:b", "c:d", "it died", 0.0)):
            kept._take(event, Collected())
    assert "level NORMAL → WARNING" in caplog.text
    assert "c:d goes on" in caplog.text


@pytest.mark.parametrize("jobs", [1, 2])
def test_how_many_are_worked_on_at_once_does_not_change_the_text(
    kept: Transcriber, samples: Path, jobs: int
) -> None:
    sounds = [samples / "meeting.flac", samples / "pauses.flac", samples / "meeting.flac"]
    alone = [kept.transcribe(sound).text for sound in sounds]
    together = [one.transcript for one in kept.transcribe_all(iter(sounds), jobs=jobs)]
    assert [one.text if one else None for one in together] == alone


def test_leaving_the_loop_over_several_closes_what_was_begun(
    kept: Transcriber, samples: Path
) -> None:
    results = kept.transcribe_all([samples / "meeting.flac"] * 3)
    assert next(results).transcript is not None
    results.close()  # type: ignore[attr-defined]
    assert kept.transcribe(samples / "meeting.flac", clip=["0-4"]).text


def test_a_closed_transcriber_gives_its_process_back_and_starts_again(samples: Path) -> None:
    transcriber = Transcriber(model="tiny.en")
    first = transcriber.transcribe(samples / "meeting.flac", clip=["0-4"]).text
    transcriber.close()
    transcriber.close()
    assert transcriber.transcribe(samples / "meeting.flac", clip=["0-4"]).text == first
    transcriber.close()


def test_errors_are_those_of_the_program(samples: Path) -> None:
    with pytest.raises(ModelError, match="no-such-model"):
        transcribe(samples / "meeting.flac", model="no-such-model", offline=True)
    with pytest.raises(UsageError, match="English only"):
        transcribe(samples / "meeting.flac", model="tiny.en", language="de")
    with pytest.raises(InputError, match="missing"):
        transcribe(samples / "missing.flac", model="tiny.en")


def test_notices_go_to_the_log(samples: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("echocli")
    with caplog.at_level(logging.WARNING, logger=logger.name):
        transcribe(samples / "meeting.flac", clip=["0-4"], max_memory_mb=1_000_000)
    assert all("Good morning" not in record.getMessage() for record in caplog.records)


class TestSaving:
    def test_a_transcript_is_text_in_every_format(self, kept: Transcriber, samples: Path) -> None:
        found = kept.transcribe(samples / "meeting.flac")
        assert words(render(found)) == words(found.text)
        assert " --> " in render(found, "srt")
        assert render(found, "vtt", max_line_width=20).startswith("WEBVTT")
        with pytest.raises(UsageError, match="pdf"):
            render(found, "pdf")

    def test_a_file_has_the_format_of_its_name(
        self, kept: Transcriber, samples: Path, tmp_path: Path
    ) -> None:
        found = kept.transcribe(samples / "meeting.flac")
        save(found, tmp_path / "talk.srt")
        assert (tmp_path / "talk.srt").read_text(encoding="utf-8") == render(found, "srt")
        save(found, tmp_path / "talk", output_format="vtt")
        assert (tmp_path / "talk").read_text(encoding="utf-8") == render(found, "vtt")
        with pytest.raises(UsageError):
            save(found, tmp_path / "talk.doc")
        with pytest.raises(UsageError, match="one format"):
            save(found, tmp_path / "talk", output_format="all")
        with pytest.raises(OutputError) as caught:
            save(found, tmp_path / "talk" / "x.txt")
        assert "--" not in (caught.value.hint or "--")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["talk", "talk.srt"]


class TestImports:
    def test_names_are_imported_when_they_are_asked_for(self) -> None:
        code = (
            "import sys, echocli; print([m for m in ('numpy', 'av', 'echocli.api') "
            "if m in sys.modules]); from echocli import Transcript; "
            "print('numpy' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.split("\n")[:2] == ["[]", "False"]

    @pytest.mark.parametrize("name", echocli.__all__)
    def test_every_public_name_is_there(self, name: str) -> None:
        assert getattr(echocli, name) is not None
        assert name in dir(echocli)

    def test_another_name_is_an_error(self) -> None:
        with pytest.raises(AttributeError, match="transcribes"):
            _ = echocli.transcribes
