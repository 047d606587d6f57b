"""Memory, cores and instruction sets, each with its fallbacks.

psutil is asked first, then ``/proc`` and ``/sys`` on Linux or ``sysctl`` on macOS, then a machine
with 8 GB and 4 cores is assumed. Nothing here raises.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from echocli.capability.host import Host

GB = 1024**3
UNKNOWN_MEMORY = 8 * GB
UNKNOWN_CORES = 4
INSTRUCTION_SETS = ("avx", "avx2", "avx512f", "fma", "neon")
"""Those that the kernels of CTranslate2 and GGML are chosen by."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes; ``total`` is what is installed, not what a container allows."""

    total: int
    available: int | None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Cores:
    """Core counts; ``allowed`` is physical cores this process may use."""

    physical: int
    logical: int
    allowed: int
    known: bool = True


def memory(host: Host) -> Memory:
    """Return the machine's memory."""
    found = host.counters.memory() if host.counters else None
    found = found or _proc_memory(host) or _sysctl_memory(host)
    if found is None or found[0] <= 0:
        return Memory(UNKNOWN_MEMORY, None, known=False)
    return Memory(*found)


def _proc_memory(host: Host) -> tuple[int, int | None] | None:
    text = host.read("/proc/meminfo") or ""
    sizes = {name: int(kb) * 1024 for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    if "MemTotal" not in sizes:
        return None
    return sizes["MemTotal"], sizes.get("MemAvailable")


def _sysctl_memory(host: Host) -> tuple[int, None] | None:
    words = sysctl(host, "hw.memsize").split()
    return (int(words[0]), None) if words and words[0].isdigit() else None


def sysctl(host: Host, *names: str) -> str:
    """Return the values of macOS kernel variables, one a line; empty elsewhere."""
    if host.system != "Darwin":
        return ""
    return host.runner.run(["sysctl", "-n", *names]).text


def cores(host: Host, quota: float | None) -> Cores:
    """Return the machine's cores; ``quota`` is the container's CPU limit in CPUs."""
    topology = _topology(host)
    counted = host.counters.cores() if host.counters else (None, None)
    logical = counted[1] or len(topology) or _sysctl_cores(host)[1]
    known = bool(logical)
    logical = logical or UNKNOWN_CORES
    physical = counted[0] or len(set(topology.values())) or _sysctl_cores(host)[0] or logical
    allowed = _allowed(host, topology, physical, quota)
    return Cores(physical, logical, allowed, known)


def _allowed(host: Host, topology: dict[int, str], physical: int, quota: float | None) -> int:
    """Count the physical cores left by affinity and quota.

    A quota is rounded up, as Go's scheduler does: 1.5 CPUs keep two threads busy most of the time.
    """
    allowed = physical
    if host.affinity:
        named = {topology[cpu] for cpu in host.affinity if cpu in topology}
        allowed = min(allowed, len(named) or len(host.affinity))
    if quota is not None:
        allowed = min(allowed, math.ceil(quota))
    return max(1, allowed)


def _topology(host: Host) -> dict[int, str]:
    """Map each logical CPU of a Linux machine to a name of its physical core."""
    if host.system != "Linux":
        return {}
    return _sys_topology(host) or _proc_topology(host)


def _sys_topology(host: Host) -> dict[int, str]:
    base = "/sys/devices/system/cpu"
    found: dict[int, str] = {}
    for directory in host.at(base).glob("cpu[0-9]*"):
        number = directory.name.removeprefix("cpu")
        siblings = host.read(f"{base}/{directory.name}/topology/thread_siblings_list")
        if number.isdigit() and siblings:
            found[int(number)] = siblings.strip()
    return found


def _proc_topology(host: Host) -> dict[int, str]:
    """Read ``/proc/cpuinfo``; ARM kernels name no cores, there every CPU is one."""
    found: dict[int, str] = {}
    for block in (host.read("/proc/cpuinfo") or "").split("\n\n"):
        entry: dict[str, str] = dict(re.findall(r"^([^\t:]+?)\s*:[ \t]*(.*)$", block, re.M))
        if (number := entry.get("processor", "")).isdigit():
            core = entry.get("core id", f"cpu{number}")
            found[int(number)] = f"{entry.get('physical id', '0')}/{core}"
    return found


def _sysctl_cores(host: Host) -> tuple[int, int]:
    words = sysctl(host, "hw.physicalcpu", "hw.logicalcpu").split()
    if len(words) == 2 and all(word.isdigit() for word in words):
        return int(words[0]), int(words[1])
    return 0, 0


def cpu_name(host: Host) -> str:
    """Return the processor's marketing name, or an empty string."""
    if host.system == "Darwin":
        return sysctl(host, "machdep.cpu.brand_string").strip()
    text = host.read("/proc/cpuinfo") or ""
    match = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.M)
    return match[1].strip() if match else ""


def instruction_sets(host: Host) -> tuple[str, ...]:
    """Return which of :data:`INSTRUCTION_SETS` the processor has."""
    words = _features(host)
    if host.machine.lower() in ("arm64", "aarch64"):
        words.add("neon")  # part of the base architecture
    return tuple(name for name in INSTRUCTION_SETS if name in words)


def _features(host: Host) -> set[str]:
    text = " ".join(
        re.findall(r"^(?:flags|Features)\s*:\s*(.*)$", host.read("/proc/cpuinfo") or "", re.M)[:1]
    )
    text += " " + sysctl(host, "machdep.cpu.features", "machdep.cpu.leaf7_features")
    words = set(text.lower().split())
    if "avx1.0" in words:  # Apple's spelling
        words.add("avx")
    if "asimd" in words:  # the 64-bit kernel's name for it
        words.add("neon")
    return words
