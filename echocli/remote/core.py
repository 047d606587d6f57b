"""The client of the live protocol: what comes in is told to it, what to do comes out.

Nothing here waits, reads a clock or knows of sockets. Sound is kept in an outbox for each source
until the server says that it is final. After a lost connection the session is resumed where the
server is; where the server does not know it any more, a new one begins at what is final, and no
final comes twice. See ``docs/protocol.md``.
"""

from __future__ import annotations

from echocli.remote import telling
from echocli.remote.actions import Action, Connect, Phase
from echocli.remote.dialogue import GREETING, Dialogue, Line
from echocli.remote.policy import GiveUp, Loss
from echocli.remote.spool import WIDTH
from echocli.wire import messages

SILENT = 30.0
"""Seconds without a message after which a connection is dead: metrics come once a second.

They begin with `ready`. While the model loads, which may take minutes, pings alone tell.
"""

STUCK = 120.0
"""Seconds without progress after which a connection is dead; as above.

Progress is an `ack` that goes further, or a text. Who wants the end waits no longer at all then,
also while the model loads: the sound is kept.
"""

LAST_TRY = 30.0
"""Seconds for a connection that is needed only to end."""

HURRY = 5.0
"""Seconds until the end for whoever wants nothing caught up, whether the server is there or not.

One that is silent so long is gone then.
"""

SOON = 2.0
"""Seconds between tries then."""

ACKNOWLEDGE = 1.0
"""Seconds between two `seen`."""


