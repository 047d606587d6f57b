"""What is stored is checked, has room, and stays when a download is killed."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.http import Web
from echocli.models.partial import Fetched, Wanted
from echocli.models.transfer import download
from tests.conftest import ROOT
from tests.models.fetching import DATA, SHA256, WHOLE, fetching_to, ignore, left
from tests.models.server import Server, lie, serving, stall

pytestmark = pytest.mark.network


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as place:
        yield place


@pytest.fixture
def waits() -> list[float]:
    """Seconds that were waited between tries."""
    return []


@pytest.fixture
def fetch(tmp_path: Path, waits: list[float]) -> Callable[..., Fetched]:
    return fetching_to(tmp_path, waits)


def little(directory: Path) -> int:
    return 1000


def test_a_size_that_only_the_answer_tells_must_have_room(server: Server, tmp_path: Path) -> None:
    web = Web(Environment(environ={"NO_PROXY": "*"}), free=little)
    url = server.put("/file", DATA)
    with pytest.raises(ModelError, match="MB are needed"):
        download(web, url, tmp_path / "f", wanted=Wanted(), progress=ignore, headers={})


@pytest.mark.parametrize("length", [len(DATA) - 1, len(DATA) + 1])
def test_another_size_than_the_right_one_is_an_error_at_once(
    server: Server, fetch: Callable[..., Fetched], waits: list[float], length: int
) -> None:
    with pytest.raises(ModelError, match=f"{length} bytes instead of {len(DATA)}"):
        fetch(server.put("/file", DATA, lie(length)))
    assert not waits


def test_a_length_nobody_can_check_but_that_never_comes_is_an_error(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    server.ranges = False
    with pytest.raises(ModelError, match=f"cut after {len(DATA)} of {len(DATA) + 5} bytes"):
        fetch(server.put("/file", DATA, *[lie(len(DATA) + 5)] * 9), Wanted())


def test_wrong_bytes_are_an_error_and_do_not_stay(
    server: Server, fetch: Callable[..., Fetched], tmp_path: Path
) -> None:
    wrong = b"x" + DATA[1:]
    found = hashlib.sha256(wrong).hexdigest()
    with pytest.raises(ModelError, match=f"SHA-256 {found} instead of {SHA256}"):
        fetch(server.put("/file", wrong))
    assert left(tmp_path) == []


def test_a_small_file_is_checked_by_the_name_of_its_blob(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    right = hashlib.sha1(b"blob 2\0{}").hexdigest()
    assert fetch(server.put("/file", b"{}"), Wanted(2, git_sha1=right)).bytes == 2
    with pytest.raises(ModelError, match="git's SHA-1"):
        fetch(server.put("/file", b"[]"), Wanted(2, git_sha1=right))


def test_too_little_room_is_an_error_before_anything_is_asked(
    server: Server, tmp_path: Path
) -> None:
    web = Web(Environment(environ={}), free=little)
    with pytest.raises(ModelError, match="MB are needed") as caught:
        download(
            web,
            server.put("/file", DATA),
            tmp_path / "file.bin",
            wanted=WHOLE,
            progress=ignore,
            headers={},
        )
    assert "ECHOCLI_DATA_DIR" in str(caught.value.hint)
    assert not server.asked


CHILD = """
import sys
from pathlib import Path
from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models.http import Web
from echocli.models.partial import Wanted
from echocli.models.transfer import download
url, target, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if limit:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
tell = lambda done, total: print(done, flush=True)
try:
    download(Web(Environment()), url, target, wanted=Wanted(), progress=tell, headers={})
except ModelError as error:
    print(error, "|", error.hint)
"""


def child(url: str, target: Path, limit: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(target), str(limit)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_after_a_kill_only_the_rest_is_asked_for(
    server: Server, fetch: Callable[..., Fetched], tmp_path: Path
) -> None:
    url = server.put("/file", DATA, stall(60_000))
    with child(url, tmp_path / "file.bin") as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 60_000:
            pass
        process.send_signal(signal.SIGKILL)
    assert left(tmp_path) == ["file.bin.part", "file.bin.part.json"]
    assert fetch(url, Wanted()).sha256 == SHA256
    assert server.asked[-1].range == "bytes=60000-"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit for files")
def test_a_full_disk_is_an_error_that_says_so_and_what_came_stays(
    server: Server, fetch: Callable[..., Fetched], tmp_path: Path
) -> None:
    url = server.put("/file", DATA)
    with child(url, tmp_path / "file.bin", 50_000) as process:
        assert process.stdout is not None
        said = process.stdout.read().splitlines()[-1]
    assert "file.bin cannot be stored" in said
    assert "free some space" in said
    assert (tmp_path / "file.bin.part").stat().st_size == 50_000
    fetch(url, Wanted())
    assert server.asked[-1].range == "bytes=50000-"


def test_ctrl_c_keeps_what_has_come(server: Server, tmp_path: Path) -> None:
    def interrupt(done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        download(
            Web(Environment(environ={})),
            server.put("/file", DATA, stall(1000)),
            tmp_path / "file.bin",
            wanted=WHOLE,
            progress=interrupt,
            headers={},
        )
    assert time.monotonic() - start < 5
    assert (tmp_path / "file.bin.part").stat().st_size == 1000
