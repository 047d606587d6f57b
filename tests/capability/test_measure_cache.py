"""Measurements survive the process, and what is broken counts as none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from echocli.capability import measure_cache as cache
from echocli.capability.measure import Work
from echocli.capability.profile import Profile
from echocli.capability.tiers import recommend
from echocli.environment import Environment

pytestmark = pytest.mark.unit

GB = 1024**3
PROFILE = Profile("Linux", "x86_64", "one", 2, 2, 2, 8 * GB, 8 * GB, 8 * GB)
ADVICE = recommend(PROFILE, ["tiny.en"], {"faster-whisper": ("cpu",)})
COSTS = {"tiny": Work(0.5, 0.25, 0.125)}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    cache.save(folder, "a", COSTS)
    cache.save(folder, "b", {"base": Work(1.0, 1.0, 1.0)})
    assert cache.load(folder, "a") == COSTS
    assert cache.load(folder, "c") is None
    assert [path.name for path in folder.iterdir()] == [cache.FILE]


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(cache.MOST + 1):
        cache.save(tmp_path, str(number), COSTS)
    assert cache.load(tmp_path, "0") is None
    assert cache.load(tmp_path, "1") == COSTS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"schema": "echocli/measurements/1"}',
        b'{"schema": "echocli/measurements/1", "entries": []}',
        b'{"schema": "echocli/measurements/0", "entries": {"a": {}}}',
        b'{"schema": "echocli/measurements/1", "entries": {"a": {}}}',
        b'{"schema": "echocli/measurements/1", "entries": {"a": 3}}',
        b'{"schema": "echocli/measurements/1", "entries": {"a": {"tiny": {"encode": 1}}}}',
    ],
)
def test_a_broken_file_counts_as_none_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / cache.FILE).write_bytes(content)
    assert cache.load(tmp_path, "a") is None
    cache.save(tmp_path, "a", COSTS)
    assert cache.load(tmp_path, "a") == COSTS


@pytest.mark.parametrize("value", ["nan", "-1", "inf", "0", "x", None])
def test_costs_that_no_measurement_gives_count_as_none(tmp_path: Path, value: object) -> None:
    costs = dict.fromkeys(("encode", "step", "row"), value)
    entries = {"schema": cache.SCHEMA, "entries": {"a": {"tiny": costs}}}
    (tmp_path / cache.FILE).write_text(json.dumps(entries))
    assert cache.load(tmp_path, "a") is None


def test_another_machine_or_way_of_running_is_another_key() -> None:
    keys = {
        cache.key(PROFILE, ADVICE),
        cache.key(replace(PROFILE, cpu="two"), ADVICE),
        cache.key(replace(PROFILE, allowed_cores=1), ADVICE),
        cache.key(replace(PROFILE, memory_allowed=4 * GB), ADVICE),
        cache.key(PROFILE, replace(ADVICE, threads=7)),
        cache.key(PROFILE, replace(ADVICE, slots=7)),
        cache.key(PROFILE, replace(ADVICE, device="cuda")),
        cache.key(PROFILE, replace(ADVICE, compute_type="float32")),
    }
    assert len(keys) == 8
    assert cache.key(replace(PROFILE, memory_available=1), ADVICE) in keys


def test_the_cache_moves_with_the_data_unless_it_has_a_place_of_its_own(tmp_path: Path) -> None:
    moved = {"ECHOCLI_DATA_DIR": str(tmp_path)}
    assert cache.directory(Environment(environ=moved)) == tmp_path / "cache"
    own = {**moved, "ECHOCLI_CACHE_DIR": str(tmp_path / "own")}
    assert cache.directory(Environment(environ=own)) == tmp_path / "own"
    assert cache.directory(Environment(environ={})).name == "echocli"
