"""Files that the system does not take, or not to their end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from echocli.errors import OutputError
from echocli.output.files import AtomicFile
from tests.output.atomic import names, write_file
from tests.output.room import at_most, needs_limits

pytestmark = pytest.mark.unit


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system that is full after 16 KiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def refused(path: Path) -> OutputError:
    with pytest.raises(OutputError) as caught:
        write_file(path, "x")
    assert str(path) in str(caught.value)
    return caught.value


def test_name_too_long_is_refused(tmp_path: Path) -> None:
    assert "shorter" in str(refused(tmp_path / ("n" * 252 + ".txt")).hint)
    assert names(tmp_path) == []


def test_directory_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    assert "Is a directory" in str(refused(tmp_path / "a.txt"))
    assert names(tmp_path) == ["a.txt"]


def test_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    assert "a part of the path is a file" in str(refused(tmp_path / "out" / "a.txt").hint)
    assert "a part of the path is a file" in str(refused(tmp_path / "out" / "b" / "a.txt").hint)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions as on Unix")
def test_directory_without_permission_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    assert "permissions" in str(refused(tmp_path / "a.txt").hint)
    tmp_path.chmod(0o700)


def test_read_only_file_system_is_refused(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert "read-only" in str(refused(tiny_disk / "a.txt").hint)


def test_full_disk_is_an_error_and_leaves_the_old_file(tiny_disk: Path) -> None:
    path = tiny_disk / "a.txt"
    path.write_text("old")
    with pytest.raises(OutputError, match="No space left") as caught:
        write_file(path, *["x" * 1000] * 100)
    assert str(path) in str(caught.value)
    assert "disk is full" in str(caught.value.hint)
    assert path.read_text() == "old"
    assert names(tiny_disk) == ["a.txt"]


def test_disk_that_is_full_only_at_the_end_is_an_error(tiny_disk: Path) -> None:
    (tiny_disk / "filler").write_bytes(b"x" * 12 * 1024)
    with pytest.raises(OutputError, match="No space left"), AtomicFile(tiny_disk / "a") as file:
        file.write("x" * 6000)
    assert names(tiny_disk) == ["filler"]


@needs_limits
def test_what_the_disk_took_of_a_file_that_cannot_be_whole_can_be_kept(tmp_path: Path) -> None:
    with AtomicFile(tmp_path / "a.txt") as file, at_most(10):
        file.write("one\n" * 5)
        with pytest.raises(OutputError, match="File too large"):
            file.commit()
        assert file.keep_partial() == tmp_path / "a.txt.part"
    assert names(tmp_path) == ["a.txt.part"]
    assert (tmp_path / "a.txt.part").read_text() == "one\none\non"
