"""Going back to the revision before, and being killed on the way."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from echocli.errors import ModelError
from echocli.models import previous
from echocli.models.records import Record, read_record, write_record
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit

KILLED = """
import os, sys
from pathlib import Path
from echocli.models import previous

left = int(sys.argv[4])

def die(event, arguments):
    global left
    if event in ("os.rename", "shutil.rmtree", "os.remove", "shutil.copyfile"):
        left -= 1
        if left < 0:
            os._exit(9)

sys.addaudithook(die)
getattr(previous, sys.argv[1])(Path(sys.argv[2]), sys.argv[3])
"""
"""Do one thing to a store, and end without notice before the given change."""


TEXTS = ("old", "new", "next", "only", "first", "second", "third")
"""What tells revisions apart."""


def put(store: Path, entry: str, text: str) -> None:
    """Make a revision: a directory, or a file with its record beside it."""
    path = store / entry
    if entry.endswith(".bin"):
        content = make_ggml(path).read_bytes()
        path.write_bytes(content[:-4] + text.encode()[:4].ljust(4))
        write_record(path, Record(entry, "ggml", f"hf:{text}"))
    else:
        make_model(path, weights=text)
        (path / "config.json").write_text(text)


def seen(path: Path) -> str | None:
    """Return which revision is under a path."""
    if path.is_dir():
        texts = {(path / name).read_text() for name in ("model.bin", "config.json")}
        return texts.pop() if len(texts) == 1 else "mixed"
    start = path.read_bytes()[-4:].decode().strip() if path.exists() else None
    return next((text for text in TEXTS if start and text.startswith(start)), None)


def current(store: Path, entry: str) -> str | None:
    return next((text for path in previous.places(store, entry) if (text := seen(path))), None)


def update(store: Path, entry: str, text: str) -> None:
    """Bring a new revision as a pull does: whole under another name, then renamed."""
    put(store / "new", entry, text)
    previous.keep(store, entry)
    bring(store / "new", store, entry)


def bring(new: Path, store: Path, entry: str) -> None:
    if entry.endswith(".bin"):
        (new / f"{entry}.json").replace(store / f"{entry}.json")
    (new / entry).rename(store / entry)


def damage(path: Path) -> None:
    """Leave half of a model."""
    if path.is_dir():
        (path / "tokenizer.json").unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9])


@pytest.fixture(params=["base", "ggml-base.bin"])
def entry(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_going_back_and_forth_exchanges_the_two(tmp_path: Path, entry: str) -> None:
    put(tmp_path, entry, "old")
    update(tmp_path, entry, "new")
    assert current(tmp_path, entry) == "new"
    for expected in ("old", "new", "old"):
        assert previous.rollback(tmp_path, entry) == tmp_path / entry
        assert current(tmp_path, entry) == expected
    assert previous.kept(tmp_path, entry) is not None


def test_the_record_of_a_file_goes_with_it(tmp_path: Path) -> None:
    entry = "ggml-base.bin"
    put(tmp_path, entry, "old")
    update(tmp_path, entry, "new")
    path = previous.rollback(tmp_path, entry)
    record = read_record(path)
    assert record is not None
    assert record.source == "hf:old"


def test_only_one_revision_is_kept(tmp_path: Path, entry: str) -> None:
    put(tmp_path, entry, "first")
    update(tmp_path, entry, "second")
    update(tmp_path, entry, "third")
    previous.rollback(tmp_path, entry)
    assert current(tmp_path, entry) == "second"


def test_a_damaged_present_one_does_not_replace_what_is_kept(tmp_path: Path, entry: str) -> None:
    put(tmp_path, entry, "first")
    update(tmp_path, entry, "second")
    damage(tmp_path / entry)
    update(tmp_path, entry, "third")
    assert previous.rollback(tmp_path, entry)
    assert current(tmp_path, entry) == "first"


def test_a_damaged_present_one_is_not_kept_when_going_back(tmp_path: Path, entry: str) -> None:
    put(tmp_path, entry, "old")
    update(tmp_path, entry, "new")
    damage(tmp_path / entry)
    previous.rollback(tmp_path, entry)
    assert current(tmp_path, entry) == "old"
    assert previous.kept(tmp_path, entry) is None


def test_there_is_no_going_back_to_half_a_model(tmp_path: Path, entry: str) -> None:
    put(tmp_path, entry, "old")
    update(tmp_path, entry, "new")
    damage(tmp_path / previous.DIRECTORY / entry)
    assert previous.kept(tmp_path, entry) is None
    with pytest.raises(ModelError, match="no earlier revision"):
        previous.rollback(tmp_path, entry)
    assert current(tmp_path, entry) == "new"


def test_going_back_without_an_earlier_revision_is_an_error(tmp_path: Path, entry: str) -> None:
    put(tmp_path, entry, "only")
    with pytest.raises(ModelError, match="no earlier revision") as caught:
        previous.rollback(tmp_path, entry)
    assert caught.value.hint
    assert current(tmp_path, entry) == "only"


def test_removing_takes_the_earlier_revision_too(tmp_path: Path, entry: str) -> None:
    put(tmp_path, entry, "old")
    update(tmp_path, entry, "new")
    previous.remove(tmp_path, entry)
    assert current(tmp_path, entry) is None
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".lock"]


@pytest.mark.parametrize("action", ["keep", "rollback"])
def test_a_process_killed_between_any_two_steps_leaves_a_whole_model(
    tmp_path: Path, entry: str, action: str
) -> None:
    for step in count():
        store = tmp_path / str(step)
        put(store, entry, "old")
        update(store, entry, "new")
        command = [sys.executable, "-c", KILLED, action, str(store), entry, str(step)]
        if subprocess.run(command, check=False, timeout=60).returncode == 0:
            break
        assert current(store, entry) in ("old", "new")
        assert_recorded(store, entry)
        go_on(store, entry)
    assert step >= 3


def assert_recorded(store: Path, entry: str) -> None:
    """See that the record of a file has stayed with it."""
    path = next(path for path in previous.places(store, entry) if path.exists())
    if path.is_file():
        record = read_record(path)
        assert record is not None
        assert record.source == f"hf:{seen(path)}"


def go_on(store: Path, entry: str) -> None:
    """Update and go back after what happened, whatever it was."""
    put(store / "next", entry, "next")
    previous.keep(store, entry)
    assert current(store, entry) in ("old", "new")
    bring(store / "next", store, entry)
    assert current(store, entry) == "next"
    previous.rollback(store, entry)
    assert current(store, entry) in ("old", "new")
    left = {path.name for path in (store / previous.DIRECTORY).iterdir()}
    assert left <= {".lock", entry, f"{entry}.json"}


def test_a_store_that_cannot_be_changed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / previous.DIRECTORY).touch()
    with pytest.raises(ModelError, match="cannot be changed") as caught:
        previous.keep(tmp_path, "base")
    assert caught.value.hint
