"""Where a live source is: what has come of it, what is open and what waits."""

from __future__ import annotations

from echocli.runtime.live_options import LiveOptions
from echocli.runtime.live_sound import LiveSound
from echocli.runtime.utterance import Utterance
from echocli.runtime.waiting import Waiting


class LiveStand:
    """The sound and the utterances of a source, and what there is to know of them."""

    def __init__(self, options: LiveOptions) -> None:
        self._sound = LiveSound(options)
        self._open: Utterance | None = None
        self._waiting = Waiting(options.backlog)
        self._quiet_since = 0

    @property
    def position(self) -> int:
        """How many samples have come, lost ones counted."""
        return self._sound.position

    @property
    def backlog(self) -> int:
        """Samples of speech that is over and not decoded."""
        return self._waiting.backlog

    @property
    def held(self) -> int:
        """Samples held."""
        return self._sound.held + self._waiting.held

    @property
    def settled(self) -> int:
        """Up to where nothing is to be decoded any more; what is put aside is not looked at."""
        starts = [one.sound_start for one in self._waiting.line]
        return min([self._sound.needed(self._open), *starts])

    @property
    def quiet_since(self) -> int | None:
        """Where the last speech ended; ``None`` while there is some."""
        return None if self._open is not None else self._quiet_since

    def idle_backlog(self, now: float) -> float:
        """Return how many samples of speech are not decoded fast enough."""
        return self._waiting.idle(self.heard(now))

    def waiting(self, now: float) -> float:
        """Return how many samples of speech have no text, for as long as they wait at most."""
        return self._waiting.waiting(self.heard(now))

    def heard(self, now: float) -> float:
        """Return how far the source is at the time ``now``, in samples."""
        return self._sound.heard(now)
