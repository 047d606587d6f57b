"""What the server says of itself, by what its model does."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from echocli.clock import SteppingClock
from echocli.errors import ModelError
from echocli.providers.base import LoadSpec
from echocli.runtime.host_standing import HostStanding
from echocli.runtime.lifecycle import State
from echocli.server.health import STATUS, UNTOLD, Capabilities, health
from echocli.server.metrics import _histogram
from echocli.server.problems import Problem
from echocli.server.readiness import Readiness
from tests.tools.strictly import check

pytestmark = pytest.mark.unit

STANDING = HostStanding(
    State.READY, True, False, LoadSpec("scripted", "m", "/m"), 12.34567, 5.0, None, 4711
)


def test_it_is_well_only_while_the_model_can_serve() -> None:
    status, body = health(STANDING, stopping=False)
    check("health", body)
    assert (status, body["status"], body["reason"]) == (200, "ok", None)
    assert (body["load_time_ms"], body["warmup_time_ms"]) == (12.3457, 5.0)


@pytest.mark.parametrize("state", State)
def test_in_no_state_is_it_well_without_a_live_worker(state: State) -> None:
    standing = replace(STANDING, state=state, serves=False, reason="because")
    status, body = health(standing, stopping=False)
    check("health", body)
    assert (status, body["model_ready"], body["model_state"]) == (503, False, str(state))
    assert body["status"] == STATUS[state] != "ok"
    assert body["reason"] == "because"


@pytest.mark.parametrize("serves", [False, True])
def test_a_worker_that_owes_an_answer_is_late_and_not_restarting(serves: bool) -> None:
    standing = replace(STANDING, serves=serves, late=True, reason="because")
    status, body = health(standing, stopping=False)
    check("health", body)
    assert (status, body["status"], body["model_ready"]) == (503, "late", False)


def test_it_is_not_well_while_it_ends() -> None:
    status, body = health(STANDING, stopping=True)
    check("health", body)
    assert (status, body["status"]) == (503, "stopping")


def test_a_path_of_weights_is_not_told() -> None:
    assert "/m" not in str(health(STANDING, stopping=False))


@pytest.mark.parametrize("model", ["/srv/models/mine", "C:\\models\\mine", "models/mine/", "mine"])
def test_of_a_model_that_is_a_path_the_last_part_is_told(model: str) -> None:
    spec = replace(STANDING.spec, model=model)
    _, body = health(replace(STANDING, spec=spec), stopping=False)
    assert body["model"] == "mine"


@pytest.mark.parametrize("reason", ["model '/srv/mine' is torn", r"C:\mine cannot be read"])
def test_a_reason_that_names_a_file_is_not_told(reason: str) -> None:
    standing = replace(STANDING, state=State.ERROR, serves=False, reason=reason)
    _, body = health(standing, stopping=False)
    assert body["reason"] == UNTOLD


def test_the_machine_is_looked_at_once_for_everybody_and_again_after_a_while() -> None:
    looks, clock = [0], SteppingClock()

    def look() -> dict[str, object]:
        looks[0] += 1
        return {"looks": looks[0]}

    async def scene() -> list[object]:
        found = Capabilities(look, clock)
        together = await asyncio.gather(*(found.get() for _ in range(5)))
        clock.advance(59)
        later = await found.get()
        clock.advance(2)
        return [*(one["looks"] for one in (*together, later, await found.get()))]

    assert asyncio.run(scene()) == [1, 1, 1, 1, 1, 1, 2]


class Model:
    """A model that somebody else makes ready, or not."""

    def __init__(self) -> None:
        self.asked = 0
        self.ready = threading.Event()
        self.error: ModelError | None = None

    def wait_ready(self, timeout: float) -> bool:
        self.asked += 1
        self.ready.wait(timeout)
        if self.error is not None:
            raise self.error
        return self.ready.is_set()


def test_all_wait_for_one() -> None:
    model = Model()

    async def scene() -> None:
        readiness = Readiness(model)
        waiting = [asyncio.create_task(readiness.wait()) for _ in range(20)]
        waiting[0].cancel()  # one that goes away takes nobody along
        await asyncio.sleep(0)
        model.ready.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert results[1:] == [None] * 19

    asyncio.run(scene())
    assert model.asked == 1


def test_a_model_that_does_not_come_is_told_with_a_time_to_come_back() -> None:
    async def scene() -> None:
        await Readiness(Model(), patience=0.05).wait()

    with pytest.raises(Problem) as caught:
        asyncio.run(scene())
    assert (caught.value.status, caught.value.code) == (503, "model_not_ready")
    assert caught.value.headers()["retry-after"] == "5"


def test_one_that_cannot_come_is_told_at_once_and_asked_for_again() -> None:
    model = Model()
    model.error = ModelError("the weights are torn")
    model.ready.set()

    async def scene() -> None:
        readiness = Readiness(model)
        for _ in range(2):
            with pytest.raises(Problem, match="torn"):
                await readiness.wait()
        model.error = None
        await readiness.wait()

    asyncio.run(scene())
    assert model.asked == 3


def test_counts_below_their_bounds_become_a_histogram() -> None:
    class One:
        def collect(self) -> list[Metric]:
            return [_histogram("waits_seconds", "Waits.", {"1": 2, "10": 1, "inf": 1}, 1500)]

    registry = CollectorRegistry()
    registry.register(One())
    text = generate_latest(registry).decode()
    assert 'echocli_waits_seconds_bucket{le="0.001"} 2.0' in text
    assert 'echocli_waits_seconds_bucket{le="0.01"} 3.0' in text
    assert 'echocli_waits_seconds_bucket{le="+Inf"} 4.0' in text
    assert "echocli_waits_seconds_sum 1.5" in text
    assert "echocli_waits_seconds_count 4.0" in text
