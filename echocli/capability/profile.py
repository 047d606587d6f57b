"""The machine in one value: what it is, and what of it this process may use."""

from __future__ import annotations

from dataclasses import dataclass

from echocli.capability import accelerators, cgroup, probes
from echocli.capability.accelerators import CudaDevice
from echocli.capability.host import Host
from echocli.events import Notice


@dataclass(frozen=True, slots=True)
class Profile:
    """What a recommendation is made from; sizes are bytes."""

    system: str
    machine: str
    cpu: str
    """The processor's name, or an empty string."""
    physical_cores: int
    logical_cores: int
    allowed_cores: int
    """Physical cores that affinity and the container's CPU quota leave."""
    memory_total: int
    memory_available: int | None
    memory_allowed: int
    """The container's limit, or all there is."""
    cuda: tuple[CudaDevice, ...] = ()
    metal: bool = False
    instruction_sets: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def memory_gb(self) -> int:
        """Allowed memory to the nearest GB: a machine sold with 16 GB reports 15.6."""
        return int(self.memory_allowed / probes.GB + 0.5)

    @property
    def usable_gb(self) -> float:
        """GB a model may take: 80 % of what is allowed."""
        return 0.8 * self.memory_allowed / probes.GB

    @property
    def limited(self) -> bool:
        """Whether a container allows less memory than the machine has."""
        return self.memory_allowed < self.memory_total

    @property
    def summary(self) -> str:
        """What counts most, for people."""
        cores = "1 core" if self.allowed_cores == 1 else f"{self.allowed_cores} cores"
        gpu = self.cuda[0].name if self.cuda else "Metal" if self.metal else "no accelerator"
        return f"{self.memory_gb} GB of memory, {cores} and {gpu}"


def take(host: Host) -> Profile:
    """Probe the machine; never raises, and takes at most some 10 s where drivers hang."""
    bounds = cgroup.limits(host) if host.system == "Linux" else cgroup.Limits()
    memory = probes.memory(host)
    cores = probes.cores(host, bounds.cpus)
    cuda = accelerators.cuda(host)
    allowed = min(memory.total, bounds.memory or memory.total)
    return Profile(
        system=host.system or "unknown",
        machine=host.machine or "unknown",
        cpu=probes.cpu_name(host),
        physical_cores=cores.physical,
        logical_cores=cores.logical,
        allowed_cores=cores.allowed,
        memory_total=memory.total,
        memory_available=_at_most(memory.available, allowed),
        memory_allowed=allowed,
        cuda=cuda.devices,
        metal=accelerators.metal(host),
        instruction_sets=probes.instruction_sets(host),
        notices=(*_unknowns(memory, cores), *_translation(host), *cuda.notices),
    )


def _at_most(count: int | None, limit: int) -> int | None:
    return None if count is None else min(count, limit)


def _unknowns(memory: probes.Memory, cores: probes.Cores) -> list[Notice]:
    found = []
    if not memory.known:
        found.append(Notice("memory-unknown", "memory cannot be read; 8 GB assumed"))
    if not cores.known:
        found.append(Notice("cores-unknown", "cores cannot be counted; 4 assumed"))
    return found


def _translation(host: Host) -> list[Notice]:
    if not accelerators.translated(host):
        return []
    text = "this Python is an Intel build under Rosetta; a native arm64 one can use the GPU"
    return [Notice("rosetta", text)]
