"""Digests computed once, revisions told by where a model is, and what was pinned."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.identity import (
    Identity,
    digest,
    ensure,
    expected,
    identity,
    known_digest,
    require_pinned,
)
from echocli.models.records import FileRecord, Record, write_record
from echocli.models.store import Found, Store
from tests.models.modelfiles import make_model

pytestmark = pytest.mark.unit

SHA256 = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(
        environ={"ECHOCLI_DATA_DIR": str(tmp_path / "data"), "HF_HOME": str(tmp_path / "hf")}
    )


@pytest.fixture
def found(env: Environment) -> Found:
    store = Store(env)
    make_model(store.directory / "base")
    return store.require("base")


def cached(tmp_path: Path, *, weights: bytes = b"weights") -> Path:
    """Make a model in a Hugging Face cache, with the weights as a link to their blob."""
    repo = tmp_path / "hf/hub/models--Systran--faster-whisper-base"
    path = make_model(repo / "snapshots" / ("c" * 40), without="model.bin")
    (repo / "blobs").mkdir()
    (repo / "blobs" / SHA256).write_bytes(weights)
    (path / "model.bin").symlink_to(f"../../blobs/{SHA256}")
    return path


class TestDigest:
    def test_it_is_known_from_the_second_time_on(self, tmp_path: Path) -> None:
        file = tmp_path / "model.bin"
        file.write_text("weights")
        assert known_digest(file, tmp_path / "store") is None
        assert digest(file, tmp_path / "store") == SHA256
        assert known_digest(file, tmp_path / "store") == SHA256

    def test_a_file_that_changed_is_read_again(self, tmp_path: Path) -> None:
        file, store = tmp_path / "model.bin", tmp_path / "store"
        file.write_text("weights")
        digest(file, store)
        file.write_text("heights")
        os.utime(file, ns=(1, 1))
        assert known_digest(file, store) is None
        assert digest(file, store) == hashlib.sha256(b"heights").hexdigest()

    @pytest.mark.parametrize("replaced", [False, True])
    def test_a_change_that_left_size_and_time_is_seen(self, tmp_path: Path, replaced: bool) -> None:
        file, store = tmp_path / "model.bin", tmp_path / "store"
        file.write_text("weights")
        os.utime(file, ns=(1, 1))
        digest(file, store)
        if replaced:
            file.rename(tmp_path / "old")
        file.write_text("heights")
        os.utime(file, ns=(1, 1))
        assert digest(file, store) == hashlib.sha256(b"heights").hexdigest()

    def test_afresh_the_file_is_read_whatever_is_kept(self, tmp_path: Path) -> None:
        file, store = tmp_path / "model.bin", tmp_path / "store"
        file.write_text("weights")
        digest(file, store)
        kept = store / "digests.json"
        kept.write_text(kept.read_text().replace(SHA256, "0" * 64))
        assert digest(file, store) == "0" * 64
        assert digest(file, store, afresh=True) == SHA256

    @pytest.mark.skipif(sys.platform == "win32", reason="permissions as on Unix")
    def test_entries_of_files_that_cannot_be_seen_stay(self) -> None:
        code = """
import fcntl, os, sys  # libraries first: nobody may not read them later
from pathlib import Path
from echocli.models.identity import digest
base = Path(sys.argv[1])
for name in ("closed", "open"):
    (base / name).mkdir()
    (base / name / "model.bin").write_text("weights")
if os.geteuid() == 0:
    for path in (base, *base.rglob("*")):
        os.chown(path, 65534, 65534)
    os.setuid(65534)
