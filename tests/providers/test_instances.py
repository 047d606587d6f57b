"""One instance a configuration, whoever asks and however many at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echocli.errors import ModelError, ProviderError
from echocli.providers import registry
from echocli.providers.base import LoadReport, LoadSpec, Provider
from echocli.providers.scripted import Scripted

pytestmark = pytest.mark.unit

Spec = Callable[..., LoadSpec]


class Counted(Scripted):
    """A provider that says when it is loaded and unloaded, and loads when it is let."""

    made: list[Counted]
    gate: threading.Event
    gates: dict[str, threading.Event]

    def _load(self) -> LoadReport:
        self.made.append(self)
        self.unloaded = 0
        assert self.gates.get(self.spec.model, self.gate).wait(10)
        return super()._load()

    def _unload(self) -> None:
        self.unloaded += 1


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spec]:
    """Return ``make(model, **script)`` for a provider ``counted``; nothing stays loaded."""
    Counted.made, Counted.gate, Counted.gates = [], threading.Event(), {}
    Counted.gate.set()
    registry.table.cache_clear()
    monkeypatch.setitem(registry.BUILTIN, "counted", f"{__name__}:Counted")
    monkeypatch.setattr(registry, "_places", {})

    def make(model: str = "a", **script: Any) -> LoadSpec:
        path = tmp_path / f"{model}.json"
        path.write_text(json.dumps(script))
        return LoadSpec("counted", model, str(path))

    yield make
    registry.table.cache_clear()


def ask(count: int, *specs: LoadSpec) -> list[Provider]:
    """Ask for instances from several threads at the same time."""
    start = threading.Barrier(count * len(specs))

    def one(wanted: LoadSpec) -> Provider:
        start.wait(10)
        return provider_of(wanted)

    with ThreadPoolExecutor(count * len(specs)) as pool:
        return list(pool.map(one, specs * count))


def provider_of(spec: LoadSpec) -> Provider:
    return registry.load(spec).provider


def test_many_threads_share_one_instance(spec: Spec) -> None:
    found = ask(16, spec())
    assert len(Counted.made) == 1
    assert set(map(id, found)) == {id(Counted.made[0])}


def test_every_field_of_the_configuration_tells_instances_apart(spec: Spec) -> None:
    one = spec()
    others = [replace(one, threads=2), replace(one, device="cuda"), replace(one, program="x")]
    assert len({id(provider_of(each)) for each in (one, *others)}) == 4


def test_a_load_that_takes_long_keeps_nobody_else_waiting(spec: Spec) -> None:
    slow, quick = spec("slow"), spec("quick")
    Counted.gates = {"slow": threading.Event()}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(provider_of, slow)
        assert provider_of(quick).spec == quick
        assert not waiting.done()
        Counted.gates["slow"].set()
        assert waiting.result(10).spec == slow


def test_a_failure_is_not_remembered(spec: Spec) -> None:
    broken = spec(load_error="no luck")
    for _ in range(2):
        with pytest.raises(ModelError, match="no luck"):
            provider_of(broken)
    assert provider_of(spec()) is Counted.made[-1]
    assert len(Counted.made) == 3


def test_what_is_released_is_unloaded_once_and_made_afresh(spec: Spec) -> None:
    wanted = spec()
    first = provider_of(wanted)
    registry.release(wanted)
    registry.release(wanted)
    assert isinstance(first, Counted)
    assert first.unloaded == 1
    assert provider_of(wanted) is not first


def test_loading_tells_what_it_gave_each_time(spec: Spec) -> None:
    wanted = spec(multilingual=True)
    assert registry.load(wanted) is registry.load(wanted)
    assert registry.load(wanted).report.multilingual


def test_what_cannot_run_here_is_refused_before_it_is_made() -> None:
    with pytest.raises(ProviderError, match="unknown provider 'none'"):
        provider_of(LoadSpec("none", "a", "a"))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=20))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_two_at_a_time_whatever_the_order(spec: Spec, steps: list[tuple[str, bool]]) -> None:
    """Each step asks for an instance or lets go of it, from a thread of its own."""
    Counted.made.clear()
    specs = {name: spec(name) for name in "ab"}

    def do(step: tuple[str, bool]) -> None:
        name, wanted = step
        if wanted:
            provider_of(specs[name])
        else:
            registry.release(specs[name])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(do, steps))
    for each in specs.values():
        registry.release(each)
    assert all(made.unloaded == 1 for made in Counted.made)
