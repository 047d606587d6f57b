"""Which device a name means, and what a sound server lists."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from echocli.audio import devices, portaudio
from echocli.audio.devices import AudioDevice, find, kind_of, labels, parse_sources
from echocli.errors import InputError

pytestmark = pytest.mark.unit


def device(index: int, name: str, *, default: bool = False, api: str = "ALSA") -> AudioDevice:
    return AudioDevice(index, name, 2, 48_000, default, kind_of(name), api)


DESK = (
    device(0, "Webcam", default=True),
    device(2, "USB Microphone"),
    device(5, "USB Headset"),
    device(6, "pulse"),
    device(7, "pulse:usb.analog", api="PulseAudio"),
)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Sequence[AudioDevice]:
    """A desk with several devices; no machine of a test run has them."""
    monkeypatch.setattr(devices, "list_inputs", lambda: list(DESK))
    return DESK


@pytest.mark.usefixtures("desk")
class TestFinding:
    @pytest.mark.parametrize(
        ("wanted", "index"),
        [
            (None, 0),
            (5, 5),
            ("5", 5),
            (" 2 ", 2),
            ("usb microphone", 2),
            ("headset", 5),
            ("PULSE", 6),
            ("pulse:usb", 7),
        ],
    )
    def test_by_index_name_or_part(self, wanted: str | int | None, index: int) -> None:
        assert find(wanted).index == index

    def test_an_ambiguous_part_lists_the_candidates(self) -> None:
        with pytest.raises(InputError, match="'usb' may be any of 3") as caught:
            find("usb")
        assert caught.value.hint == (
            "choose one by its number: 2 USB Microphone, 5 USB Headset, 7 pulse:usb.analog"
        )

    def test_a_misspelt_name_lists_near_ones(self) -> None:
        with pytest.raises(InputError, match="no input device 'Webcma'") as caught:
            find("Webcma")
        assert caught.value.hint == "did you mean: 0 Webcam"

    @pytest.mark.parametrize("wanted", ["1", "99", "", "zzzz"])
    def test_what_is_not_there_lists_all(self, wanted: str) -> None:
        with pytest.raises(InputError, match="no input device") as caught:
            find(wanted)
        assert str(caught.value.hint).startswith("there are: 0 Webcam, 2 USB")


def test_one_name_under_two_interfaces_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = [device(1, "Line In", api="MME"), device(4, "Line In", api="Windows WASAPI")]
    monkeypatch.setattr(devices, "list_inputs", lambda: twice)
    assert find("line").index == 1


def test_two_alike_under_one_interface_need_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_inputs", lambda: [device(1, "Mic"), device(2, "Mic")])
    with pytest.raises(InputError, match="any of 2"):
        find("Mic")
    assert find("2").index == 2


def test_no_device_and_no_default_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_inputs", lambda: [device(1, "Mic")])
    with pytest.raises(InputError, match="system's default"):
        find()
    monkeypatch.setattr(devices, "list_inputs", list)
    with pytest.raises(InputError, match="there is no audio input device"):
        find()


def test_the_list_of_pactl_is_read() -> None:
    text = (
        "0\tsink.monitor\tmodule-null-sink.c\ts16le 2ch 48000Hz\tIDLE\n"
        "7\talsa_input.usb\tPipeWire\tfloat32le 1ch 16000Hz\tSUSPENDED\n"
        "broken line\n\n9\tx\ty\tunknown\tIDLE\n"
    )
    monitor, microphone = parse_sources(text, 4)
    assert monitor == AudioDevice(4, "pulse:sink.monitor", 2, 48_000, False, "system", "PulseAudio")
    assert (microphone.index, microphone.kind, microphone.rate) == (5, "mic", 16_000)
    assert microphone.source == "alsa_input.usb"


@pytest.mark.parametrize(
    "name", ["Stereo Mix (Realtek)", "BlackHole 2ch", "Loopback: PCM (hw:1,0)", "Monitor of X"]
)
def test_loopbacks_are_known_by_name(name: str) -> None:
    assert kind_of(name) == "system"
    assert kind_of("MacBook Pro Microphone") == "mic"


def test_devices_used_together_have_labels_of_their_own() -> None:
    together = [device(0, "A"), device(1, "Loopback"), device(2, "B")]
    assert labels(together) == ["mic", "system", "mic-2"]


def test_a_device_that_only_passes_sound_on_is_opened_with_two_channels() -> None:
    assert AudioDevice(0, "default", 32, 44_100, True, "mic", "ALSA").usual_channels == 2
    assert AudioDevice(0, "array", 6, 48_000, True, "mic", "ALSA").usual_channels == 6


def test_this_machine_can_be_asked() -> None:
    try:
        portaudio.library()
    except InputError as error:
        pytest.skip(str(error))
    assert all(found.channels > 0 for found in devices.list_inputs())
