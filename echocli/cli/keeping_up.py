"""What ``transcribe`` and ``live`` do to keep up and not to fall over, as the options say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from echocli import log
from echocli.capability import footprint_cache, measure_cache
from echocli.capability.footprint import Demand, needed_mb
from echocli.capability.standins import is_faster
from echocli.cli.fallbacks import standins
from echocli.cli.session import Setup
from echocli.config import Setting, Settings
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.providers.base import LoadSpec

if TYPE_CHECKING:
    from echocli.runtime.adjusting import Adjuster
    from echocli.runtime.ladder import LadderOptions
    from echocli.runtime.operating import Choices, OperatingPoint
    from echocli.runtime.service import Service
    from echocli.runtime.supervisor import Supervisor
    from echocli.runtime.watch import Watch

DEFAULTS: Mapping[str, Any] = {
    "degrade": True,
    "ladder": "",
    "fallback": None,
    "drop_policy": "spool",
    "outage_seconds": 60.0,
    "unload_after": 600.0,
    "max_memory_mb": None,
    "metrics_file": None,
    "metrics_seconds": 60.0,
    "log_level": None,
    "log_file": None,
}
"""Settings of this module and their defaults."""

LONG = 300.0
"""Seconds of sound after which the memory of a worker tells something."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for."""

    degrade: bool
    ladder: str
    fallback: str | None
    drop_policy: str
    outage_seconds: float
    unload_after: float
    max_memory_mb: int | None
    metrics_file: Path | None
    metrics_seconds: float
    log_level: str | None
    log_file: Path | None
    simulate_load: str | None


def wishes_of(environment: Environment, given: Mapping[str, Any]) -> Wishes:
    """Return what parameters, environment and config file say; begin to log if they say so."""
    settings = Settings(environment)
    found = {
        name: settings.get(name, given.get(name), default) for name, default in DEFAULTS.items()
    }
    values = {name: setting.value for name, setting in found.items()}
    wishes = Wishes(**values, simulate_load=given.get("simulate_load"))
    _check_ladder(found["ladder"])
    if wishes.log_level is not None or wishes.log_file is not None:
        log.configure(wishes.log_file or environment.stderr, wishes.log_level or "info")
    return wishes


def _check_ladder(setting: Setting) -> None:
    """Refuse thresholds that make no sense, and say where they come from."""
    try:
        parse_ladder(setting.value)
    except UsageError as error:
        where = "--ladder" if setting.source == "flag" else f"ladder from {setting.source}"
        raise UsageError(f"{where}: {error}", hint=error.hint) from error


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


@contextmanager
def served(
    setup: Setup, wishes: Wishes, environment: Environment, *, waits: bool
) -> Iterator[Served]:
    """Start the model without waiting for it, and leave no process behind.

    Sound that ``waits``, a file, need not be listened to while no model can be used.
    """
    from echocli.runtime.memory import MemoryWatch
    from echocli.runtime.metrics_file import MetricsFile
    from echocli.runtime.service import Service, ServiceOptions
    from echocli.runtime.watch import Watch

    clock, folder = environment.clock, measure_cache.directory(environment)
    measured = footprint_cache.load(folder)

    def needed(spec: LoadSpec) -> float | None:
        return needed_mb(Demand.of(spec), measured)

    room = MemoryWatch()
    service = Service(
        setup.spec,
        standins(setup, environment, wishes.fallback, english=setup.writes_english).fallbacks,
        make=_maker(setup, wishes, environment),
        holds_both=lambda spec: room.holds(needed(spec) or 0.0),
        clock=clock,
        options=ServiceOptions(outage=0.0 if waits else wishes.outage_seconds),
    )
    metrics = None
    if wishes.metrics_file is not None:
        metrics = MetricsFile(wishes.metrics_file, clock, wishes.metrics_seconds)
    watch = Watch(
        service,
        clock,
        limit_mb=wishes.max_memory_mb,
        needed=needed,
        metrics=metrics,
        memory=MemoryWatch(),
    )
    service.begin()
    try:
        yield Served(service, watch)
        _remember_memory(service, watch, folder)
    except BaseException:
        service.kill()
        raise
    finally:
        service.close()
        watch.close()  # where the run did not come to its end; figures of the end stay as they are


def _maker(
    setup: Setup, wishes: Wishes, environment: Environment
) -> Callable[[LoadSpec], Supervisor]:
    """Return how a model is supervised."""
    from echocli.models.verify import check
    from echocli.runtime.service import LEAVING
    from echocli.runtime.slowdown import Slowdown
    from echocli.runtime.supervisor import Supervisor

    slowdown = None
    if wishes.simulate_load is not None:
        slowdown = Slowdown.parse(wishes.simulate_load, environment.clock)
    on_cpu = {setup.spec: setup.fallback}
    here = {str(found.path): found for found in setup.models}
    if setup.found is not None:
        here[setup.spec.path] = setup.found

    unprompted: set[str] = set()

    def make(spec: LoadSpec) -> Supervisor:
        supervisor = Supervisor(spec, policy=LEAVING, fallback=on_cpu.get(spec))
        supervisor.unprompted = unprompted
        if slowdown is not None:
            supervisor.slowdown = slowdown
        if (found := here.get(spec.path)) is not None:
            supervisor.check = lambda: check(found, environment)
        return supervisor

    return make


def _remember_memory(service: Service, watch: Watch, folder: Path) -> None:
    """Keep what the worker took, once it has seen enough to have taken all it ever will."""
    long = watch.health.counters()["audio_seconds"] >= LONG
    if long and not service.restarts and not service.handed_over:
        with suppress(OSError):
            footprint_cache.note(folder, Demand.of(service.spec), service.peak_rss_bytes / 2**20)


def adjuster(
    setup: Setup,
    wishes: Wishes,
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
    from echocli.runtime.ladder import Ladder, Rung

    options, window = parse_ladder(wishes.ladder)

    def choices(*, english: bool) -> Choices:
        from echocli.runtime.operating import Choices, operating_point

        found = standins(setup, environment, wishes.fallback, english=english)
        less = () if keeps_model else found.smaller
        fallback = found.next[0] if found.next else None
        made = Choices(point, less, fallback, live=live, keeps_beam=keeps_beam)
        lowest = operating_point(made, Rung.EMERGENCY).spec
        ways = (*found.next, *reversed(less))
        return replace(made, rescue=next((it for it in ways if is_faster(it, lowest)), None))

    plain, english = choices(english=setup.writes_english), choices(english=setup.may_be_english)
    return Adjuster(
        plain,
        service,
        Ladder(options) if wishes.degrade else None,
        english=english,
        window=window,
    )