class Core(Dialogue):
    """Follow one session; ``names`` are its sources, the most urgent first."""

    # What happens here

    def captured(self, place: int, pcm: bytes) -> None:
        """Take sound of a source: s16le, mono, 16 kHz."""
        course = self.courses[place]
        course.outbox.append(pcm)
        if course.begun is None:
            course.begun = course.outbox.end - len(pcm) // WIDTH
            course.settle(course.begun)
            self._introduce()
        for one in self.courses:  # any of them may have made room for this one
            for span in one.outbox.take_lost():
                why = self._spool.refusal or "what was kept is gone"
                self._actions.append(telling.spool_full(one.name, span.start, span.end, why))

    def missing(self, place: int, samples: int) -> None:
        """Take note that sound was lost at capture, or that a source begins later."""
        self.courses[place].outbox.skip(samples)

    def over(self, place: int) -> None:
        """Take note that a source has ended."""
        self.courses[place].over = True

    def stop(self, now: float, *, catch_up: bool = True) -> None:
        """Take note that somebody wants the end: what is not connected gets one last chance."""
        self._stopping, self._catch_up = True, self._catch_up and catch_up
        if self._away or not catch_up:
            self._hurry(now, self._policy.hurried(now))

    def tick(self, now: float) -> None:
        """Do what has its time."""
        self._policy.look(now)
        late = self._deadline is not None and now >= self._deadline
        if late and (self.hurried or not self.held):
            self._wait_no_longer(telling.too_late(self._last_try, there=not self._away))
        match self.phase:
            case Phase.WAITING if now >= self._due and not (self.done or self._asleep):
                self._slept_at = None
                self._turn(Phase.CONNECTING, now + GREETING)
                self._actions.append(Connect())
            case Phase.CONNECTING | Phase.GREETING if now >= self._due:
                self._due = now + GREETING
                self._hang_up("no answer")
            case Phase.GREETING:
                self._greet(now)
            case Phase.LIVE:
                self._look_after(now)
            case _:
                pass

    def release(self, now: float, *, anew: bool) -> None:
        """Let the server decode again: ``anew`` where somebody else has got further."""
        self.held, self._anew = False, self._anew or anew
        if self.phase is Phase.HELD:
            self._turn(Phase.GREETING, now + GREETING)
            self._greet(now)

    def finish(self) -> None:
        """Take note that everything has its text without the server."""
        self._hang_up("")
        self.phase, self.held = Phase.OVER, False

    # What comes from the connection

    def connected(self, now: float) -> None:
        """Take note of a connection."""
        self._policy.connected(now)
        self._line = Line(now)
        self._turn(Phase.HELD if self.held else Phase.GREETING, now + GREETING)
        if not self.held:
            self._greet(now)

    def lost(self, loss: Loss, now: float) -> None:
        """Take note that a connection has ended, or could not be made."""
        if self.phase in (Phase.LOST, Phase.OVER):
            return
        loss, phase = self._explained(loss), self.phase
        asleep, unknown = self._fell_asleep(loss, now), self._is_forgotten(loss)
        self._line = Line(now)  # what was said explains this loss, and no later one
        if asleep:
            self._sleep(now)
            return
        unknown = unknown and self._session is not None
        # Nothing stands against a new session at once where the old one could not be resumed.
        forgotten = unknown and not self._anew and phase is Phase.GREETING
        self._anew = self._anew or unknown
        self.away_since = now if self.away_since is None else self.away_since
        verdict = self._policy.lost(loss, now)
        if isinstance(verdict, GiveUp) and (verdict.fatal or self._deadline is None):
            self._give_up(verdict)
            return
        due = now + SOON if isinstance(verdict, GiveUp) else verdict.at
        self._wait(now if forgotten else due, now)
        if not forgotten:
            wait = max(0.0, self._due - now)
            said = telling.lost(
                self._host, loss.reason, wait, self.waiting, was_there=phase is Phase.LIVE
            )
            self._actions.append(said)

    # What there is to do

    def take(self) -> list[Action]:
        """Return what there is to do, in order."""
        actions, self._actions = self._actions, []
        return actions

    def next_frame(self) -> bytes | None:
        """Return the next frame of sound to send; ``None`` where there is none, or none may be."""
        if self.phase is not Phase.LIVE or self._line.pressed or self._line.finished:
            return None
        behind = [(one.cursor, place) for place, one in enumerate(self.courses) if one.may_send]
        frames = (self.courses[place].frame(place) for _, place in sorted(behind))
        return next((frame for frame in frames if frame is not None), None)

    @property
    def done(self) -> bool:
        """Whether nothing will happen any more."""
        all_over = all(course.over for course in self.courses)
        given_up = self.phase is Phase.LOST or (self.phase is Phase.WAITING and self._drained)
        return self.phase is Phase.OVER or (all_over and given_up and not self.held)

    @property
    def position(self) -> int:
        """Samples captured so far."""
        return max(course.outbox.end for course in self.courses)

    @property
    def hurried(self) -> bool:
        """Whether the end is wanted within a few seconds, and nothing caught up."""
        return not self._catch_up

    @property
    def _drained(self) -> bool:
        return self.connections > 0 and not any(course.waiting for course in self.courses)

    @property
    def _away(self) -> bool:
        return self.phase not in (Phase.LIVE, Phase.LOST, Phase.OVER)

    @property
    def _last_try(self) -> float:
        return LAST_TRY if self._catch_up else HURRY

    def _look_after(self, now: float) -> None:
        if not (self._line.finished or any(one.awaits for one in self.courses)):
            self._line.progress = now  # where there is nothing to do, nobody is stuck
        silent = now - self._line.heard >= (SILENT if self._catch_up else HURRY)
        stuck = now - self._line.progress >= STUCK
        if stuck and self._stopping:
            self._wait_no_longer(telling.stuck(STUCK))
            return
        if (self._line.warm or not self._catch_up) and (silent or stuck):
            self._line.heard = self._line.progress = now
            self._hang_up("the server does not answer")
        if self.story.seen > self._seen_told and now - self._line.told >= ACKNOWLEDGE:
            self._seen_told, self._line.told = self.story.seen, now
            self._say(messages.Seen(self.story.seen))
        if not self._line.finished and all(one.over and one.sent for one in self.courses):
            self._line.finished = self._ending = True
            self._line.progress = now
            self._say(messages.Finish(self._catch_up))

    def _sleep(self, now: float) -> None:
        """Begin anew when there is something to send; nothing has failed."""
        self._policy.left(now)
        self._anew, self._slept_at = True, self._captured
        self._turn(Phase.WAITING, now)

    def _wait(self, due: float, now: float) -> None:
        """Wait for the next try; not that long where the end is wanted."""
        self._turn(Phase.WAITING, due)
        if self._stopping:
            self._hurry(now, max(self._policy.hurried(now), now + SOON))

    def _hurry(self, now: float, at: float) -> None:
        last = now + self._last_try
        self._deadline = last if self._deadline is None else min(self._deadline, last)
        if self.phase is Phase.WAITING:
            self._due = min(self._due, at)

    def _wait_no_longer(self, why: str) -> None:
        """End without the server, and without whoever stands in for it.

        It is a failure only where something has no text.
        """
        self.held = False
        if self.phase in (Phase.LOST, Phase.OVER):
            return
        if self._drained and all(course.over for course in self.courses):
            self.finish()
            return
        self._hang_up("")
        self._give_up(GiveUp(why, fatal=False))

    def _give_up(self, why: GiveUp) -> None:
        self.phase, self.failure = Phase.LOST, why
        listening = not all(course.over for course in self.courses)
        was_there = self.connections > 0
        said = telling.given_up(self._host, why, was_there=was_there, listening=listening)
        self._actions.append(said)