digest(base / "closed" / "model.bin", base / "store")
(base / "closed").chmod(0)
digest(base / "open" / "model.bin", base / "store")
(base / "closed").chmod(0o700)
"""
        with tempfile.TemporaryDirectory() as base:
            command = [sys.executable, "-c", code, base]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert (done.returncode, done.stderr) == (0, "")
            entries = json.loads((Path(base) / "store" / "digests.json").read_bytes())["entries"]
            assert len(entries) == 2

    def test_two_writers_lose_nothing(self, tmp_path: Path) -> None:
        files = [tmp_path / str(number) for number in range(12)]
        for file in files:
            file.write_text(file.name)
        threads = [Thread(target=digest, args=(file, tmp_path / "store")) for file in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(known_digest(file, tmp_path / "store") for file in files)

    @pytest.mark.parametrize("text", ["", "[]", '{"schema": "digests-2", "entries": [1]}'])
    def test_a_damaged_file_of_digests_counts_as_none(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "model.bin"
        file.write_text("weights")
        (tmp_path / "digests.json").write_text(text)
        assert digest(file, tmp_path) == SHA256
        assert known_digest(file, tmp_path) == SHA256

    def test_files_that_are_gone_are_forgotten(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).write_text(name)
        digest(tmp_path / "a", tmp_path)
        (tmp_path / "a").unlink()
        digest(tmp_path / "b", tmp_path)
        entries = json.loads((tmp_path / "digests.json").read_bytes())["entries"]
        assert list(entries) == [str((tmp_path / "b").resolve())]

    def test_a_store_that_cannot_be_written_costs_only_time(self, tmp_path: Path) -> None:
        file = tmp_path / "model.bin"
        file.write_text("weights")
        assert digest(file, file / "store") == SHA256

    def test_a_file_that_cannot_be_read_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="cannot be read"):
            digest(tmp_path / "gone", tmp_path)


class TestIdentity:
    def test_nothing_is_known_of_files_that_somebody_copied(
        self, env: Environment, found: Found
    ) -> None:
        assert identity(found, env) == Identity(None, None)

    def test_what_nobody_recorded_can_be_computed_once(
        self, env: Environment, found: Found
    ) -> None:
        assert ensure(found, env) == Identity(None, SHA256)
        assert identity(found, env) == Identity(None, SHA256)
        write_record(found.path, Record("base", "ct2", "hf:x", "abc"))
        assert ensure(found, env) == Identity("abc", SHA256)

    def test_the_record_tells_both(self, env: Environment, found: Found) -> None:
        files = {"model.bin": FileRecord(7, SHA256)}
        write_record(found.path, Record("base", "ct2", "hf:x", "abc", files))
        assert identity(found, env) == Identity("abc", SHA256)

    def test_what_was_computed_goes_before_what_was_recorded(
        self, env: Environment, found: Found
    ) -> None:
        files = {"model.bin": FileRecord(7, "a" * 64)}
        write_record(found.path, Record("base", "ct2", "hf:x", "abc", files))
        digest(found.weights, Store(env).directory)
        assert identity(found, env).sha256 == SHA256

    def test_a_cache_tells_both_by_its_names(self, env: Environment, tmp_path: Path) -> None:
        cached(tmp_path)
        assert identity(Store(env).require("base"), env) == Identity("c" * 40, SHA256)

    @pytest.mark.usefixtures("tiny_model")
    def test_a_package_tells_its_version(self, env: Environment) -> None:
        known = identity(Store(env).require("tiny.en"), env)
        assert known.revision == "0.1.0"
        assert known.sha256 is not None
        assert known.sha256.startswith("1a5afae0")

    def test_a_model_of_the_same_name_is_not_taken_for_that_of_the_package(
        self, found: Found
    ) -> None:
        assert expected(found, "model.bin") is None


class TestPins:
    @pytest.fixture
    def pinned(self, found: Found) -> Found:
        files = {"model.bin": FileRecord(7, SHA256)}
        write_record(found.path, Record("base", "ct2", "hf:x", "abcdef0123456789", files))
        return found

    @pytest.mark.parametrize("revision", ["abcdef0123456789", "abcdef0", "ABCDEF01", None])
    @pytest.mark.parametrize("sha256", [SHA256, SHA256.upper(), None])
    def test_what_was_pinned_is_accepted(
        self, env: Environment, pinned: Found, revision: str | None, sha256: str | None
    ) -> None:
        require_pinned(pinned, revision, sha256, Store(env).directory)

    @pytest.mark.parametrize("revision", ["abcdef1", "abc", "", "abcdef01234567890"])
    def test_another_revision_is_refused(self, pinned: Found, revision: str) -> None:
        with pytest.raises(ModelError, match="abcdef0123456789, not") as caught:
            require_pinned(pinned, revision, None)
        assert caught.value.exit_code == 4

    def test_a_revision_that_nobody_knows_is_refused(self, found: Found) -> None:
        with pytest.raises(ModelError, match="unknown, not abcdef0"):
            require_pinned(found, "abcdef0", None)

    def test_another_digest_is_refused_whatever_is_recorded(
        self, env: Environment, pinned: Found
    ) -> None:
        pinned.weights.write_text("heights")
        with pytest.raises(ModelError, match=SHA256) as caught:
            require_pinned(pinned, None, SHA256, Store(env).directory)
        assert caught.value.exit_code == 4
