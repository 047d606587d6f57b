"""Decode errands of several guests together, and say who took how much of the model."""

from __future__ import annotations

from collections.abc import Sequence

from echocli.clock import Clock
from echocli.providers.base import DecodeOptions
from echocli.runtime.books import Books
from echocli.runtime.guest import Errand
from echocli.runtime.live_options import Kind
from echocli.runtime.service import Service
from echocli.runtime.serving import Withdrawn, served_by
from echocli.types import SAMPLE_RATE

STALE = 2.0
"""Seconds after which a partial is not worth decoding: the next one says more."""


def dispatch(errands: Sequence[Errand], service: Service, books: Books, clock: Clock) -> None:
    """Answer errands; those that are decoded alike go together."""
    alike: dict[tuple[bool, DecodeOptions], list[Errand]] = {}
    for errand in errands:
        if not _is_stale(errand, books, clock.now()):
            alike.setdefault((errand.live, errand.options), []).append(errand)
    for group in alike.values():
        _decode(group, service, books, clock)


def _is_stale(errand: Errand, books: Books, now: float) -> bool:
    """Give a partial up that has waited too long."""
    late = errand.live and errand.urgency == Kind.PARTIAL and now - errand.asked > STALE
    if late:
        books.shed_one()
        errand.fail(Withdrawn("it came too late"))
    return late


def _decode(errands: Sequence[Errand], service: Service, books: Books, clock: Clock) -> None:
    live = errands[0].live
    final = errands[0].settles
    start = clock.now()
    lengths = [len(errand.window.samples) / SAMPLE_RATE for errand in errands]
    total = sum(lengths)
    books.asked(
        [(start - errand.asked) * 1000 for errand in errands], total if live and final else 0.0
    )
    for errand in errands:
        errand.begun.append(start)
    served = served_by(service)
    try:
        outcomes = service.decode([errand.window for errand in errands], errands[0].options)
    except BaseException as error:  # whoever waits is told, and others go on
        for errand in errands:
            errand.fail(error)
        outcomes = []
    # What replacing somebody took says nothing about how fast decoding is.
    busy = clock.now() - start if served_by(service) == served else 0.0
    shares: dict[str, float] = {}
    for errand, length in zip(errands, lengths, strict=True):
        shares[errand.guest] = shares.get(errand.guest, 0.0) + busy * length / (total or 1.0)
    books.answered(outcomes, shares, live=live, final=final)
    for errand, outcome in zip(errands, outcomes, strict=False):
        errand.done.set_result(outcome)
