"""Records next to models: kept whole, and none where they make no sense."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import ModelError
from echocli.models.records import FileRecord, Record, read_record, record_path, write_record

pytestmark = pytest.mark.unit

RECORD = Record(
    "base",
    "ct2",
    "hf:Systran/faster-whisper-base",
    "abc",
    {"model.bin": FileRecord(7, "a" * 64)},
    "float16",
    "b" * 64,
    "2026-01-02T03:04:05+00:00",
)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert read_record(tmp_path) == RECORD
    assert record_path(tmp_path) == tmp_path / "echocli.json"
    assert json.loads((tmp_path / "echocli.json").read_bytes())["from"] == "b" * 64


def test_the_record_of_a_file_lies_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "ggml-base.bin"
    file.touch()
    write_record(file, replace(RECORD, time=""))
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, f"{file.name}.json"]
    found = read_record(file)
    assert found is not None
    assert found.time.endswith("+00:00")


@given(cut=st.integers(0, 300))
def test_a_damaged_record_counts_as_none(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut"
    path.mkdir(exist_ok=True)
    write_record(path, RECORD)
    file = record_path(path)
    file.write_bytes(file.read_bytes()[:cut])
    assert read_record(path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"name": 3},
        {"files": []},
        {"files": {"model.bin": {"bytes": -1, "sha256": "a" * 64}}},
        {"files": {"model.bin": {"bytes": 7, "sha256": "short"}}},
        {"from": 5},
    ],
)
def test_a_record_that_makes_no_sense_counts_as_none(
    tmp_path: Path, change: dict[str, object]
) -> None:
    write_record(tmp_path, RECORD)
    file = record_path(tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_bytes()), **change}))
    assert read_record(tmp_path) is None


def test_a_record_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be written") as caught:
        write_record(tmp_path / "gone" / "ggml-base.bin", RECORD)
    assert caught.value.hint
