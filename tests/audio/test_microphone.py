"""A microphone of a real sound server: what it hears, and what it does when the device goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.pulse import Listener, Pulse, find_tones

pytestmark = [pytest.mark.audio_device, pytest.mark.slow]

Listen = Callable[..., Listener]


@pytest.fixture
def listen(pulse: Pulse) -> Iterator[Listen]:
    """Return ``listen(*devices) -> Listener``, which hears already."""
    started: list[Listener] = []

    def start(*devices: str) -> Listener:
        listener = Listener(pulse.env, *devices)
        started.append(listener)
        for name in devices if len(devices) > 1 else ("mic",):
            listener.wait_for(item="Captured", name=name)
        return listener

    yield start
    for listener in started:
        listener.kill()


def test_a_tone_is_heard_whole_and_once(pulse: Pulse, listen: Listen) -> None:
    listener = listen()
    pulse.play(pulse.tone(440, 1.5), "first")
    assert listener.stop() == ""
    (tone,) = find_tones(listener.sound())
    assert tone.end - tone.start == pytest.approx(1.5, abs=0.1)
    assert tone.frequency == pytest.approx(440, abs=2)
    assert listener.of("Missing") == []
    assert listener.of("Notice") == []
    assert listener.items[-1] == {"name": "mic", "item": "Over", "error": None}
    assert max(listener.slips()) < 0.2


def test_two_sources_are_captured_at_once(pulse: Pulse, listen: Listen) -> None:
    pulse.add_sink("second", rate=44_100, channels=1)
    first, second = names = ("pulse:first.monitor", "pulse:second.monitor")
    listener = listen(*names)
    playing = [
        pulse.start_playing(pulse.tone(300, 1), "first"),
        pulse.start_playing(pulse.tone(1000, 1), "second"),
    ]
    assert [process.wait(30) for process in playing] == [0, 0]
    listener.stop()
    (low,), (high,) = find_tones(listener.sound(first)), find_tones(listener.sound(second))
    assert low.frequency == pytest.approx(300, abs=2)
    assert high.frequency == pytest.approx(1000, abs=2)


def test_a_lost_device_comes_back_with_true_positions(pulse: Pulse, listen: Listen) -> None:
    listener = listen()
    before = pulse.play(pulse.tone(440, 1), "first")
    pulse.remove_sink("first")
    listener.wait_for(item="Notice", code="device_lost")
    pulse.add_sink("first")
    listener.wait_for(item="Notice", code="device_back")
    after = pulse.play(pulse.tone(880, 1), "first")
    assert listener.stop() == ""
    assert [it["code"] for it in listener.of("Notice")] == ["device_lost", "device_back"]
    (missing,) = listener.of("Missing")
    at = listener.items.index(missing)
    around = listener.items[at - 1]["time"], listener.items[at + 1]["time"]
    assert missing["reason"] == "device lost"
    assert missing["samples"] / 16_000 == pytest.approx(around[1] - around[0], abs=0.3)
    tones = find_tones(listener.sound())
    assert [round(tone.frequency, -1) for tone in tones] == [440, 880]
    assert tones[1].start - tones[0].start == pytest.approx(after - before, abs=0.3)
    assert max(listener.slips()) < 0.3


def test_a_stream_that_is_moved_goes_on_with_true_positions(pulse: Pulse, listen: Listen) -> None:
    pulse.add_sink("second")
    listener = listen()
    before = pulse.play(pulse.tone(440, 1), "first")
    pulse.remove_sink("first")
    while listener.slips()[-1] < 0.3 and not listener.of("Missing"):
        listener.wait_for(item="Captured")
    after = pulse.play(pulse.tone(880, 1), "second")
    listener.stop()
    assert len(listener.of("Missing")) == 1
    tones = find_tones(listener.sound())
    assert [round(tone.frequency, -1) for tone in tones] == [440, 880]
    assert tones[1].start - tones[0].start == pytest.approx(after - before, abs=0.3)
    assert listener.slips()[-1] < 0.3


def test_a_device_that_stays_away_is_missing_up_to_the_stop(pulse: Pulse, listen: Listen) -> None:
    listener = listen()
    pulse.remove_sink("first")
    lost = listener.wait_for(item="Notice", code="device_lost")
    assert listener.stop() == ""
    rest = listener.items[listener.items.index(lost) + 1 :]
    assert [item["item"] for item in rest[-2:]] == ["Missing", "Over"]
    assert rest[-2]["samples"] > 0
    assert len(listener.of("Missing")) == 1


def test_a_device_that_cannot_be_opened_is_an_error_of_the_start(pulse: Pulse) -> None:
    pulse.remove_sink("first")
    assert "InputError: cannot open the input device 'default'" in refusal(pulse)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("defualt", "InputError: there is no input device 'defualt'"),
        ("pulse:gone", "InputError: there is no input device 'pulse:gone'"),
    ],
)
def test_an_unknown_device_is_an_error_of_the_start(
    pulse: Pulse, device: str, message: str
) -> None:
    assert message in refusal(pulse, device)


def refusal(pulse: Pulse, *devices: str) -> str:
    """Return what a process that cannot capture says last."""
    listener = Listener(pulse.env, *devices)
    said = listener.stop()
    listener.kill()
    assert listener.items == []
    return said
