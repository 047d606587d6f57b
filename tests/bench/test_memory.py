from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from echocli.bench.memory import MemoryWatch, tree_bytes

pytestmark = pytest.mark.unit

SIZE = 100 * 2**20
CHILD = f"data = bytearray(b'x' * {SIZE}); print('ready', flush=True); input()"


@pytest.fixture
def large_child() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield child
        child.kill()


def test_memory_of_children_counts(large_child: subprocess.Popen[bytes]) -> None:
    whole = sum(tree_bytes())
    large_child.kill()
    large_child.wait()
    assert whole - sum(tree_bytes()) > SIZE * 0.9


def test_the_peak_is_kept_after_it_is_gone(large_child: subprocess.Popen[bytes]) -> None:
    with MemoryWatch() as watch:
        large_child.kill()
        large_child.wait()
    assert watch.peak_bytes - sum(tree_bytes()) > SIZE * 0.9


def test_the_shortest_block_has_a_figure() -> None:
    with MemoryWatch(interval=3600) as watch:
        pass
    assert watch.peak_bytes > 2**20


def test_an_error_inside_ends_the_watch() -> None:
    watch = MemoryWatch()
    with pytest.raises(KeyError), watch:
        raise KeyError
    assert watch.peak_bytes > 0
