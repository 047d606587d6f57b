"""When memory counts as short, and when a worker has taken too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.capability.host import Host
from echocli.runtime.memory import (
    INTERVAL,
    MB,
    Budget,
    MemoryWatch,
    Reading,
    read,
)

pytestmark = pytest.mark.unit

GB = 1024 * MB
V2 = "0::/app/one\n"
V2_MOUNT = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "4:memory:/docker/x\n"
V1_MOUNT = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


@dataclass
class Counted:
    """Counts that a library would give."""

    ram: tuple[int, int | None] | None = (16 * GB, 8 * GB)

    def memory(self) -> tuple[int, int | None] | None:
        return self.ram

    def cores(self) -> tuple[int | None, int | None]:
        return None, None


class Probing:
    """A probe with prepared readings in MB of 4096; the last one stays."""

    def __init__(self, *available: float | None) -> None:
        self.left = list(available)
        self.calls = 0

    def __call__(self) -> Reading | None:
        self.calls += 1
        found = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        return None if found is None else Reading(found, 4096)


def linux(root: Path, files: dict[str, str], ram: tuple[int, int | None] | None = None) -> Host:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Host("Linux", "x86_64", root=root, counters=Counted(ram or (16 * GB, 8 * GB)))


def v2(directory: str, limit: object, used: object, cached: int = 0) -> dict[str, str]:
    stat = f"anon 5\ninactive_file {cached}\nactive_file 7\n"
    values = {"memory.max": limit, "memory.current": used, "memory.stat": stat}
    return {f"/sys/fs/cgroup{directory}/{name}": f"{value}\n" for name, value in values.items()}


def verdicts(probe: Probing, times: Sequence[float]) -> list[bool]:
    watch = MemoryWatch(probe)
    return [watch.is_short(now) for now in times]


def every(count: int) -> list[float]:
    return [INTERVAL * number for number in range(count)]


def available_mb(host: Host) -> float | None:
    reading = read(host)
    return None if reading is None else reading.available


def test_without_a_container_the_machine_counts(tmp_path: Path) -> None:
    assert read(linux(tmp_path, {})) == Reading(8 * 1024, 16 * 1024)


def test_a_container_of_version_2_counts_where_it_allows_less(tmp_path: Path) -> None:
    files = {"/proc/self/cgroup": V2, "/proc/self/mountinfo": V2_MOUNT}
    files |= v2("/app/one", "max", 400 * MB) | v2("/app", GB, 700 * MB, cached=100 * MB)
    assert read(linux(tmp_path, files)) == Reading(424, 1024)


def test_the_machine_counts_where_its_container_allows_more(tmp_path: Path) -> None:
    files = {"/proc/self/cgroup": V2, "/proc/self/mountinfo": V2_MOUNT}
    host = linux(tmp_path, files | v2("/app", 32 * GB, GB), (4 * GB, 300 * MB))
    assert read(host) == Reading(300, 4096)


def test_a_container_of_version_1_counts_with_the_files_of_those_below(tmp_path: Path) -> None:
    base = "/sys/fs/cgroup/memory/docker/x/memory"
    files = {
        "/proc/self/cgroup": V1,
        "/proc/self/mountinfo": V1_MOUNT,
        f"{base}.limit_in_bytes": f"{2 * GB}\n",
        f"{base}.usage_in_bytes": f"{GB}\n",
        f"{base}.stat": f"inactive_file 1\ntotal_inactive_file {256 * MB}\n",
    }
    assert read(linux(tmp_path, files)) == Reading(1280, 2048)


def test_a_container_over_its_limit_has_nothing_left(tmp_path: Path) -> None:
    files = {"/proc/self/cgroup": V2, "/proc/self/mountinfo": V2_MOUNT}
    assert available_mb(linux(tmp_path, files | v2("/app", GB, 2 * GB))) == 0


@pytest.mark.parametrize("used", ["", "x", "-1", "²"])
def test_a_container_that_cannot_be_read_is_passed_over(tmp_path: Path, used: str) -> None:
    files = {"/proc/self/cgroup": V2, "/proc/self/mountinfo": V2_MOUNT}
    assert available_mb(linux(tmp_path, files | v2("/app", GB, used))) == 8 * 1024


@pytest.mark.parametrize("counters", [None, Counted(None), Counted((GB, None))], ids=str)
def test_without_counts_nothing_is_known_and_never_short(counters: Counted | None) -> None:
    host = Host("Linux", "x86_64", counters=counters)
    assert available_mb(host) is None
    watch = MemoryWatch(lambda: read(host))
    assert not any(watch.is_short(now) for now in every(4))
    assert watch.holds(1e9)


def test_cgroups_are_looked_for_on_linux_only(tmp_path: Path) -> None:
    files = {"/proc/self/cgroup": V2, "/proc/self/mountinfo": V2_MOUNT}
    host = linux(tmp_path, files | v2("/app", GB, GB))
    other = Host("Darwin", "arm64", root=host.root, counters=host.counters)
    assert available_mb(other) == 8 * 1024


def test_this_machine_can_be_read() -> None:
    pytest.importorskip("psutil")
    reading = read()
    assert reading is not None
    assert 0 <= reading.available <= reading.total
    watch = MemoryWatch()
    assert watch.is_short(0.0) is False  # one reading never counts
    assert not watch.holds(2 * reading.total)


@pytest.mark.parametrize(
    ("total", "threshold"), [(512, 256), (5120, 256), (8192, 409.6), (24_576, 1228.8)]
)
def test_what_must_stay_free_grows_with_the_machine(total: float, threshold: float) -> None:
    assert Reading(0, total).threshold == pytest.approx(threshold)


def test_two_low_readings_in_a_row_are_short_and_one_is_not() -> None:
    probe = Probing(200, 300, 255, 255, 300)
    assert verdicts(probe, every(5)) == [False, False, False, True, True]


def test_it_is_over_only_well_above_the_threshold() -> None:
    probe = Probing(100, 100, 300, 384, 385, 300)
    assert verdicts(probe, every(6)) == [False, True, True, True, False, False]


def test_a_reading_that_fails_ends_it() -> None:
    assert verdicts(Probing(100, 100, None, 100), every(4)) == [False, True, False, False]


def test_it_looks_at_most_every_two_seconds() -> None:
    probe = Probing(100)
    assert verdicts(probe, [0.0, 0.5, 1.99, 2.0, 2.1, 3.9]) == [False] * 3 + [True] * 3
    assert probe.calls == 2


def test_so_much_more_fits_as_leaves_the_threshold() -> None:
    watch = MemoryWatch(Probing(1000))
    assert watch.holds(744)
    assert not watch.holds(745)


@given(st.lists(st.floats(0, 4096), max_size=30))
def test_it_begins_below_the_threshold_and_ends_above_the_relief(found: list[float]) -> None:
    before = False
    for available, short in zip(
        found, verdicts(Probing(*found, 0), every(len(found))), strict=True
    ):
        if short and not before:
            assert available < 256
        if before and not short:
            assert available > 384
        before = short


def test_a_limit_of_the_user_counts_whatever_the_worker_took_before() -> None:
    budget = Budget(400, 100 * MB)
    assert not budget.exceeded(400 * MB)
    assert budget.exceeded(400 * MB + 1)


@pytest.mark.parametrize(("warm", "most"), [(255, 755), (500, 1000), (2000, 4000)])
def test_without_a_limit_it_may_double_or_grow_by_500(warm: int, most: int) -> None:
    budget = Budget(None, warm * MB)
    assert budget.attainable
    assert not budget.exceeded(most * MB)
    assert budget.exceeded(most * MB + 1)


def test_what_is_not_known_is_not_exceeded() -> None:
    assert not Budget(None, 0).exceeded(10 * GB)
    assert not Budget(400, 300 * MB).exceeded(0)
    assert Budget(None, 0).attainable


def test_a_limit_below_a_warm_worker_cannot_be_kept() -> None:
    assert not Budget(200, 255 * MB).attainable
    assert Budget(255, 255 * MB).attainable
