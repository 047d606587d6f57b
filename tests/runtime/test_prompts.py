from __future__ import annotations

from dataclasses import replace

import pytest

from echocli.events import Notice
from echocli.providers.base import DecodeOptions, Hypothesis
from tests.runtime.conftest import Script, Supervise, window

pytestmark = pytest.mark.unit

PROMPTED = DecodeOptions(initial_prompt="Dear reader,")


@pytest.mark.parametrize(
    "options", [PROMPTED, DecodeOptions(hotwords="Ravenna")], ids=["prompt", "hotwords"]
)
def test_a_prompt_that_kills_the_worker_is_left_out_after_one_death(
    supervise: Supervise, script: Script, options: DecodeOptions
) -> None:
    supervisor = supervise(script(texts=["a", "b", "c"], crash_on_prompt=True))
    found = supervisor.decode([window(0), window(1)], options)
    assert [one.text for one in found if isinstance(one, Hypothesis)] == ["a", "b"]
    assert supervisor.restarts == 1
    codes = [event.code for event in supervisor.notices if isinstance(event, Notice)]
    assert codes == ["prompt_dropped", "worker_restarted"]


def test_it_stays_left_out_and_costs_no_second_death(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a", "b"], crash_on_prompt=True))
    supervisor.decode([window(0)], PROMPTED)
    found = supervisor.decode([window(1)], PROMPTED)
    assert [one.text for one in found if isinstance(one, Hypothesis)] == ["b"]
    assert supervisor.restarts == 1


def test_previous_text_is_a_prompt_too(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a"], crash_on_prompt=True))
    found = supervisor.decode([replace(window(0), previous=(7, 8))], DecodeOptions())
    assert [one.text for one in found if isinstance(one, Hypothesis)] == ["a"]
    assert supervisor.restarts == 1


def test_a_death_without_a_prompt_blames_none(supervise: Supervise, script: Script) -> None:
    supervisor = supervise(script(texts=["a", "b"], steps={"1": "crash"}))
    supervisor.decode([window(0)], DecodeOptions())
    supervisor.decode([window(1)], PROMPTED)
    codes = [event.code for event in supervisor.notices if isinstance(event, Notice)]
    assert codes == ["worker_restarted"]


def test_a_model_that_takes_over_with_the_same_library_gets_none_either(
    supervise: Supervise, script: Script
) -> None:
    first = supervise(script(name="first", texts=["a"], crash_on_prompt=True))
    second = supervise(script(name="second", texts=["b"], crash_on_prompt=True))
    second.unprompted = first.unprompted
    first.decode([window(0)], PROMPTED)
    found = second.decode([window(1)], PROMPTED)
    assert [one.text for one in found if isinstance(one, Hypothesis)] == ["b"]
    assert (first.restarts, second.restarts) == (1, 0)
