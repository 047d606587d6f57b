from __future__ import annotations

import io
import os

import pytest
from rich.console import Console

from echocli.clock import SteppingClock
from echocli.output.progress import TerminalBar, figures

pytestmark = pytest.mark.unit


def test_figures_leave_out_what_is_not_known() -> None:
    times = "\N{MULTIPLICATION SIGN}"
    assert figures(5.0, None, 0.0) == "0:05"
    assert figures(5.0, None, 2.0) == f"0:05  2.0{times}"
    assert figures(5.0, 5.0, 250.0) == f"0:05 / 0:05  250{times}"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")
def test_a_terminal_that_goes_away_stops_nothing() -> None:
    master, slave = os.openpty()
    clock = SteppingClock()
    # Unbuffered, so that nothing is left that closing would write.
    with os.fdopen(slave, "wb", buffering=0) as raw:
        stream = io.TextIOWrapper(raw, write_through=True)
        bar = TerminalBar(clock, Console(file=stream, force_terminal=True), "talk.wav")
        bar.start()
        bar.update(1.0, 60.0)
        os.close(master)
        for position in (2.0, 3.0):
            clock.advance(1.0)
            bar.update(position, 60.0)
        bar.stop()
        stream.detach()
