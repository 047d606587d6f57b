"""What a container allows: memory and CPU limits of cgroups, versions 1 and 2.

A process is in a cgroup and bound by the limits of every cgroup above it, so the smallest one on
the path counts. File formats: cgroups(7), proc_pid_mountinfo(5) and the kernel's
``admin-guide/cgroup-v2.rst``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from echocli.capability.host import Host

_MOUNT = PurePosixPath("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Limits:
    """The smallest limits on the path; ``None`` where there is none."""

    memory: int | None = None
    """Bytes."""
    cpus: float | None = None
    """CPU seconds a second."""


@dataclass(frozen=True, slots=True)
class _Mount:
    version: int
    controllers: frozenset[str]
    root: PurePosixPath
    """The cgroup that is visible at ``point``."""
    point: PurePosixPath


def limits(host: Host) -> Limits:
    """Return the limits of the cgroups this process is in."""
    memory: list[int] = []
    cpus: list[float] = []
    for version, directory in directories(host):
        memory += _memory(host, version, directory)
        cpus += _cpus(host, version, directory)
    return Limits(min(memory, default=None), min(cpus, default=None))


def directories(host: Host) -> Iterator[tuple[int, PurePosixPath]]:
    """Yield every cgroup directory that binds this process, with its version."""
    mounts = _mounts(host)
    for line in (host.read("/proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        controllers = frozenset(names.split(",")) if names else frozenset()
        for mount in mounts:
            if _holds(mount, controllers):
                for directory in _upwards(mount, PurePosixPath(path)):
                    yield mount.version, directory


def _holds(mount: _Mount, controllers: frozenset[str]) -> bool:
    if not controllers:
        return mount.version == 2
    return mount.version == 1 and bool(mount.controllers & controllers & {"memory", "cpu"})


def _upwards(mount: _Mount, path: PurePosixPath) -> Iterator[PurePosixPath]:
    """Yield the cgroup's directory and those above it, up to the mount point.

    A path outside the mount's root is another container's view; then only the mount point binds.
    """
    inside = path.is_relative_to(mount.root) and ".." not in path.parts
    directory = mount.point / path.relative_to(mount.root) if inside else mount.point
    while directory != mount.point:
        yield directory
        directory = directory.parent
    yield mount.point


def _mounts(host: Host) -> list[_Mount]:
    table = host.read("/proc/self/mountinfo")
    if table is None:
        return _usual_mounts()
    return [mount for line in table.splitlines() if (mount := _mount(line))]


def _mount(line: str) -> _Mount | None:
    """Read one line of mountinfo: ``id parent dev root point options … - type source options``."""
    before, _, after = line.partition(" - ")
    left, right = before.split(), after.split()
    if len(left) < 5 or len(right) < 3 or right[0] not in ("cgroup", "cgroup2"):
        return None
    version = 2 if right[0] == "cgroup2" else 1
    controllers = frozenset(right[2].split(","))
    return _Mount(version, controllers, PurePosixPath(left[3]), PurePosixPath(left[4]))


def _usual_mounts() -> list[_Mount]:
    """Return where cgroups are by custom, for systems that hide mountinfo."""
    top = PurePosixPath("/")
    return [
        _Mount(2, frozenset(), top, _MOUNT),
        *(_Mount(1, frozenset({name}), top, _MOUNT / name) for name in ("memory", "cpu")),
    ]


def _memory(host: Host, version: int, directory: PurePosixPath) -> list[int]:
    name = "memory.max" if version == 2 else "memory.limit_in_bytes"
    text = (host.read(str(directory / name)) or "").strip()
    return [int(text)] if text.isdigit() else []


def _cpus(host: Host, version: int, directory: PurePosixPath) -> list[float]:
    if version == 2:
        words = (host.read(str(directory / "cpu.max")) or "").split()
    else:
        files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        words = [(host.read(str(directory / name)) or "").strip() for name in files]
    if len(words) != 2 or not all(word.isdigit() for word in words) or int(words[1]) == 0:
        return []  # "max", -1 or no such file: no limit here
    return [int(words[0]) / int(words[1])]
