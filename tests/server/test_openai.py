"""The unmodified ``openai`` client against the real server: its acceptance test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.conftest import RunEchocli
from tests.server.process import ServerProcess

pytestmark = [pytest.mark.model, pytest.mark.network]

TOKEN = "s3cret-of-the-test"

of_an_old_endpoint = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
"""The client warns of translations."""


@pytest.fixture(scope="module")
def server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(
        tmp_path_factory.mktemp("openai"),
        *("-m", "tiny.en", "--max-upload-mb", "1", "--max-audio-seconds", "60"),
        env={"ECHOCLI_TOKEN": TOKEN},
    )
    process.start()
    yield process
    process.close()


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def meeting(samples: Path) -> Path:
    return samples / "meeting.flac"


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@pytest.fixture(scope="module")
def reference(samples: Path) -> list[str]:
    return words((samples / "meeting.ref.txt").read_text(encoding="utf-8"))


def test_json_is_the_text(client: openai.OpenAI, meeting: Path, reference: list[str]) -> None:
    # The first request comes while the model still loads, and waits for it.
    found = client.audio.transcriptions.create(model="whisper-1", file=meeting)
    assert words(found.text) == reference
    assert found.usage is not None
    assert found.usage.type == "duration"
    assert found.usage.seconds == pytest.approx(21.1, abs=0.1)


def test_text_is_one_line(client: openai.OpenAI, meeting: Path, reference: list[str]) -> None:
    found = client.audio.transcriptions.create(
        model="tiny.en", file=meeting, response_format="text"
    )
    assert words(found) == reference
    assert found.count("\n") == 1


def test_subtitles_are_those_of_the_command_line(
    client: openai.OpenAI, meeting: Path, run_echocli: RunEchocli, tmp_path: Path
) -> None:
    run_echocli("transcribe", "-m", "tiny.en", meeting, "-f", "srt,vtt", "-o", tmp_path)
    srt = client.audio.transcriptions.create(model="whisper-1", file=meeting, response_format="srt")
    assert srt == (tmp_path / "meeting.srt").read_text()
    vtt = client.audio.transcriptions.create(model="whisper-1", file=meeting, response_format="vtt")
    assert vtt == (tmp_path / "meeting.vtt").read_text()


def test_verbose_json_has_segments_and_words_as_asked(
    client: openai.OpenAI, meeting: Path, reference: list[str]
) -> None:
    found = client.audio.transcriptions.create(
        model="whisper-1",
        file=meeting,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
        temperature=0,
        prompt="A meeting.",
    )
    assert (found.language, round(found.duration)) == ("english", 21)
    assert found.segments is not None
    assert found.words is not None
    assert [one.id for one in found.segments] == list(range(len(found.segments)))
    times = [time for one in found.segments for time in (one.start, one.end)]
    assert times == sorted(times)
    assert words(" ".join(one.text for one in found.segments)) == reference
    assert words(" ".join(one.word for one in found.words)) == reference
    assert all(0 <= one.start <= one.end <= found.duration for one in found.words)


def test_words_alone_come_without_segments(client: openai.OpenAI, meeting: Path) -> None:
    found = client.audio.transcriptions.create(
        model="whisper-1",
        file=meeting,
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert found.segments is None
    assert found.words


def test_a_stream_gives_the_text_piece_by_piece(
    client: openai.OpenAI, meeting: Path, reference: list[str]
) -> None:
    events = list(client.audio.transcriptions.create(model="whisper-1", file=meeting, stream=True))
    deltas = [one for one in events if one.type == "transcript.text.delta"]
    done = events[-1]
    assert len(deltas) == len(events) - 1 > 3
    assert done.type == "transcript.text.done"
    assert done.text == "".join(one.delta for one in deltas)
    assert words(done.text) == reference
    starts = [(one.model_extra or {})["segment"]["start"] for one in deltas]
    assert starts == sorted(starts)


def test_bytes_and_a_file_object_are_files_too(client: openai.OpenAI, meeting: Path) -> None:
    data = meeting.read_bytes()
    for file in (data, ("a.flac", data, "audio/flac")):
        assert client.audio.transcriptions.create(model="whisper-1", file=file).text


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == ["tiny.en", "whisper-1"]
    assert client.models.retrieve("tiny.en").owned_by == "echocli"
    assert client.get("/models/", cast_to=object) == client.get("/models", cast_to=object)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


def test_a_wrong_token_is_an_authentication_error(server: ServerProcess, meeting: Path) -> None:
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError, match="token") as caught,
    ):
        client.audio.transcriptions.create(model="whisper-1", file=meeting)
    assert caught.value.code == "invalid_api_key"


def test_an_unknown_model_is_not_found(client: openai.OpenAI, meeting: Path) -> None:
    with pytest.raises(openai.NotFoundError, match=r"tiny\.en") as caught:
        client.audio.transcriptions.create(model="whisper-9", file=meeting)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize("data", [b"", b"not a sound", b"RIFF\0\0\0\0WAVEfmt ", bytes(5000)])
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_no_sound_is_a_bad_request(
    client: openai.OpenAI, data: bytes, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError, match=r"talk\.wav") as caught:
        client.audio.transcriptions.create(
            model="whisper-1", file=("talk.wav", data), stream=stream
        )
    assert (caught.value.code, caught.value.param) == ("invalid_audio", "file")


def test_a_playlist_opens_no_other_file(
    client: openai.OpenAI, meeting: Path, tmp_path: Path
) -> None:
    playlist = f"ffconcat version 1.0\nfile {os.path.relpath(meeting)}\n".encode()
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(model="whisper-1", file=("a.ffconcat", playlist))


@of_an_old_endpoint
def test_an_english_model_refuses_other_languages_and_translation(
    client: openai.OpenAI, meeting: Path
) -> None:
    with pytest.raises(openai.BadRequestError, match="English only"):
        client.audio.transcriptions.create(model="whisper-1", file=meeting, language="de")
    with pytest.raises(openai.BadRequestError, match="cannot translate"):
        client.audio.translations.create(model="whisper-1", file=meeting)


def test_a_file_that_is_too_large_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="larger than 1 MB") as caught:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", bytes(3 * 2**20)))
    assert caught.value.status_code == 413


def test_one_that_is_too_long_is_refused(client: openai.OpenAI, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros(61 * 8000, np.int16), 8000)
    with pytest.raises(openai.BadRequestError, match="longer than 60 s"):
        client.audio.transcriptions.create(model="whisper-1", file=path)


def test_silence_is_no_text_and_no_error(client: openai.OpenAI, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(16_000, np.int16), 16_000)
    assert client.audio.transcriptions.create(model="whisper-1", file=path).text == ""
    events = list(client.audio.transcriptions.create(model="whisper-1", file=path, stream=True))
    assert [one.type for one in events] == ["transcript.text.done"]


@of_an_old_endpoint
def test_a_multilingual_model_translates(meeting: Path, tmp_path: Path) -> None:
    folder = os.environ.get("ECHOCLI_TEST_MODELS")
    if not folder or not (Path(folder) / "base").is_dir():
        pytest.skip("ECHOCLI_TEST_MODELS names no folder with the base model")
    server = ServerProcess(tmp_path, "--model-dir", folder, "-m", "base")
    server.start()
    try:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
            found = client.audio.translations.create(
                model="base", file=meeting, response_format="verbose_json"
            )
            assert found.language == "english"
            assert "meeting" in found.text
            heard = client.audio.transcriptions.create(
                model="base", file=meeting, response_format="verbose_json"
            )
            assert heard.language == "english"
    finally:
        server.close()
