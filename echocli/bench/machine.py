"""What was measured on."""

from __future__ import annotations

from dataclasses import dataclass

from echocli.capability.profile import Profile

MB = 2**20


@dataclass(frozen=True, slots=True)
class Machine:
    """As much of a machine as figures depend on."""

    system: str
    architecture: str
    cpu: str
    """The processor's name, or an empty string."""
    cores: int
    """Physical cores that may be used."""
    memory_mb: int
    """Memory that may be used: the container's limit, or all there is."""
    accelerator: str | None

    @classmethod
    def of(cls, profile: Profile) -> Machine:
        """Return what of a profile counts here."""
        metal = "Metal" if profile.metal else None
        return cls(
            system=profile.system,
            architecture=profile.machine,
            cpu=profile.cpu,
            cores=profile.allowed_cores,
            memory_mb=profile.memory_allowed // MB,
            accelerator=profile.cuda[0].name if profile.cuda else metal,
        )

    def __str__(self) -> str:
        cores = f"{self.cores} core" + ("s" if self.cores != 1 else "")
        cpu = f"{self.cpu}, {cores}" if self.cpu else cores
        gpu = self.accelerator or "no accelerator"
        where = f"{self.system} on {self.architecture}"
        return f"{cpu}, {self.memory_mb} MB of memory, {gpu}, {where}"
