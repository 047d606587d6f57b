"""``models convert``: one set of weights in the forms that both libraries read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunEchocli, clean_environment
from tests.models.modelfiles import make_ggml, make_model


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the program keeps its models in this test."""
    return tmp_path / "echocli-data" / "models"


@pytest.mark.model
@pytest.mark.usefixtures("tiny_model")
class TestForms:
    def test_ggml_is_made_once_in_the_store(self, run_echocli: RunEchocli, store: Path) -> None:
        path = store / "ggml-tiny.en.bin"
        done = run_echocli("models", "convert", "tiny.en", "--to", "ggml")
        assert (done.code, done.stdout, done.stderr) == (0, f"{path}\n", "")
        made = path.stat().st_mtime_ns
        assert run_echocli("models", "convert", "tiny.en", "--to", "ggml").code == 0
        assert path.stat().st_mtime_ns == made
        shown = run_echocli("models", "path", "tiny.en", "--format", "ggml")
        assert shown.stdout == f"{path}\n"

    def test_a_quantised_file_is_smaller(self, run_echocli: RunEchocli, store: Path) -> None:
        options = ["--to", "ggml", "--quantize", "q5_0"]
        done = run_echocli("models", "convert", "tiny.en", *options)
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout == f"{store / 'ggml-tiny.en-q5_0.bin'}\n"
        assert (store / "ggml-tiny.en-q5_0.bin").stat().st_size < 40_000_000

    def test_int8_takes_half_the_disk_and_is_used(
        self, run_echocli: RunEchocli, store: Path, samples: Path
    ) -> None:
        path = store / "tiny.en-int8"
        done = run_echocli("models", "convert", "tiny.en", "--to", "int8")
        assert (done.code, done.stdout, done.stderr) == (0, f"{path}\n", "")
        assert (path / "model.bin").stat().st_size < 45_000_000
        heard = run_echocli("transcribe", samples / "meeting.flac", "--model", path)
        assert heard.code == 0
        assert len(heard.stdout.split()) > 10

    def test_a_model_named_by_its_path_stays_in_the_store_and_alone(
        self, run_echocli: RunEchocli, store: Path, tiny_model: Path
    ) -> None:
        before = sorted(tiny_model.parent.iterdir())
        done = run_echocli("models", "convert", tiny_model, "--to", "int8")
        assert (done.code, done.stderr) == (0, "")
        made = Path(done.stdout.strip())
        assert made.parent == store
        assert made.name.startswith("model-1a5afae0")
        assert sorted(tiny_model.parent.iterdir()) == before

    @pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
    @pytest.mark.parametrize("form", ["ggml", "int8"])
    def test_an_interrupt_while_libraries_are_imported_is_one(self, store: Path, form: str) -> None:
        # A library that makes an ImportError of whatever happens, as numpy does.
        code = (
            "import os, signal, sys\n"
            "import importlib.abc\n"
            "class Finder(importlib.abc.MetaPathFinder):\n"
            "    def find_spec(self, name, path, target=None):\n"
            "        if name == 'numpy':\n"
            "            sys.meta_path.remove(self)\n"
            "            try:\n"
            "                os.kill(os.getpid(), signal.SIGTERM)\n"
            "                for _ in range(1000): pass\n"
            "            except BaseException:\n"
            "                raise ImportError('numpy failed to import') from None\n"
            "sys.meta_path.insert(0, Finder())\n"
            "from echocli.cli.app import main\n"
            "main()\n"
        )
        env = clean_environment(store.parents[1])
        done = subprocess.run(
            [sys.executable, "-c", code, "models", "convert", "tiny.en", "--to", form],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")

    def test_it_can_be_written_elsewhere(
        self, run_echocli: RunEchocli, store: Path, tmp_path: Path
    ) -> None:
        file, folder = tmp_path / "mine.bin", tmp_path / "mine"
        for form, path in (("ggml", file), ("int8", folder)):
            done = run_echocli("models", "convert", "tiny.en", "--to", form, "-o", path)
            assert (done.code, done.stdout, done.stderr) == (0, f"{path}\n", "")
        assert file.stat().st_size > 70_000_000
        assert (folder / "model.bin").is_file()
        assert not list(store.glob("*tiny*"))

    def test_a_store_that_cannot_be_written_is_a_clear_error(
        self, run_echocli: RunEchocli, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        env = {"ECHOCLI_DATA_DIR": str(tmp_path / "file" / "data")}
        for form in ("ggml", "int8"):
            done = run_echocli("models", "convert", "tiny.en", "--to", form, env=env)
            assert (done.code, done.stdout) == (4, "")
            assert "cannot be written" in done.stderr
            assert "defect" not in done.stderr


@pytest.mark.unit
class TestRefusals:
    def test_what_is_no_model_is_refused(self, run_echocli: RunEchocli, tmp_path: Path) -> None:
        done = run_echocli("models", "convert", tmp_path, "--to", "ggml")
        assert (done.code, done.stdout) == (4, "")
        assert "incomplete: it has no model.bin" in done.stderr

    def test_weights_of_nothing_known_are_refused(
        self, run_echocli: RunEchocli, store: Path
    ) -> None:
        make_model(store / "base")
        for form in ("ggml", "int8"):
            done = run_echocli("models", "convert", "base", "--to", form)
            assert (done.code, done.stdout) == (4, "")
            assert "model.bin" in done.stderr
        assert [path.name for path in store.iterdir() if "base" in path.name] == ["base"]

    def test_a_ggml_file_is_not_converted_again(self, run_echocli: RunEchocli, store: Path) -> None:
        make_ggml(store / "ggml-base.bin")
        done = run_echocli("models", "convert", "base", "--to", "int8")
        assert (done.code, done.stdout) == (4, "")
        assert "is here only as a GGML file" in done.stderr

    @pytest.mark.parametrize("form", ["ggml", "int8"])
    def test_what_is_there_is_not_replaced_unasked(
        self, run_echocli: RunEchocli, store: Path, tmp_path: Path, form: str
    ) -> None:
        make_model(store / "base")
        path = tmp_path / "mine"
        if form == "ggml":
            path.write_text("precious")
        else:
            path.mkdir()
        done = run_echocli("models", "convert", "base", "--to", form, "-o", path)
        assert (done.code, done.stdout) == (4, "")
        assert done.stderr.splitlines() == [
            f"echocli: error: {path} is there already",
            "  add --force to replace it",
        ]
        done = run_echocli("models", "convert", "base", "--to", form, "-o", path, "--force")
        assert "add --force" not in done.stderr

    def test_a_place_that_cannot_be_is_named(
        self, run_echocli: RunEchocli, store: Path, tmp_path: Path
    ) -> None:
        make_model(store / "base")
        gone = tmp_path / "gone"
        for form in ("ggml", "int8"):
            done = run_echocli("models", "convert", "base", "--to", form, "-o", gone / "x")
            assert (done.code, done.stdout) == (4, "")
            assert f"there is no directory {gone}" in done.stderr
        assert not gone.exists()
        done = run_echocli("models", "convert", "base", "--to", "ggml", "-o", f"{gone}/")
        assert (done.code, done.stdout) == (4, "")
        assert f"{gone}/ is a directory" in done.stderr
        assert not gone.exists()

    @pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a place nobody can write to")
    def test_a_place_that_is_read_only_is_said(self, run_echocli: RunEchocli, store: Path) -> None:
        make_model(store / "base")
        done = run_echocli("models", "convert", "base", "--to", "ggml", "-o", "/proc/self/x.bin")
        assert (done.code, done.stdout) == (4, "")
        assert "/proc/self cannot be written to" in done.stderr
        assert "space" not in done.stderr

    def test_an_unknown_quantisation_is_told_the_known(self, run_echocli: RunEchocli) -> None:
        done = run_echocli("models", "convert", "base", "--to", "ggml", "--quantize", "q9")
        assert (done.code, done.stdout) == (2, "")
        assert "choose one of: float16, q8_0, q5_0, q5_1" in done.stderr

    def test_quantisation_is_a_matter_of_ggml(self, run_echocli: RunEchocli) -> None:
        done = run_echocli("models", "convert", "base", "--to", "int8", "--quantize", "q8_0")
        assert (done.code, done.stdout) == (2, "")
        assert "--quantize is for --to ggml" in done.stderr
