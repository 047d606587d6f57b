from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec
from echocli.runtime.service import Service
from echocli.runtime.supervisor import Supervisor
from tests.runtime.conftest import Script, gone, window

pytestmark = pytest.mark.unit


@pytest.fixture
def serve() -> Iterator[list[Service]]:
    made: list[Service] = []
    yield made
    for service in made:
        service.close()


def started(serve: list[Service], spec: LoadSpec, *, both: bool = True) -> Service:
    service = Service(Supervisor(spec), holds_both=lambda _: both)
    service.current.ready()
    serve.append(service)
    return service


def said(service: Service) -> str:
    (outcome,) = service.current.decode([window(1)], DecodeOptions())
    assert isinstance(outcome, Hypothesis)
    return outcome.text


def test_the_other_model_takes_over_once_it_is_warm(script: Script, serve: list[Service]) -> None:
    service = started(serve, script(name="big", texts=["big"]))
    small = script(name="small", texts=["warm", "small"])
    service.want(small)
    assert (said(service), service.coming) == ("big", small)
    assert service.take_over(wait=True)
    assert (said(service), service.coming) == ("small", None)


def test_the_process_of_the_old_model_ends(script: Script, serve: list[Service]) -> None:
    service = started(serve, script(name="big"))
    pid = service.current.worker_pid
    service.want(script(name="small", texts=["x"]))
    service.take_over(wait=True)
    assert pid is not None
    assert gone(pid)


def test_nothing_takes_over_that_was_not_wanted(script: Script, serve: list[Service]) -> None:
    service = started(serve, script(name="big"))
    service.want(service.current.spec)
    assert service.coming is None
    assert not service.take_over(wait=True)


def test_a_wish_that_is_taken_back_ends_the_model_that_was_coming(
    script: Script, serve: list[Service]
) -> None:
    service = started(serve, script(name="big", texts=["big"]))
    service.want(script(name="small"))
    service.want(service.current.spec)
    assert not service.take_over(wait=True)
    assert said(service) == "big"
    children = psutil.Process().children()
    assert [child.pid for child in children if not gone(child.pid, 0)] == [
        service.current.worker_pid
    ]


def test_a_model_that_cannot_be_started_leaves_the_old_one_in_service(
    script: Script, serve: list[Service]
) -> None:
    service = started(serve, script(name="big", texts=["big"]))
    service.want(script(name="broken", load_error="the weights are damaged"))
    assert not service.take_over(wait=True)
    notice = service.notices.popleft()
    assert notice.code == "swap_failed"
    assert "the weights are damaged" in notice.message
    assert said(service) == "big"


def test_where_memory_does_not_hold_both_the_old_one_ends_first(
    script: Script, serve: list[Service]
) -> None:
    service = started(serve, script(name="big", texts=["big"]), both=False)
    pid = service.current.worker_pid
    service.want(script(name="small", texts=["warm", "small"]))
    assert pid is not None
    assert gone(pid)
    assert [notice.code for notice in service.notices] == ["cold_swap"]
    assert service.take_over(wait=True)
    assert said(service) == "small"


def test_a_cold_swap_that_fails_brings_the_old_one_back(
    script: Script, serve: list[Service]
) -> None:
    service = started(serve, script(name="big", texts=["big"]), both=False)
    service.want(script(name="broken", load_error="no"))
    assert not service.take_over(wait=True)
    assert said(service) == "big"
