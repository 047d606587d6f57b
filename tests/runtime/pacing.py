"""Machines of any speed without waiting: real workers on a clock that decoding moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from echocli.clock import SteppingClock
from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.ladder import Ladder, LadderOptions
from echocli.runtime.operating import Choices, OperatingPoint
from echocli.runtime.policy import LEAVING
from echocli.runtime.service import Service
from echocli.runtime.supervisor import Outcome, Supervisor
from echocli.types import SAMPLE_RATE

QUICK = LadderOptions(dwell=0.0, calm=5.0)
"""Every request may move it."""


class Paced(Supervisor):
    """A supervisor whose decoding takes ``rtf(model)`` seconds a second, on its clock."""

    def __init__(self, spec: LoadSpec, clock: SteppingClock, rtf: Callable[[str], float]) -> None:
        super().__init__(spec, policy=LEAVING)
        self.asked: list[tuple[Window, ...]] = []
        self._pace = clock
        self._rtf_of = rtf

    def decode(
        self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
    ) -> list[Outcome]:
        self.asked.append(tuple(windows))
        audio = sum(len(window.samples) for window in windows) / SAMPLE_RATE
        self._pace.advance(audio * self._rtf_of(self.spec.model))
        return super().decode(windows, options, urgency=urgency)


class Prompt(Service):
    """A service that waits for the model that is wanted, so that every run is the same."""

    def want(self, spec: LoadSpec) -> None:
        super().want(spec)
        self.settle(wait=True)


def base_point(spec: LoadSpec, beam_size: int = 2) -> OperatingPoint:
    return OperatingPoint(spec, beam_size, 5, SAMPLE_RATE, SAMPLE_RATE, partials=False)


def adjusting(
    service: Service,
    *smaller: LoadSpec,
    options: LadderOptions | None = QUICK,
    beam_size: int = 2,
    keeps_beam: bool = False,
) -> Adjuster:
    """Return what the command line makes for files; without ``smaller`` the model is pinned.

    ``options`` of ``None`` is what ``--no-degrade`` says.
    """
    point = base_point(service.spec, beam_size)
    choices = Choices(point, smaller, live=False, keeps_beam=keeps_beam)
    return Adjuster(choices, service, Ladder(options) if options else None)
