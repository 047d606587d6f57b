"""``echocli devices`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from echocli.audio.devices import AudioDevice
from echocli.cli.devices import table
from tests.conftest import RunEchocli
from tests.pulse import Pulse

FIELDS = ["index", "name", "channels", "rate", "kind", "default", "interface"]


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run a process of its own: PortAudio looks at the devices once in a process."""
    return run_program


@pytest.mark.audio_device
def test_a_sound_server_is_listed_with_its_sources(run_echocli: RunEchocli, pulse: Pulse) -> None:
    done = run_echocli("devices", "--json", env=pulse.env)
    assert (done.code, done.stderr) == (0, "")
    found = {device["name"]: device for device in json.loads(done.stdout)["devices"]}
    assert found["default"]["default"]
    monitor = found["pulse:first.monitor"]
    assert list(monitor) == FIELDS
    assert (monitor["kind"], monitor["channels"], monitor["rate"]) == ("system", 2, 48_000)
    shown = run_echocli("devices", env=pulse.env)
    assert (shown.code, shown.stderr) == (0, "")
    assert "pulse:first.monitor" in shown.stdout


@pytest.mark.audio_device
def test_without_a_device_a_person_gets_an_error_and_a_script_an_empty_list(
    run_echocli: RunEchocli, pulse: Pulse
) -> None:
    nowhere = pulse.env | {"PULSE_SERVER": "unix:/nonexistent"}
    done = run_echocli("devices", "--json", env=nowhere)
    if json.loads(done.stdout)["devices"]:
        pytest.skip("this machine has a microphone of its own")
    assert (done.code, done.stderr) == (0, "")
    done = run_echocli("devices", env=nowhere)
    assert (done.code, done.stdout) == (3, "")
    assert "there is no audio input device" in done.stderr


@pytest.mark.unit
@pytest.mark.parametrize("args", [(), ("--json",)])
def test_without_portaudio_there_is_one_line_and_how_to_install_it(
    run_echocli: RunEchocli, tmp_path: Path, args: tuple[str, ...]
) -> None:
    # What the real module does where it finds no library.
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    root = Path(__file__).parents[2]
    done = run_echocli("devices", *args, env={"PYTHONPATH": f"{tmp_path}:{root}"})
    assert (done.code, done.stdout) == (3, "")
    message, hint = done.stderr.splitlines()
    assert message == "echocli: error: microphones need PortAudio: PortAudio library not found"
    assert "install" in hint


@pytest.mark.unit
def test_the_table_is_aligned_and_shows_no_control_characters() -> None:
    shown = table(
        [
            AudioDevice(0, "Mikrofon \x1b[31m", 2, 44_100, True, "mic", "ALSA"),
            AudioDevice(10, "麦克风", 1, 8_000, False, "mic", "ALSA"),
        ]
    )
    assert shown.splitlines() == [
        "index  name                 channels   rate  kind  interface",
        "    0  Mikrofon \\u001b[31m         2  44100  mic   ALSA       default",
        "   10  麦克风                      1   8000  mic   ALSA",
    ]
