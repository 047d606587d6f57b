"""What is done to keep up and not to fall over, as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echocli.api.fallbacks import standins
from echocli.api.setup import Setup
from echocli.capability import footprint_cache, measure_cache
from echocli.capability.footprint import Demand, needed_mb
from echocli.capability.standins import is_faster
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.models.store import Found
from echocli.providers.base import LoadSpec

if TYPE_CHECKING:
    from echocli.runtime.adjusting import Adjuster
    from echocli.runtime.ladder import LadderOptions
    from echocli.runtime.operating import Choices, OperatingPoint
    from echocli.runtime.service import Service
    from echocli.runtime.supervisor import Supervisor
    from echocli.runtime.watch import Watch

LONG = 300.0
"""Seconds of sound after which the memory of a worker tells something."""


def ladder_of(chosen: Chosen) -> tuple[LadderOptions, float]:
    """Return the thresholds; raise ``UsageError`` that says where those come from."""
    try:
        return parse_ladder(chosen["ladder"])
    except UsageError as error:
        raise UsageError(f"{chosen.named('ladder')}: {error}", hint=error.hint) from error


def parse_ladder(text: str) -> tuple[LadderOptions, float]:
    """Return thresholds from ``rtf=0.8/1/1.2,calm=30`` and the window of the RTF in seconds."""
    from echocli.runtime.ladder import LadderOptions
    from echocli.runtime.rtf import LoadMeter

    values: dict[str, Any] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, value = part.partition("=")
        try:
            values[name.strip()] = _threshold(name.strip(), value)
        except ValueError:
            raise UsageError(
                f"'{part}' is no threshold",
                hint="NAME=VALUE or NAME=LOW/MIDDLE/HIGH, above 0; names: " + ", ".join(_NAMES),
            ) from None
    window = values.pop("window", LoadMeter().window)
    return LadderOptions(**values), window


_NAMES = ("rtf", "backlog", "recovery", "calm", "dwell", "hopeless", "patience", "window")


def _threshold(name: str, value: str) -> float | tuple[float, ...]:
    numbers = tuple(float(number) for number in value.split("/"))
    if name not in _NAMES or not all(0 < number < float("inf") for number in numbers):
        raise ValueError(name)
    if len(numbers) != (3 if name in ("rtf", "backlog") else 1):
        raise ValueError(name)
    return numbers if len(numbers) == 3 else numbers[0]


@dataclass(frozen=True, slots=True)
class Served:
    """A model that is being loaded, and who watches over it."""

    service: Service
    watch: Watch
    learn: Callable[[Setup], None]
    """Takes what is known of a model that was asked for later, before it is."""


@contextmanager
def served(setup: Setup, environment: Environment, *, waits: bool) -> Iterator[Served]:
    """Start the model without waiting for it, and leave no process behind.

    Sound that ``waits``, a file, need not be listened to while no model can be used.
    """
    from echocli.runtime.memory import MemoryWatch
    from echocli.runtime.metrics_file import MetricsFile
    from echocli.runtime.service import Service, ServiceOptions
    from echocli.runtime.watch import Watch

    chosen, clock, folder = setup.chosen, environment.clock, measure_cache.directory(environment)
    measured = footprint_cache.load(folder)

    def needed(spec: LoadSpec) -> float | None:
        return needed_mb(Demand.of(spec), measured)

    room, maker = MemoryWatch(), _Maker(setup, environment)
    service = Service(
        setup.spec,
        standins(setup, environment, english=setup.writes_english).fallbacks,
        make=maker,
        holds_both=lambda spec: room.holds(needed(spec) or 0.0),
        clock=clock,
        options=ServiceOptions(outage=0.0 if waits else chosen["outage_seconds"]),
    )
    metrics = None
    if chosen["metrics_file"] is not None:
        metrics = MetricsFile(chosen["metrics_file"], clock, chosen["metrics_seconds"])
    watch = Watch(
        service,
        clock,
        limit_mb=chosen["max_memory_mb"],
        needed=needed,
        metrics=metrics,
        memory=MemoryWatch(),
    )
    service.begin()
    try:
        yield Served(service, watch, maker.learn)
        _remember_memory(service, watch, folder)
    except BaseException:
        service.kill()
        raise
    finally:
        service.close()
        watch.close()  # where the run did not come to its end; figures of the end stay as they are


class _Maker:
    """Say how a model is supervised."""

    def __init__(self, setup: Setup, environment: Environment) -> None:
        from echocli.runtime.slowdown import Slowdown

        load = setup.chosen["simulate_load"]
        with setup.chosen.naming("simulate_load"):
            self._slowdown = None if load is None else Slowdown.parse(load, environment.clock)
        self._environment = environment
        self._unprompted: set[str] = set()
        self._on_cpu: dict[LoadSpec, LoadSpec | None] = {}
        self._here: dict[str, Found] = {}
        self.learn(setup)

    def learn(self, setup: Setup) -> None:
        """Take what is known of the weights that are here, and of who stands in for a model."""
        self._here |= {str(found.path): found for found in setup.models}
        if setup.found is not None:
            self._here[setup.spec.path] = setup.found
        self._on_cpu[setup.spec] = setup.fallback

    def __call__(self, spec: LoadSpec) -> Supervisor:
        """Return the supervisor of a model."""
        from echocli.models.verify import check
        from echocli.runtime.policy import LEAVING
        from echocli.runtime.supervisor import Supervisor

        supervisor = Supervisor(spec, policy=LEAVING, fallback=self._on_cpu.get(spec))
        supervisor.unprompted = self._unprompted
        if self._slowdown is not None:
            supervisor.slowdown = self._slowdown
        if (found := self._here.get(spec.path)) is not None:
            supervisor.check = lambda: check(found, self._environment)
        return supervisor


def _remember_memory(service: Service, watch: Watch, folder: Path) -> None:
    """Keep what the worker took, once it has seen enough to have taken all it ever will."""
    long = watch.health.counters()["audio_seconds"] >= LONG
    if long and not service.restarts and not service.handed_over:
        with suppress(OSError):
            footprint_cache.note(folder, Demand.of(service.spec), service.peak_rss_bytes / 2**20)


def choices_of(
    setup: Setup,
    environment: Environment,
    point: OperatingPoint,
    *,
    english: bool,
    live: bool,
    keeps_model: bool = False,
    keeps_beam: bool = False,
) -> Choices:
    """Return what there is to go down to from ``point``; ``english`` is spoken for certain."""
    from echocli.runtime.ladder import Rung
    from echocli.runtime.operating import Choices, operating_point

    found = standins(setup, environment, english=english)
    less = () if keeps_model else found.smaller
    fallback = found.next[0] if found.next else None
    made = Choices(point, less, fallback, live=live, keeps_beam=keeps_beam)
    lowest = operating_point(made, Rung.EMERGENCY).spec
    ways = (*found.next, *reversed(less))
    return replace(made, rescue=next((it for it in ways if is_faster(it, lowest)), None))


def adjuster(
    setup: Setup,
    environment: Environment,
    service: Service,
    point: OperatingPoint,
    *,
    live: bool,
    keeps_model: bool = False,
    keeps_beam: bool = False,
) -> Adjuster:
    """Return what follows the ladder from ``point`` on.

    What was asked for by name is kept for a file; live speech comes whether or not there is time.
    """
    from echocli.runtime.adjusting import Adjuster
    from echocli.runtime.ladder import Ladder

    options, window = ladder_of(setup.chosen)
    plain, english = (
        choices_of(
            setup,
            environment,
            point,
            english=known,
            live=live,
            keeps_model=keeps_model,
            keeps_beam=keeps_beam,
        )
        for known in (setup.writes_english, setup.may_be_english)
    )
    return Adjuster(
        plain,
        service,
        Ladder(options) if setup.chosen["degrade"] else None,
        english=english,
        window=window,
    )
