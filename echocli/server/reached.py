"""Up to where the sound of a session is final."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from echocli.server.intake import NetworkCapture, from_16k

if TYPE_CHECKING:
    from echocli.runtime.live_run import Live


class Reached:
    """Follow a run: positions of each source at the session's ``rate``, which never go back.

    Not for several threads at once: the session guards it.
    """

    def __init__(self, captures: Sequence[NetworkCapture], rate: int) -> None:
        self._captures = captures
        self._rate = rate
        self._final = {one.name: one.begin for one in captures}

    @property
    def final(self) -> dict[str, int]:
        """Source → position before which everything is final."""
        return dict(self._final)

    def follow(self, live: Live) -> None:
        """Take note of how far a run is."""
        for name, before in self._final.items():
            self._final[name] = max(before, from_16k(live.settled(name), self._rate))

    def complete(self, live: Live) -> None:
        """Take note that a run is over: everything is final but what it has put aside."""
        found = live.stats.live or {}
        if found.get("spooled_seconds", 0) > found.get("backfilled_seconds", 0):
            self.follow(live)
        else:
            self.finish()

    def finish(self) -> None:
        """Count everything as final."""
        self._final = {one.name: one.received for one in self._captures}
