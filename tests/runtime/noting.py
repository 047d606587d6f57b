"""A service that only notes what is wanted of it; its memory is what a test says."""

from __future__ import annotations

from echocli.providers.base import LoadSpec
from echocli.runtime.incidents import Incident, What
from echocli.runtime.service import Service

SPEC = LoadSpec("scripted", "big", "big.json")
MB = 2**20


class Noted(Service):
    """A real service whose worker is never started."""

    def __init__(self, spec: LoadSpec = SPEC, used_mb: float = 0.0) -> None:
        super().__init__(spec)
        self.used_mb = used_mb
        self.renewed = 0

    @property
    def rss_bytes(self) -> int:
        return round(self.used_mb * MB)

    def renew(self) -> None:
        self.renewed += 1

    def happens(self, what: What, text: str = "", **keys: float) -> None:
        """Let something happen to the model."""
        where = {"device": "cpu", "compute_type": "int8"} if what is What.LOADED else {}
        self.incidents.append(Incident(self.spec, what, text, **where, **keys))  # type: ignore[arg-type]
