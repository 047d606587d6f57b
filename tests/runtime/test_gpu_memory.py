from __future__ import annotations

from collections.abc import Sequence

import pytest

from echocli.capability.host import Output, State
from echocli.clock import SteppingClock
from echocli.runtime.gpu_memory import EVERY, GpuMemory, used

pytestmark = pytest.mark.unit

LISTED = "4711, 612\n4712, 90\n4711, 8\n4713, [N/A]\n"


class Smi:
    """Answers as nvidia-smi does, and counts."""

    def __init__(self, output: Output) -> None:
        self.asked = 0
        self._output = output

    def run(self, argv: Sequence[str]) -> Output:
        assert argv[0] == "nvidia-smi"
        self.asked += 1
        return self._output


def test_a_process_on_two_gpus_takes_the_sum() -> None:
    assert used(LISTED, 4711) == 620


@pytest.mark.parametrize("pid", [4713, 1, None])
def test_what_is_not_listed_is_not_known(pid: int | None) -> None:
    assert used(LISTED, pid) is None


def test_it_is_asked_now_and_then_and_nobody_waits() -> None:
    clock, smi = SteppingClock(), Smi(Output(State.OK, LISTED))
    memory = GpuMemory(lambda: 4711, clock, smi)
    memory.megabytes()
    memory.close()
    assert (memory.megabytes(), smi.asked) == (620, 1)
    clock.advance(EVERY)
    memory.megabytes()
    memory.close()
    assert smi.asked == 2


def test_without_the_tool_nothing_is_known() -> None:
    memory = GpuMemory(lambda: 4711, SteppingClock(), Smi(Output(State.MISSING)))
    memory.megabytes()
    memory.close()
    assert memory.megabytes() is None
