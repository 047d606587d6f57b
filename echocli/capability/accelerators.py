"""CUDA devices and Metal, found without loading anything into this process.

CUDA is asked in two steps, each with a 5 s limit: the driver's own tool names the devices, then a
child process asks CTranslate2 how many of them it can use (the call can abort the process). No hint
of a driver, no child: an ordinary machine pays for neither.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace

from echocli.capability.host import Host, Output, State
from echocli.capability.probes import sysctl
from echocli.events import Notice

_MB = 1024**2
_QUERY = (
    "nvidia-smi",
    "--query-gpu=index,uuid,memory.total,name",
    "--format=csv,noheader,nounits",
)
_DRIVER_FILES = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")
"""The kernel driver, its control device, and the GPU of Windows' Linux subsystem."""
_CHILD = """
import json, ctranslate2 as c
n = c.get_cuda_device_count()
print(json.dumps([sorted(c.get_supported_compute_types("cuda", i)) for i in range(n)]))
"""


@dataclass(frozen=True, slots=True)
class CudaDevice:
    """One CUDA device, numbered as CUDA numbers it for this process."""

    index: int
    name: str
    memory: int | None = None
    """Bytes."""
    compute_types: tuple[str, ...] = ()
    """What CTranslate2 can compute in on it; empty if it could not be asked."""


@dataclass(frozen=True, slots=True)
class Cuda:
    """The usable devices, and what went wrong while looking for them."""

    devices: tuple[CudaDevice, ...] = ()
    notices: tuple[Notice, ...] = ()


def metal(host: Host) -> bool:
    """Tell whether Apple's GPU can be used: Apple silicon, and a native interpreter."""
    return host.system == "Darwin" and host.machine == "arm64"


def translated(host: Host) -> bool:
    """Tell whether this is an Intel program on Apple silicon, which hides the GPU."""
    return sysctl(host, "sysctl.proc_translated").strip() == "1"


def cuda(host: Host) -> Cuda:
    """Return the CUDA devices this process can use."""
    if host.system == "Darwin":
        return Cuda()
    listed = host.runner.run(_QUERY)
    if listed.state is State.HUNG:
        return _none("nvidia-smi did not answer in time")
    devices = _visible(_parse(listed.text), host.environ.get("CUDA_VISIBLE_DEVICES"))
    if not devices and not _driver_hint(host):
        return Cuda()
    return _confirm(host.runner.run([sys.executable, "-c", _CHILD]), devices)


def _none(problem: str) -> Cuda:
    return Cuda(notices=(Notice("cuda-probe", f"{problem}; the GPU is not used"),))


def _driver_hint(host: Host) -> bool:
    return any(host.at(path).exists() for path in _DRIVER_FILES)


def _parse(text: str) -> list[tuple[str, CudaDevice]]:
    """Read nvidia-smi's CSV; a name may hold a comma, so it comes last."""
    found = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",", 3)]
        if len(fields) == 4 and fields[0].isdigit():
            size = int(fields[2]) * _MB if fields[2].isdigit() else None
            found.append((fields[1], CudaDevice(int(fields[0]), fields[3], size)))
    return found


def _visible(found: list[tuple[str, CudaDevice]], variable: str | None) -> list[CudaDevice]:
    """Apply ``CUDA_VISIBLE_DEVICES``, which nvidia-smi ignores.

    CUDA's rule: numbers or prefixes of UUIDs, in the order wanted; the first that matches nothing
    ends the list.
    """
    if variable is None:
        return [device for _, device in found]
    devices: list[CudaDevice] = []
    for wanted in (word.strip() for word in variable.split(",")):
        match = [d for uuid, d in found if wanted and _names(wanted, uuid, d)]
        if not match:
            break
        devices.append(replace(match[0], index=len(devices)))
    return devices


def _names(wanted: str, uuid: str, device: CudaDevice) -> bool:
    return wanted == str(device.index) or (not wanted.isdigit() and uuid.startswith(wanted))


def _confirm(answer: Output, devices: list[CudaDevice]) -> Cuda:
    """Keep the devices that CTranslate2 can use too.

    A child that fails without having said anything usually lacks CTranslate2 itself: its own
    provider is then unavailable, and the driver's list stands for the others.
    """
    if answer.state is State.HUNG:
        return _none("asking CTranslate2 for CUDA devices took too long")
    if answer.state is not State.OK:
        return _after_failure(devices)
    types = _types(answer.text)
    named = {device.index: device for device in devices}
    usable = tuple(
        replace(named.get(index, CudaDevice(index, "CUDA device")), compute_types=tuple(of))
        for index, of in enumerate(types)
    )
    if devices and not usable:
        return _none("nvidia-smi lists a GPU that CTranslate2 cannot use")
    return Cuda(usable)


def _after_failure(devices: list[CudaDevice]) -> Cuda:
    from importlib.util import find_spec

    if find_spec("ctranslate2") is None:
        return Cuda(tuple(devices))
    return _none("CTranslate2 failed when it was asked for CUDA devices")


def _types(text: str) -> list[list[str]]:
    try:
        found = json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return []
    return found if isinstance(found, list) else []
