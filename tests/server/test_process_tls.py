"""The real server with a certificate, and its client that knows who signed it, or does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.conftest import RunEchocli
from tests.server.process import ServerProcess

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

CERTIFICATE = Path(__file__).parent / "tls" / "certificate.pem"
TOKEN = "of-these-tests"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    key = CERTIFICATE.with_name("key.pem")
    made = ServerProcess(
        tmp_path_factory.mktemp("home"),
        *("-m", "tiny.en", "--ssl-certfile", CERTIFICATE, "--ssl-keyfile", key),
        env={"ECHOCLI_TOKEN": TOKEN},
    )
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def short_sample(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first sentence of a sample."""
    path: Path = tmp_path_factory.mktemp("sound") / "short.wav"
    sound, rate = soundfile.read(samples / "meeting.flac", dtype="int16", frames=4 * 16000)
    soundfile.write(path, sound, rate)
    return path


@pytest.mark.parametrize("command", [("transcribe",), ("live", "-f", "txt", "--file")])
def test_files_and_live_sound_are_sent_encrypted(
    run_echocli: RunEchocli, server: ServerProcess, short_sample: Path, command: tuple[str, ...]
) -> None:
    url = f"https://localhost:{server.port}"
    trusting = ("--remote", url, "--ca-file", CERTIFICATE)
    done = run_echocli(*command, short_sample, *trusting, env={"ECHOCLI_TOKEN": TOKEN})
    assert done.code == 0, done.stderr
    assert "thank you for joining" in done.stdout


@pytest.mark.parametrize("command", [("transcribe",), ("live", "--file")])
def test_a_certificate_nobody_knows_is_refused_at_once_with_the_next_step(
    run_echocli: RunEchocli, server: ServerProcess, short_sample: Path, command: tuple[str, ...]
) -> None:
    url = f"wss://localhost:{server.port}"
    done = run_echocli(*command, short_sample, "--remote", url, env={"ECHOCLI_TOKEN": TOKEN})
    assert (done.code, done.stdout) == (1, "")
    assert "self-signed certificate" in done.stderr
    assert "--ca-file" in done.stderr
    assert "trying again" not in done.stderr


@pytest.mark.parametrize("command", [("transcribe",), ("live", "--file")])
def test_whoever_asks_without_encryption_is_told_where_there_is_some(
    run_echocli: RunEchocli, server: ServerProcess, short_sample: Path, command: tuple[str, ...]
) -> None:
    url = f"ws://localhost:{server.port}"
    done = run_echocli(*command, short_sample, "--remote", url)
    assert done.code == 1
    assert "wss://" in done.stderr
    assert "trying again" not in done.stderr


def test_a_token_is_needed_behind_a_certificate_too(
    run_echocli: RunEchocli, server: ServerProcess, short_sample: Path
) -> None:
    url = f"https://localhost:{server.port}"
    trusting = ("--remote", url, "--ca-file", CERTIFICATE)
    done = run_echocli("transcribe", short_sample, *trusting)
    assert done.code == 1
    assert "ECHOCLI_TOKEN" in done.stderr
    assert json.dumps(TOKEN) not in done.stderr
