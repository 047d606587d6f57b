"""What workers took survives the process, and what is broken counts as none."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from echocli.capability import footprint_cache as cache
from echocli.capability.footprint import Demand

pytestmark = pytest.mark.unit

DEMAND = Demand("faster-whisper", "tiny.en", "cpu", "int8", 2, 75_537_502)


def entries(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / cache.FILE).read_bytes())["entries"]
    return found


def rewrite(folder: Path, content: list[Any]) -> None:
    text = json.dumps({"schema": cache.SCHEMA, "entries": content})
    (folder / cache.FILE).write_text(text)


def test_what_is_noted_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    assert cache.known(folder, DEMAND) is None
    cache.note(folder, DEMAND, 346.04)
    cache.note(folder, replace(DEMAND, slots=1), 258)
    assert cache.load(folder) == {DEMAND: 346.0, replace(DEMAND, slots=1): 258.0}
    assert [path.name for path in folder.iterdir()] == [cache.FILE]


def test_only_more_replaces_what_is_known(tmp_path: Path) -> None:
    for megabytes in (300, 400, 350, 400):
        cache.note(tmp_path, DEMAND, megabytes)
    assert cache.load(tmp_path) == {DEMAND: 400.0}
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize("megabytes", [0, -1, float("nan"), float("inf")])
def test_what_could_not_be_measured_is_not_kept(tmp_path: Path, megabytes: float) -> None:
    cache.note(tmp_path, DEMAND, megabytes)
    assert not list(tmp_path.iterdir())


def test_another_version_is_forgotten_and_replaced_even_by_less(tmp_path: Path) -> None:
    cache.note(tmp_path, DEMAND, 400)
    (old,) = entries(tmp_path)
    rewrite(tmp_path, [{**old, "versions": ["0.0.0"]}])
    assert cache.known(tmp_path, DEMAND) is None
    cache.note(tmp_path, DEMAND, 300)
    assert cache.load(tmp_path) == {DEMAND: 300.0}
    assert len(entries(tmp_path)) == 1


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for slots in range(cache.MOST):
        cache.note(tmp_path, replace(DEMAND, slots=slots), 100)
    cache.note(tmp_path, replace(DEMAND, slots=0), 200)
    cache.note(tmp_path, replace(DEMAND, slots=cache.MOST), 100)
    kept = {demand.slots for demand in cache.load(tmp_path)}
    assert kept == {0, *range(2, cache.MOST + 1)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"schema": "echocli/footprints/1"}',
        b'{"schema": "echocli/footprints/1", "entries": {}}',
        b'{"schema": "echocli/footprints/1", "entries": [3, null, {}, {"demand": 3}]}',
        b'{"schema": "echocli/footprints/0", "entries": []}',
    ],
)
def test_a_broken_file_counts_as_none_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / cache.FILE).write_bytes(content)
    assert cache.load(tmp_path) == {}
    cache.note(tmp_path, DEMAND, 300)
    assert cache.load(tmp_path) == {DEMAND: 300.0}


@pytest.mark.parametrize(
    "change",
    [
        {"mb": "300"},
        {"mb": 0},
        {"mb": float("nan")},
        {"mb": True},
        {"mb": None},
        {"mb": 10**400},
        {"demand": []},
        {"demand": {"model": "tiny.en"}},
        {"demand": {**asdict(DEMAND), "slots": "2"}},
    ],
)
def test_a_broken_entry_does_not_hide_the_others(tmp_path: Path, change: dict[str, Any]) -> None:
    other = replace(DEMAND, model="base")
    cache.note(tmp_path, DEMAND, 300)
    cache.note(tmp_path, other, 500)
    first, second = entries(tmp_path)
    rewrite(tmp_path, [{**first, **change}, second])
    assert cache.load(tmp_path) == {other: 500.0}


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        cache.note(tmp_path / "file" / "cache", DEMAND, 300)


def test_a_failed_replacement_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / cache.FILE).mkdir()
    assert cache.load(tmp_path) == {}
    with pytest.raises(OSError, match=cache.FILE):
        cache.note(tmp_path, DEMAND, 300)
    assert [path.name for path in tmp_path.iterdir()] == [cache.FILE]
