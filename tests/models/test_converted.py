"""GGML files that the store keeps of CTranslate2 weights: made once, and made again when needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from echocli.errors import ModelError
from echocli.models.converted import ggml_of
from echocli.models.records import FileRecord, Record, read_record, write_record
from tests.conftest import clean_environment
from tests.models.made_up_whisper import made_up, read_ggml, save

pytestmark = pytest.mark.unit

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="processes and limits as on Unix")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a made-up model in float32."""
    return save(made_up(state=32), tmp_path_factory.mktemp("made-up") / "model")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the same name with another model."""
    return save(made_up(1, state=32), tmp_path_factory.mktemp("made-up") / "model")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return where the store will be."""
    return tmp_path / "models"


def models(store: Path) -> set[str]:
    """Return the names of what is there, without the records and the digests."""
    return {path.name for path in store.iterdir() if path.suffix != ".json"}


def state(path: Path) -> tuple[int, int]:
    return path.stat().st_ino, path.stat().st_mtime_ns


class TestNames:
    @pytest.mark.parametrize(
        ("quantisation", "file", "number"),
        [
            ("float16", "ggml-tiny.en.bin", 1),
            ("q8_0", "ggml-tiny.en-q8_0.bin", 2007),
            ("q5_0", "ggml-tiny.en-q5_0.bin", 2008),
            ("q5_1", "ggml-tiny.en-q5_1.bin", 2009),
        ],
    )
    def test_files_are_called_as_whisper_cpp_calls_them(
        self, weights: Path, store: Path, quantisation: str, file: str, number: int
    ) -> None:
        path = ggml_of(weights, "tiny.en", store, quantisation=quantisation)
        assert path == store / file
        assert read_ggml(path).header[-1] == number

    def test_an_alias_is_the_same_model(self, weights: Path, store: Path) -> None:
        assert ggml_of(weights, "turbo", store).name == "ggml-large-v3-turbo.bin"

    def test_a_relative_path_becomes_no_name(
        self, weights: Path, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(weights.parent)
        record = read_record(ggml_of(Path("model"), "./model", store))
        assert record is not None
        assert record.name == str(weights.resolve())

    def test_two_directories_called_model_do_not_collide(
        self, weights: Path, others: Path, store: Path
    ) -> None:
        paths = {ggml_of(source, str(source), store) for source in (weights, others)}
        assert len(paths) == 2
        assert all(path.name.startswith("ggml-model-") for path in paths)

    def test_other_weights_of_the_same_name_are_kept_beside(
        self, weights: Path, others: Path, store: Path
    ) -> None:
        first = ggml_of(weights, "tiny.en", store)
        second = ggml_of(others, "tiny.en", store)
        assert first.name == "ggml-tiny.en.bin"
        assert second != first
        assert ggml_of(weights, "tiny.en", store) == first
        assert ggml_of(others, "tiny.en", store) == second

    def test_a_file_that_somebody_put_there_is_left_alone(self, weights: Path, store: Path) -> None:
        store.mkdir()
        own = store / "ggml-tiny.en.bin"
        own.write_bytes(b"downloaded")
        assert ggml_of(weights, "tiny.en", store) != own
        assert own.read_bytes() == b"downloaded"

    def test_a_file_that_was_pulled_is_left_alone(self, weights: Path, store: Path) -> None:
        store.mkdir()
        own = store / "ggml-tiny.en.bin"
        own.write_bytes(b"pulled")
        files = {own.name: FileRecord(6, "0" * 64)}
        write_record(own, Record("tiny.en", "ggml", "hf:somebody/something", files=files))
        assert ggml_of(weights, "tiny.en", store) != own
        assert own.read_bytes() == b"pulled"


class TestOnce:
    def test_the_second_time_nothing_is_written(self, weights: Path, store: Path) -> None:
        path = ggml_of(weights, "tiny.en", store)
        before = state(path)
        assert ggml_of(weights, "tiny.en", store) == path
        assert state(path) == before
        assert models(store) == {"ggml-tiny.en.bin"}

    def test_the_record_says_where_it_is_from(self, weights: Path, store: Path) -> None:
        path = ggml_of(weights, "tiny.en", store, quantisation="q8_0")
        record = read_record(path)
        assert record is not None
        assert (record.name, record.format, record.quantisation) == ("tiny.en", "ggml", "q8_0")
        assert record.source == f"converted:{weights.resolve()}"
        assert record.files[path.name].bytes == path.stat().st_size

    @UNIX
    def test_of_two_processes_one_converts(self, weights: Path, store: Path) -> None:
        with started(weights, store) as one, started(weights, store) as other:
            assert [one.wait(60), other.wait(60)] == [0, 0]
        made = store / "ggml-tiny.en.bin"
        before = state(made)
        assert models(store) == {made.name}
        ggml_of(weights, "tiny.en", store)
        assert state(made) == before

    @UNIX
    def test_a_killed_conversion_leaves_nothing_that_counts(
        self, weights: Path, store: Path
    ) -> None:
        part = store / "ggml-tiny.en.bin.part"
        with started(weights, store, pause=60) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "in the middle\n"
            process.kill()
        assert models(store) == {part.name}
        path = ggml_of(weights, "tiny.en", store)
        assert models(store) == {path.name}
        assert read_ggml(path).header[-1] == 1


class TestAgain:
    @pytest.mark.parametrize("damage", ["cut", "changed", "gone", "no record"])
    def test_a_damaged_file_is_made_again(self, weights: Path, store: Path, damage: str) -> None:
        path = ggml_of(weights, "tiny.en", store)
        whole = path.read_bytes()
        if damage == "cut":
            path.write_bytes(whole[:-1])
        elif damage == "changed":
            path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        elif damage == "gone":
            path.unlink()
        else:
            path.with_name(f"{path.name}.json").write_text("{")
        again = ggml_of(weights, "tiny.en", store)
        assert again.read_bytes() == whole
        assert (again == path) == (damage != "no record")

    def test_a_file_that_was_only_touched_is_not(self, weights: Path, store: Path) -> None:
        path = ggml_of(weights, "tiny.en", store)
        os.utime(path, ns=(0, 0))
        ggml_of(weights, "tiny.en", store)
        assert path.stat().st_mtime_ns == 0

    def test_newer_weights_in_the_same_place_replace_it(
        self, weights: Path, others: Path, store: Path, tmp_path: Path
    ) -> None:
        source = tmp_path / "tiny.en"
        source.symlink_to(weights)
        copy = tmp_path / "copy"
        copy.mkdir()
        for path in weights.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        path = ggml_of(copy, "tiny.en", store)
        before = path.read_bytes()
        (copy / "model.bin").write_bytes((others / "model.bin").read_bytes())
        assert ggml_of(copy, "tiny.en", store) == path
        assert path.read_bytes() != before
        assert models(store) == {path.name}


class TestErrors:
    @pytest.mark.parametrize("quantisation", ["int8", "q4_k", ""])
    def test_an_unknown_quantisation(self, weights: Path, store: Path, quantisation: str) -> None:
        with pytest.raises(ModelError, match="cannot be made as") as caught:
            ggml_of(weights, "tiny.en", store, quantisation=quantisation)
        assert "q8_0" in str(caught.value.hint)

    def test_no_weights(self, tmp_path: Path, store: Path) -> None:
        with pytest.raises(ModelError, match="cannot be read") as caught:
            ggml_of(tmp_path / "gone", "tiny.en", store)
        assert caught.value.hint

    def test_weights_cut_short_leave_nothing(
        self, weights: Path, store: Path, tmp_path: Path
    ) -> None:
        source = tmp_path / "cut"
        source.mkdir()
        whole = (weights / "model.bin").read_bytes()
        (source / "model.bin").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match="cut short"):
            ggml_of(source, "tiny.en", store)
        assert models(store) == set()

    def test_a_file_in_place_of_the_store(self, weights: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(ModelError, match="cannot be written") as caught:
            ggml_of(weights, "tiny.en", tmp_path / "file")
        assert "ECHOCLI_DATA_DIR" in str(caught.value.hint)

    @UNIX
    def test_a_disk_that_fills_leaves_nothing(self, weights: Path, store: Path) -> None:
        with started(weights, store, limit=1 << 20) as process:
            output, _ = process.communicate(timeout=60)
        assert "cannot be written" in output
        assert models(store) == set()


CODE = """
import sys, time
from pathlib import Path
from echocli.errors import ModelError
from echocli.models import ggml
from echocli.models.converted import ggml_of
source, store, limit, pause = sys.argv[1:]
if int(limit):
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
if int(pause):
    def slow(layers, more):
        yield from list(tensors(layers, more))[:5]
        print("in the middle", flush=True)
        time.sleep(int(pause))
    tensors, ggml.tensors = ggml.tensors, slow
try:
    ggml_of(Path(source), "tiny.en", Path(store))
except ModelError as error:
    print(error)
"""


def started(weights: Path, store: Path, *, limit: int = 0, pause: int = 0) -> subprocess.Popen[str]:
    """Convert in a process of its own that may write ``limit`` bytes or wait in the middle."""
    return subprocess.Popen(
        [sys.executable, "-c", CODE, weights, store, str(limit), str(pause)],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(store.parent),
    )
