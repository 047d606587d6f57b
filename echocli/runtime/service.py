"""The model that serves, and another that is brought up beside it to take over.

Loading takes seconds, so the other one is started in a thread while this one goes on; it takes over
between two requests, once it is warm. Where memory does not hold both, this one ends first.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from echocli.errors import EchoError
from echocli.events import Notice
from echocli.providers.base import LoadSpec
from echocli.runtime.supervisor import Supervisor
from echocli.runtime.warmup import Level, warm_windows


class Service:
    """Keep one supervised model in service; it belongs to the service, which ends it.

    ``make`` gives a supervisor for a spec; ``holds_both`` says whether memory has room for one more
    model. For one thread, but for what it starts itself.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        make: Callable[[LoadSpec], Supervisor] = Supervisor,
        *,
        holds_both: Callable[[LoadSpec], bool] = lambda _: True,
    ) -> None:
        self.current = supervisor
        self.notices: deque[Notice] = deque(maxlen=100)
        self._make = make
        self._holds_both = holds_both
        self._coming: Supervisor | None = None
        self._start: threading.Thread | None = None
        self._failed: EchoError | None = None
        self._ending: list[threading.Thread] = []

    @property
    def coming(self) -> LoadSpec | None:
        """What is being brought up."""
        return self._coming.spec if self._coming is not None else None

    def want(self, spec: LoadSpec) -> None:
        """Bring another model up; one that serves or comes already is left as it is."""
        if spec == self.coming:
            return
        self._drop()
        if spec == self.current.spec:
            return
        if not self._holds_both(spec):
            text = f"memory does not hold both: {self.current.spec.model} ends before {spec.model}"
            self.notices.append(Notice("cold_swap", text))
            self.current.close()
        self._coming = coming = self._make(spec)
        self._failed = None
        self._start = threading.Thread(target=self._bring_up, args=(coming,), daemon=True)
        self._start.start()

    def take_over(self, *, wait: bool = False) -> bool:
        """Put the other model in service if it is warm; tell whether that happened.

        One that cannot be started is given up with a notice ``swap_failed``; then the old one goes
        on, started again where it had to end.
        """
        if self._coming is None or self._start is None:
            return False
        if wait:
            self._start.join()
        if self._start.is_alive():
            return False
        if self._failed is not None:
            text = f"{self._coming.spec.model} could not be started: {self._failed}"
            self.notices.append(Notice("swap_failed", text))
            self._drop()
            return False
        self._end(self.current)
        self.current, self._coming = self._coming, None
        return True

    def close(self) -> None:
        """End both."""
        self._drop()
        self.current.close()
        for thread in self._ending:
            thread.join()

    def kill(self) -> None:
        """End both at once."""
        if self._coming is not None:
            self._coming.kill()
        self.current.kill()

    def _bring_up(self, coming: Supervisor) -> None:
        try:
            coming.ready(warm_windows(Level.FIRST))
        except EchoError as error:
            if coming is self._coming:
                self._failed = error

    def _drop(self) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.abandon()

    def _end(self, supervisor: Supervisor) -> None:
        """End a worker without waiting for it."""
        thread = threading.Thread(target=supervisor.close, daemon=True)
        thread.start()
        self._ending = [*(one for one in self._ending if one.is_alive()), thread]
