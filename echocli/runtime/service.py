"""Windows in, text out, whatever becomes of a worker or a whole provider.

A :class:`~echocli.runtime.supervisor.Supervisor` replaces a worker that dies. This goes on where
that does not help: what a provider was given is decoded again by the next one, and once it can be
trusted again it takes back over. It also changes the model when the ladder asks for another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from echocli.clock import Clock
from echocli.errors import EchoError, ModelError, ProviderError
from echocli.events import Notice
from echocli.providers.base import DecodeOptions, Hypothesis, LoadReport, LoadSpec, Window
from echocli.runtime.crew import Crew
from echocli.runtime.relief import Past
from echocli.runtime.succession import ServiceOptions, is_permanent
from echocli.runtime.supervisor import Broken, Lost, Outcome, Supervisor

__all__ = ["Service", "ServiceOptions"]

_Blamed: TypeAlias = defaultdict[int, list[LoadSpec]]
"""Who failed on a window it decoded alone, by the window's id."""


class Service(Crew):
    """Keep decoding; workers belong to the service, which ends them.

    ``fallbacks`` are tried in turn where ``spec`` fails; ``make`` gives a supervisor for a spec;
    ``holds_both`` says whether memory has room for one more model. ``decode`` and ``ready`` are for
    one thread at a time; everything else may be called from any. Text before a window is given to
    the model only while none of another vocabulary has decoded: there its tokens mean other words.
    """

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
        super().__init__(
            spec, fallbacks, make=make, holds_both=holds_both, clock=clock, options=options
        )
        self._vocabularies: set[tuple[str, bool]] = set()
        """Those of the text so far: the provider's, for one language or for many."""
        self._lost_in_a_row = 0
        self._starting = False
        """Whether the first model is waited for: nobody is listened to yet."""

    @property
    def report(self) -> LoadReport | None:
        """What loading gave."""
        return self.current.report

    @property
    def load_ms(self) -> float:
        """Milliseconds that loading took."""
        return self.current.load_ms

    @property
    def largest_batch(self) -> int:
        """Windows of a slot that are worth asking for at once."""
        return self.current.largest_batch

    def begin(self) -> None:
        """Start to load without waiting."""
        self.current.begin()

    def ready(self, warm: Sequence[Window] = ()) -> LoadReport:
        """Wait until a model serves; raise ``ModelError`` if none can."""
        self._starting = not self._post.handed_over
        with self._at_work():
            while True:
                try:
                    report = self.current.ready(warm)
                except ModelError as error:
                    self._fail(error, ())
                else:
                    self._starting = False
                    return report

    def revive(self) -> None:
        """Replace a worker that died or hung while nobody asked it anything."""
        with self._at_work():
            try:
                self.current.revive()
            except ModelError as error:
                self._fail(error, ())

    def decode(
        self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
    ) -> list[Outcome]:
        """Decode windows whatever happens; outcomes are in their order.

        A window no provider can decode is :class:`Lost`. Raises ``ProviderError`` when none has
        been usable for the time of the options.
        """
        del urgency  # nobody else asks
        with self._at_work():
            outcomes = self._decode(windows, options)
        self._remember(windows, options, outcomes)
        self.settle()
        return [outcomes[window.id] for window in windows]

    def _decode(self, windows: Sequence[Window], options: DecodeOptions) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        blamed: _Blamed = defaultdict(list)
        while left := [window for window in windows if window.id not in outcomes]:
            try:
                found = self.current.decode(self._readable(left), options)
            except Broken as error:
                self._take(error.outcomes, outcomes)
                left = [window for window in left if window.id not in outcomes]
                if not self._give_up(error, blamed, outcomes, left):
                    self._fail(error, left)
            except ModelError as error:
                self._fail(error, left)
            else:
                self._take(dict(zip((it.id for it in left), found, strict=True)), outcomes)
        return outcomes

    def _readable(self, windows: Sequence[Window]) -> Sequence[Window]:
        """Leave out the text before where some of it was written in another vocabulary."""
        if not any(window.previous for window in windows):
            return windows
        self.current.ready()
        if self._vocabularies <= {self._vocabulary()}:
            return windows
        return [replace(window, previous=()) for window in windows]

    def _vocabulary(self) -> tuple[str, bool]:
        return self.spec.provider, (self.report or LoadReport()).multilingual

    def _take(self, found: Mapping[int, Outcome], outcomes: dict[int, Outcome]) -> None:
        outcomes |= found
        if any(isinstance(outcome, Hypothesis) for outcome in found.values()):
            self._lost_in_a_row = 0
            self._vocabularies.add(self._vocabulary())
            with self._lock:
                self._line.completed(self._post.asked)

    def _give_up(
        self,
        error: Broken,
        blamed: _Blamed,
        outcomes: dict[int, Outcome],
        left: Sequence[Window],
    ) -> bool:
        """Give a window up that nobody could decode; tell whether that was so."""
        if error.culprit is None:
            return False
        tried = blamed[error.culprit]
        tried.append(self._post.asked)
        if not self._line.has_failed_all(tried):
            return False
        if self._lost_in_a_row + 1 >= self._options.lost_in_a_row:
            tried.clear()  # it is them: whoever outlasts that may try it again
            return False
        self._lost_in_a_row += 1
        outcomes[error.culprit] = Lost(error.culprit, str(error))
        with self._lock:
            for spec in tried:
                self.standings.completed(spec)  # it was the window
            if self.target in tried and self.target != self._post.asked:
                rest = [window for window in left if window.id != error.culprit]
                self._hand_over(self.target, None, "it was the sound", rest)
        return True

    def _fail(self, error: EchoError, windows: Sequence[Window]) -> None:
        """Have the next one serve; raise if there is none."""
        if self._post.stopped.is_set():
            raise error
        with self._lock:
            self._cold = None
            chosen = self._after(self._post.asked, error)
        spec, warm = self._successor(chosen, error)
        with self._lock:
            self._hand_over(spec, warm, str(error), windows)

    def _after(self, failed: LoadSpec, error: EchoError) -> LoadSpec | None:
        permanent = is_permanent(error)
        return self._line.after(failed, self._clock.now(), str(error), permanent=permanent)

    def _successor(
        self, chosen: LoadSpec | None, error: EchoError
    ) -> tuple[LoadSpec, Supervisor | None]:
        """Return who serves next, warm where it was on its way already."""
        coming = self.coming
        if coming is not None and chosen in (coming, None):
            self._relief.wait()
            with self._lock:
                spec, came = self._relief.take()
                if spec is not None and isinstance(came, Supervisor):
                    return spec, came
                chosen = self._line.best
                if spec is not None and isinstance(came, EchoError):
                    chosen = self._after(spec, came)
        if chosen != self._post.asked:  # a probe may go on while a fresh worker tries
            with self._lock:
                self._drop()
        return chosen or self._outlast(error), None

    def _outlast(self, error: EchoError) -> LoadSpec:
        """Wait while nobody is usable; return who may be tried again, or raise."""
        begins = not self._line.in_outage
        over = self._line.is_over(self._clock.now())
        if over or self._starting or self._hurried.is_set():
            self._lost_in_a_row = 0
            if isinstance(error, ModelError) and len(self._line.candidates) == 1:
                raise error
            raise _nobody(error) from error
        if begins:
            text = f"no provider is usable, trying for {self._options.outage:g} s: {error}"
            self._post.tell(Notice("all_down", text))
        self._hurried.wait(self._options.retry)
        if self._post.stopped.is_set() or self._hurried.is_set():
            raise _nobody(error) from error
        with self._lock:
            return self._line.forgive()

    def _remember(
        self, windows: Sequence[Window], options: DecodeOptions, outcomes: dict[int, Outcome]
    ) -> None:
        """Keep a window with text, to probe with."""
        for window in windows:
            found = outcomes[window.id]
            if isinstance(found, Hypothesis) and found.pieces and window.temperature == 0:
                self._past = Past((replace(window, previous=()),), options)
                return


def _nobody(error: EchoError) -> ProviderError:
    return ProviderError(
        f"no provider can decode this any more: {error}",
        hint=error.hint or "try a smaller --model or another --provider",
    )
