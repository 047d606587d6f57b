"""Who serves, and who takes over: brought up beside who serves, put in service between requests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from echocli.clock import Clock, SystemClock
from echocli.errors import EchoError, ModelError
from echocli.events import Event, Failover, Notice
from echocli.providers.base import LoadSpec, Window
from echocli.runtime.alone import Alone
from echocli.runtime.incidents import Incident
from echocli.runtime.lifecycle import State
from echocli.runtime.operating import named
from echocli.runtime.policy import LEAVING
from echocli.runtime.post import Post
from echocli.runtime.relief import Past, Relief
from echocli.runtime.standing import Standing, Standings
from echocli.runtime.succession import ServiceOptions, Succession, is_permanent
from echocli.runtime.supervisor import Supervisor
from echocli.types import SAMPLE_RATE

PATIENCE = 30.0
"""Seconds to wait at most for a model that is being brought up, where somebody waits for it."""


class Crew(Alone):
    """Have one supervisor serve and at most one other come up; any thread may ask for anything."""

    def __init__(
        self,
        spec: LoadSpec,
        fallbacks: Sequence[LoadSpec] = (),
        *,
        make: Callable[[LoadSpec], Supervisor] | None = None,
        holds_both: Callable[[LoadSpec], bool] = lambda _: True,
        clock: Clock | None = None,
        options: ServiceOptions | None = None,
    ) -> None:
        self._options = options or ServiceOptions()
        self._line = Succession(spec, fallbacks, self._options)
        make = make or (lambda it: Supervisor(it, policy=LEAVING))
        self._post = Post(spec, make)
        self._relief = Relief(make)
        self._holds_both = holds_both
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        """Held by whoever changes who serves or shall serve; never while a model loads."""
        self._busy = False
        self._hurried = threading.Event()
        self._past: Past | None = None
        """Sound that was decoded, to probe with."""
        self._cold: LoadSpec | None = None
        """What takes over without being warm, because memory does not hold both."""

    @property
    def target(self) -> LoadSpec:
        """What shall serve when all is well."""
        return self._line.target

    @property
    def fallbacks(self) -> tuple[LoadSpec, ...]:
        """What goes on where a model fails, best first; may be set."""
        return self._line.fallbacks

    @fallbacks.setter
    def fallbacks(self, specs: tuple[LoadSpec, ...]) -> None:
        self._line.fallbacks = specs

    @property
    def standings(self) -> Standings[LoadSpec]:
        """How far each provider is trusted."""
        return self._line.standings

    @property
    def current(self) -> Supervisor:
        """Who serves now."""
        return self._post.current

    @property
    def spec(self) -> LoadSpec:
        """What is loaded now."""
        return self.current.spec

    @property
    def coming(self) -> LoadSpec | None:
        """What is being brought up."""
        return self._relief.spec

    @property
    def restarts(self) -> int:
        """How often a worker was replaced."""
        return self._post.restarts

    @property
    def handed_over(self) -> bool:
        """Whether more than one supervisor has served."""
        return self._post.handed_over

    @property
    def peak_rss_bytes(self) -> int:
        """Highest resident memory of a worker."""
        return self._post.peak_rss_bytes

    @property
    def state(self) -> State:
        """Where the model is in its life."""
        return self.current.lifecycle.state

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker that serves."""
        return self.current.worker_pid

    @property
    def rss_bytes(self) -> int:
        """Memory of the worker when it last answered."""
        return self.current.rss_bytes

    @property
    def incidents(self) -> deque[Incident]:
        """What happened to the models, for the record; the reader removes what it takes."""
        return self._post.incidents

    @property
    def notices(self) -> deque[Event]:
        """What happened and nobody was told yet; the reader removes what it takes."""
        return self._post.notices

    @property
    def in_force(self) -> bool:
        """Whether what is wanted serves, as far as that is possible."""
        with self._lock:
            if self._post.asked == self.target:
                return True
            probed = self.coming is not None and self._is_probed(self.coming)
            return self._cold is None and (self.coming is None or probed)

    def want(self, spec: LoadSpec) -> None:
        """Have another model serve from the next request on that finds it warm."""
        with self._lock:
            if spec == self.target and spec in (self._post.asked, self.coming, self._cold):
                return
            self._line.target = spec
            self._drop()
            if spec == self._post.asked or not self.standings.usable(spec):
                return
            if self._holds_both(spec):
                self._bring_up(spec)
                return
            self._tell_cold(spec)
            self._cold = spec
            self.settle()

    def renew(self) -> None:
        """Have a fresh worker of the same model take over: this one has grown too large."""
        with self._lock:
            if self.coming is not None or self._cold is not None:
                return
            if self._holds_both(self._post.asked):
                self._bring_up(self._post.asked)
            else:
                self._tell_cold(self._post.asked)
                self._cold = self._post.asked

    def rest(self) -> bool:
        """Let go of the model while nobody needs it; tell whether nobody does.

        The next request loads it again.
        """
        with self._lock:
            idle = not self._busy and self.coming is None
            if idle:
                self.current.close()
            return idle

    def hurry(self) -> None:
        """Hold out no longer where nobody is usable: somebody wants this to end."""
        self._hurried.set()

    def settle(self, *, wait: bool = False) -> bool:
        """Put in service what is ready to take over, unless a request runs; tell whether it was."""
        if wait and not self._busy:
            self._relief.wait(PATIENCE)
        with self._lock:
            if self._busy or self._post.stopped.is_set():
                return False
            return self._swap_cold() or self._relieve() or self._probe()

    def close(self) -> None:
        """End all workers, for good."""
        self.kill()
        self._relief.close()
        self._post.end()

    def kill(self) -> None:
        """End all workers at once and for good."""
        self._post.kill()
        self._hurried.set()
        self._relief.drop()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Let nobody take over in the middle."""
        with self._lock:
            self.settle()
            self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def _hand_over(
        self, spec: LoadSpec, warm: Supervisor | None, reason: str, replayed: Sequence[Window] = ()
    ) -> None:
        """Put somebody in service because of a failure, and say so."""
        before = self._post.asked
        self._post.hand_over(spec, warm)
        if spec == before:
            text = f"the worker was restarted: {reason}"
            self._post.tell(Notice("worker_restarted", text))
            return
        secs = round(sum(len(window.samples) for window in replayed) / SAMPLE_RATE, 3)
        self._post.tell(Failover(named(before), named(spec), reason, secs))

    def _bring_up(self, spec: LoadSpec, past: Past | None = None) -> None:
        self._relief.start(spec, past)
        if self._post.stopped.is_set():  # by somebody who did not see it yet
            self._relief.drop()

    def _drop(self) -> None:
        """Forget what was to take over."""
        spec, self._cold = self.coming, None
        self._relief.drop()
        if spec is not None:
            self.standings.untried(spec)

    def _tell_cold(self, spec: LoadSpec) -> None:
        text = f"memory does not hold both: {self.spec.model} ends before {spec.model} is loaded"
        self._post.tell(Notice("cold_swap", text))

    def _swap_cold(self) -> bool:
        """End who serves before the next one starts to load."""
        spec, self._cold = self._cold, None
        if spec is None:
            return False
        self.current.close()
        self._post.hand_over(spec)
        with suppress(ModelError):  # the next request tries again, and goes elsewhere
            self.current.begin()
        return True

    def _relieve(self) -> bool:
        """Let a model that is warm take over."""
        incidents = self._relief.incidents
        spec, came = self._relief.take()
        if spec is None or came is None:
            return False
        probed = self._is_probed(spec)
        if isinstance(came, EchoError):
            self._post.hear_of(incidents)
            self._miss(spec, came, probed=probed)
            return False
        self.standings.completed(spec)
        if probed:
            self._hand_over(spec, came, "it works again")
        else:
            self._post.hand_over(spec, came)
        return True

    def _miss(self, spec: LoadSpec, error: EchoError, *, probed: bool) -> None:
        """Take note that a model did not get warm; a renewal says nothing of who serves."""
        if spec != self._post.asked:
            permanent = is_permanent(error)
            self.standings.failed(spec, self._clock.now(), str(error), permanent=permanent)
        if not probed:
            text = f"{spec.model} could not be started: {error}"
            self._post.tell(Notice("swap_failed", text))

    def _is_probed(self, spec: LoadSpec) -> bool:
        return self.standings.of(spec) is Standing.PROBING

    def _probe(self) -> bool:
        """Try who should serve and was down, beside who does."""
        spec = self.target
        idle = spec != self._post.asked and self.coming is None
        if not idle or not self.standings.due(spec, self._clock.now()):
            return False
        if self._holds_both(spec):
            self.standings.probing(spec)
            self._bring_up(spec, self._past)
            return False
        self.standings.forgive(spec)
        self._tell_cold(spec)
        self._cold = spec
        return self._swap_cold()
