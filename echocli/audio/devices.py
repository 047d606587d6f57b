"""Which microphones and loopbacks there are, and which one a name means.

PortAudio lists what the system's sound API lists. On Linux that is ALSA, which shows a whole sound
server as one device; its sources are asked of ``pactl`` and listed as ``pulse:SOURCE``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from echocli.audio import portaudio
from echocli.errors import InputError

PULSE = "pulse"
"""PortAudio's name of ALSA's PulseAudio plug-in; ``default`` may lead elsewhere."""
PREFIX = "pulse:"
PACTL_SECS = 2.0
MANY = 8
"""Channels beyond which a device only passes on what it is asked for: two are taken."""

MIC = "mic"
SYSTEM = "system"
_LOOPBACKS = ("loopback", "stereo mix", "blackhole", "monitor")


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """One input: ``kind`` is ``mic``, or ``system`` where it carries what the computer plays.

    ``index`` is the position in this list of devices, PortAudio's own first; ``channels`` are those
    it offers, ``rate`` its default in Hz, ``api`` the system's sound interface.
    """

    index: int
    name: str
    channels: int
    rate: int
    is_default: bool
    kind: str
    api: str

    @property
    def source(self) -> str | None:
        """The sound server's name for it, where PortAudio has none."""
        return self.name.removeprefix(PREFIX) if self.name.startswith(PREFIX) else None

    @property
    def usual_channels(self) -> int:
        """How many channels to open."""
        return self.channels if self.channels <= MANY else 2


def list_inputs() -> list[AudioDevice]:
    """Return every input; raise ``InputError`` where PortAudio is missing."""
    every, apis, default = portaudio.inventory()
    found = [_device(one, apis, default) for one in every if one["max_input_channels"] > 0]
    if any(device.name == PULSE for device in found):
        found += _sources(len(every))
    return found


def find(wanted: str | int | None = None) -> AudioDevice:
    """Return the input of an index, a name or a part of one; ``None`` is the system's default.

    Case does not matter. The same name under two sound interfaces (Windows lists each device up to
    four times) is the first of them. Raises ``InputError`` with the candidates.
    """
    devices = list_inputs()
    if not devices:
        raise InputError("there is no audio input device", hint=_no_device_hint())
    if wanted is None:
        found = [device for device in devices if device.is_default]
    else:
        found = _matches(devices, str(wanted).strip())
    if len(found) == 1:
        return found[0]
    raise _not_one(devices, found, wanted)


def portaudio_index(device: AudioDevice) -> int:
    """Return the number PortAudio knows a device by."""
    if device.source is None:
        return device.index
    return next(one.index for one in list_inputs() if one.name == PULSE)


def labels(devices: Sequence[AudioDevice]) -> list[str]:
    """Return what the events of devices used together are labelled with: each name once."""
    seen: Counter[str] = Counter()
    result = []
    for device in devices:
        seen[device.kind] += 1
        number = seen[device.kind]
        result.append(device.kind if number == 1 else f"{device.kind}-{number}")
    return result


def kind_of(name: str) -> str:
    """Return ``system`` for a name such as loopback drivers have, else ``mic``."""
    return SYSTEM if any(word in name.casefold() for word in _LOOPBACKS) else MIC


def parse_sources(text: str, first: int) -> list[AudioDevice]:
    """Read ``pactl list short sources``: index, name, module, ``s16le 2ch 48000Hz``, state.

    Lines of another form are left out; indices count from ``first``.
    """
    found: list[AudioDevice] = []
    for line in text.splitlines():
        fields = line.split("\t")
        form = re.search(r"(\d+)ch (\d+)Hz", fields[3]) if len(fields) > 3 else None
        if form:
            name, kind = fields[1], SYSTEM if fields[1].endswith(".monitor") else MIC
            channels, rate = int(form[1]), int(form[2])
            found.append(
                AudioDevice(
                    first + len(found), PREFIX + name, channels, rate, False, kind, "PulseAudio"
                )
            )
    return found


def _device(info: dict[str, Any], apis: Sequence[str], default: int) -> AudioDevice:
    index, name = info["index"], info["name"]
    channels, rate = info["max_input_channels"], round(info["default_samplerate"])
    api = apis[info["hostapi"]]
    return AudioDevice(index, name, channels, rate, index == default, kind_of(name), api)


def _sources(first: int) -> list[AudioDevice]:
    """Return the sound server's sources; none where it cannot be asked."""
    program = shutil.which("pactl")
    if program is None:
        return []
    try:
        done = subprocess.run(
            [program, "list", "short", "sources"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PACTL_SECS,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_sources(done.stdout.decode(errors="replace"), first)


def _matches(devices: Sequence[AudioDevice], wanted: str) -> list[AudioDevice]:
    """Return the devices meant: by index, else by whole name, else by a part of the name."""
    if wanted.isdecimal():
        return [device for device in devices if device.index == int(wanted)]
    key = wanted.casefold()
    whole = [device for device in devices if device.name.casefold() == key]
    part = [device for device in devices if key and key in device.name.casefold()]
    # A sound server's source must not make the name of PortAudio's own device ambiguous.
    return _first_api(whole) or _first_api(part)


def _first_api(found: list[AudioDevice]) -> list[AudioDevice]:
    """Return those of the first sound interface if all have one name."""
    if len({device.name for device in found}) != 1:
        return found
    return [device for device in found if device.api == found[0].api]


def _not_one(
    devices: Sequence[AudioDevice], found: Sequence[AudioDevice], wanted: str | int | None
) -> InputError:
    if wanted is None:
        return InputError(
            "no audio input is the system's default", hint=f"choose one: {_listed(devices)}"
        )
    if found:
        message = f"the input device {str(wanted)!r} may be any of {len(found)}"
        return InputError(message, hint=f"choose one by its number: {_listed(found)}")
    names = {device.name.casefold(): device for device in devices}
    near = [names[key] for key in get_close_matches(str(wanted).casefold(), names, cutoff=0.5)]
    words = "did you mean" if near else "there are"
    return InputError(
        f"there is no input device {str(wanted)!r}", hint=f"{words}: {_listed(near or devices)}"
    )


def _listed(devices: Sequence[AudioDevice]) -> str:
    return ", ".join(f"{device.index} {device.name}" for device in devices)


def _no_device_hint() -> str:
    return "connect a microphone, or check that the sound server runs; see: echocli devices"
