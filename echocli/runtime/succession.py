"""Who serves next when a provider fails: a pure policy over the standings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from echocli.errors import EchoError, ModelError
from echocli.providers.base import LoadSpec
from echocli.runtime.standing import ProbeOptions, Standing, Standings

LEAST_TURNS = 2
"""Fresh providers a window is given to before it is lost, be they of the same kind."""

_HOPEFUL = frozenset({Standing.HEALTHY, Standing.SUSPECT, Standing.PROBING})


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How long to hold out; seconds."""

    outage: float = 0.0
    """How long no provider may be usable before that is an error."""
    retry: float = 5.0
    """Time between two tries during that."""
    lost_in_a_row: int = 3
    """Windows that no provider could decode one after the other: it is not the windows' fault."""
    probe: ProbeOptions = field(default_factory=ProbeOptions)


class Succession:
    """Keep what shall serve and what may stand in for it.

    ``home`` is wanted first. It also stands in where another model is wanted later and fails, after
    the fallbacks.
    """

    def __init__(
        self, home: LoadSpec, fallbacks: Sequence[LoadSpec], options: ServiceOptions
    ) -> None:
        self.target = home
        """What shall serve when all is well."""
        self.standings: Standings[LoadSpec] = Standings(options.probe)
        self.fallbacks = tuple(fallbacks)
        self._home = home
        self._outage = options.outage
        self._outage_since: float | None = None

    @property
    def candidates(self) -> list[LoadSpec]:
        """What may ever serve, best first."""
        return list(dict.fromkeys((self.target, *self.fallbacks, self._home)))

    @property
    def best(self) -> LoadSpec | None:
        """Who may be given work now, best first."""
        return next(filter(self.standings.usable, self.candidates), None)

    def after(
        self, failed: LoadSpec, now: float, reason: str, *, permanent: bool = False
    ) -> LoadSpec | None:
        """Take ``failed`` out of service; return who is next, ``None`` if there is nobody.

        Where nobody else is usable a fresh worker of the same gets one more chance.
        """
        others = [one for one in self.candidates if one != failed and self.standings.usable(one)]
        again = not others and not permanent
        if again and self.standings.of(failed) is Standing.HEALTHY:
            self.standings.suspect(failed, reason)
            return failed
        self.standings.failed(failed, now, reason, permanent=permanent)
        return others[0] if others else None

    def has_failed_all(self, tried: Collection[LoadSpec]) -> bool:
        """Tell whether nobody is left for a window on which those in ``tried`` failed."""
        untried = (one for one in self.candidates if one not in tried)
        left = any(self.standings.of(one) in _HOPEFUL for one in untried)
        return len(tried) >= LEAST_TURNS and not left

    def completed(self, spec: LoadSpec) -> None:
        """Take note that somebody decodes."""
        self._outage_since = None
        self.standings.completed(spec)

    def is_over(self, now: float) -> bool:
        """Tell whether nobody has been usable for too long, or nobody ever will be."""
        since = self._outage_since = now if self._outage_since is None else self._outage_since
        if self._curable and now - since < self._outage:
            return False
        self._outage_since = None
        return True

    @property
    def in_outage(self) -> bool:
        """Whether nobody was usable and nobody has decoded since."""
        return self._outage_since is not None

    def forgive(self) -> LoadSpec:
        """Let everybody be tried again whom waiting may have mended; return the first."""
        curable = self._curable
        for spec in curable:
            self.standings.forgive(spec)
        return curable[0]

    @property
    def _curable(self) -> list[LoadSpec]:
        disabled = Standing.DISABLED
        return [one for one in self.candidates if self.standings.of(one) is not disabled]


def is_permanent(error: EchoError) -> bool:
    """Tell whether waiting will not mend it: what a worker says of weights and libraries.

    What is only seen from here, a death or a time that ran out, is kept as the cause.
    """
    return isinstance(error, ModelError) and error.__cause__ is None
