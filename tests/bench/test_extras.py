from __future__ import annotations

from dataclasses import fields

import pytest

from echocli.bench.assertions import ASSERTABLE, METRICS, parse
from echocli.bench.extras import METRICS as EXTRA
from echocli.bench.extras import Extras, cold_start, warming
from echocli.bench.live_figures import METRICS as LIVE
from echocli.clock import SystemClock
from echocli.runtime.supervisor import WarmRun

pytestmark = pytest.mark.unit


def test_every_extra_figure_can_be_asserted() -> None:
    assert [field.name for field in fields(Extras)] == list(EXTRA)
    assert list(ASSERTABLE) == [*METRICS, *EXTRA, *LIVE]
    assert parse("recovery_ms<5000").metric == "recovery_ms"


def test_warming_is_the_first_inference_and_all_of_them() -> None:
    assert warming([WarmRun(5.0, 30.0), WarmRun(1.0, 10.0)]) == (30.0, 40.0)
    assert warming([]) == (None, None)


def test_a_cold_start_is_a_whole_process() -> None:
    took = cold_start(SystemClock())
    assert took is not None
    assert took > 1
