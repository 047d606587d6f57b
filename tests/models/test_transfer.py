"""Downloads of one file from a server that cuts, stalls, lies and refuses."""

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
from echocli.models.http import Trouble, Waiting, Web
from echocli.models.partial import Fetched, Wanted
from echocli.models.transfer import download
from tests.conftest import ROOT
from tests.models.server import (
    Act,
    Handler,
    Server,
    another_range,
    cut,
    hang_up,
    ignoring_if_range,
    lie,
    redirect,
    refuse,
    serving,
    silence,
    stall,
)

pytestmark = pytest.mark.network

DATA = bytes(range(256)) * 400
SHA256 = hashlib.sha256(DATA).hexdigest()
WHOLE = Wanted(len(DATA), SHA256)


def ignore(done: int, total: int | None) -> None: ...


def little(directory: Path) -> int:
    return 1000


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
    web = Web(
        Environment(environ={"NO_PROXY": "*"}),
        waiting=Waiting(patience_s=0.3, sleep=waits.append),
    )

    def fetch(url: str, wanted: Wanted = WHOLE, **headers: str) -> Fetched:
        return download(
            web,
            url,
            tmp_path / "file.bin",
            wanted=wanted,
            progress=ignore,
            headers=headers,
        )

    return fetch


def lie_after(count: int) -> Act:
    """Promise the whole file, send its start and close."""
    return lambda handler, data: handler.answer(200, data[:count], length=len(data))


def left(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_comes_whole_and_nothing_else_stays(
    server: Server, fetch: Callable[..., Fetched], tmp_path: Path
) -> None:
    assert fetch(server.put("/file", DATA)) == Fetched(len(DATA), SHA256)
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert left(tmp_path) == ["file.bin"]


def test_a_cut_connection_goes_on_where_it_ended(
    server: Server, fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    fetch(server.put("/file", DATA, cut(1000), cut(500), hang_up))
    assert [asked.range for asked in server.asked] == [
        None,
        "bytes=1000-",
        "bytes=1500-",
        "bytes=1500-",
    ]
    assert server.sent == len(DATA)
    assert waits == [1.0, 1.0, 2.0]  # what brings bytes starts the count anew


@pytest.mark.parametrize("act", [stall(1000), silence])
def test_a_server_that_stops_sending_is_asked_again(
    server: Server, fetch: Callable[..., Fetched], act: Callable[..., None]
) -> None:
    assert fetch(server.put("/file", DATA, act)).sha256 == SHA256


def test_a_server_that_never_gives_more_is_given_up_and_what_came_stays(
    server: Server, fetch: Callable[..., Fetched], tmp_path: Path, waits: list[float]
) -> None:
    url = server.put("/file", DATA, cut(1000), *[hang_up] * 9)
    with pytest.raises(ModelError, match=r"file\.bin cannot be downloaded") as caught:
        fetch(url)
    assert "same command again" in str(caught.value.hint)
    assert (tmp_path / "file.bin.part").stat().st_size == 1000
    assert waits == [1.0, 2.0, 4.0, 8.0]
    server.acts["/file"].clear()
    fetch(url)
    assert server.asked[-1].range == "bytes=1000-"


@pytest.mark.parametrize("wanted", [WHOLE, Wanted()])
def test_a_server_without_ranges_is_read_from_the_start(
    server: Server, fetch: Callable[..., Fetched], wanted: Wanted
) -> None:
    server.ranges = False
    assert fetch(server.put("/file", DATA, cut(1000)), wanted).sha256 == SHA256


def test_another_range_than_asked_for_is_not_joined(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    assert fetch(server.put("/file", DATA, cut(1000), another_range)).sha256 == SHA256


def test_a_file_that_has_become_shorter_is_read_from_the_start(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    url = server.put("/file", DATA, cut(1000), *[hang_up] * 9)
    with pytest.raises(ModelError):
        fetch(url, Wanted())
    server.put("/file", b"new")
    server.tags = False
    server.acts["/file"] = [refuse(416)]
    assert fetch(url, Wanted()).bytes == 3


def test_parts_of_two_files_are_never_joined(
    server: Server, fetch: Callable[..., Fetched], tmp_path: Path
) -> None:
    """Without a digest the tag tells; it goes out as ``If-Range``."""
    url = server.put("/file", DATA, cut(1000), *[hang_up] * 9)
    with pytest.raises(ModelError):
        fetch(url, Wanted())
    new = DATA[::-1]
    server.put("/file", new)
    fetch(url, Wanted())
    assert (tmp_path / "file.bin").read_bytes() == new
    assert server.asked[-1].headers["If-Range"] == f'"{hashlib.md5(DATA).hexdigest()}"'


@pytest.mark.parametrize("tagged", [True, False])
def test_parts_of_two_files_are_not_joined_for_a_server_that_does(
    server: Server, fetch: Callable[..., Fetched], tmp_path: Path, tagged: bool
) -> None:
    url = server.put("/file", DATA, cut(1000), *[hang_up] * 9)
    with pytest.raises(ModelError):
        fetch(url, Wanted())
    server.tags = tagged
    new = DATA[::-1]
    server.put("/file", new, ignoring_if_range)
    fetch(url, Wanted())
    assert (tmp_path / "file.bin").read_bytes() == new


def test_a_rest_without_the_date_of_the_file_is_taken(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    """A partial answer need not repeat it."""
    server.tags = False
    date = "Wed, 21 Oct 2015 07:28:00 GMT"

    def dated(handler: Handler, data: bytes) -> None:
        handler.answer(200, data[:1000], {"Last-Modified": date}, length=len(data))

    fetch(server.put("/file", DATA, dated, ignoring_if_range), Wanted())
    assert [asked.headers.get("If-Range") for asked in server.asked] == [None, date]


def test_what_only_comes_again_is_no_progress(
    server: Server, fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    server.ranges = False
    places = [lie_after(500), lie_after(900)] * 20
    with pytest.raises(ModelError, match="cut after"):
        fetch(server.put("/file", DATA, *places), Wanted())
    assert len(server.asked) <= 7


def test_a_size_that_only_the_answer_tells_must_have_room(server: Server, tmp_path: Path) -> None:
    web = Web(Environment(environ={"NO_PROXY": "*"}), free=little)
    url = server.put("/file", DATA)
    with pytest.raises(ModelError, match="MB are needed"):
        download(web, url, tmp_path / "f", wanted=Wanted(), progress=ignore, headers={})


def test_a_part_of_another_file_is_not_taken_up(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    with pytest.raises(ModelError):
        fetch(server.put("/file", DATA, cut(1000), *[hang_up] * 9))
    new = DATA[::-1]
    server.put("/file", new)
    fetch(server.url + "/file", Wanted(len(new), hashlib.sha256(new).hexdigest()))
    assert server.asked[-1].range is None


def test_without_tag_and_digest_nothing_is_taken_up(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    server.tags = False
    url = server.put("/file", DATA, refuse(503), lie(len(DATA) + 1))
    with pytest.raises(ModelError):
        fetch(server.put("/file", DATA, *[lie(len(DATA) + 1)] * 9), Wanted())
    server.acts["/file"].clear()
    assert fetch(url, Wanted()).sha256 == SHA256
    assert server.asked[-1].range is None


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


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(
    server: Server, fetch: Callable[..., Fetched], waits: list[float], status: int
) -> None:
    fetch(server.put("/file", DATA, refuse(status), refuse(status, Retry_After="7")))
    assert waits == [1.0, 7.0]


def test_retry_after_may_be_a_date(
    server: Server, fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    dates = {
        "Retry_After": "Wed, 21 Oct 2015 07:28:09 GMT",
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
    }
    fetch(server.put("/file", DATA, refuse(503, **dates)))
    assert 0 <= waits[0] <= 9


def test_a_server_that_wants_an_hour_is_given_up(
    server: Server, fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    with pytest.raises(ModelError, match="429"):
        fetch(server.put("/file", DATA, refuse(429, Retry_After="3600")))
    assert not waits


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "as its server wants"), (403, "--model"), (404, "check the name")]
)
def test_a_refusal_is_an_error_at_once(
    server: Server, fetch: Callable[..., Fetched], waits: list[float], status: int, hint: str
) -> None:
    with pytest.raises(ModelError, match=str(status)) as caught:
        fetch(server.put("/file", DATA, refuse(status)))
    assert hint in str(caught.value.hint)
    assert not waits


def test_nobody_there_is_an_error_at_once(
    fetch: Callable[..., Fetched], waits: list[float]
) -> None:
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:9 cannot be reached") as caught:
        fetch("http://127.0.0.1:9/file")
    assert "from there" not in str(caught.value.hint)  # nothing has come
    assert not waits


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


def test_the_token_goes_along_on_the_same_server_only(
    server: Server, fetch: Callable[..., Fetched]
) -> None:
    with serving() as other:
        away = other.put("/there", DATA)
        server.put("/second", DATA, redirect(away))
        url = server.put("/first", DATA, redirect(f"{server.url}/second", 307))
        fetch(url, Authorization="Bearer secret")
        sent = [asked.headers.get("Authorization") for asked in [*server.asked, *other.asked]]
    assert sent == ["Bearer secret", "Bearer secret", None]


def test_proxies_are_asked_but_not_for_what_they_are_not_for(server: Server) -> None:
    server.put("http://far.invalid/file", DATA)
    proxied = Web(Environment(environ={"HTTP_PROXY": server.url, "no_proxy": ".near.invalid"}))
    with proxied.open("http://far.invalid/file", {}) as answer:
        assert answer.read() == DATA
    with pytest.raises(Trouble, match="cannot be reached"):
        proxied.open("http://a.near.invalid/file", {})


def test_the_password_of_a_proxy_stays_with_it(server: Server) -> None:
    with serving() as other:
        away = other.put("/there", DATA).replace("127.0.0.1", "localhost")
        server.put("http://far.invalid/file", DATA, redirect(away))
        proxy = server.url.replace("http://", "http://me:s3cret@")
        web = Web(Environment(environ={"HTTP_PROXY": proxy, "NO_PROXY": "localhost"}))
        with web.open("http://far.invalid/file", {}) as answer:
            assert answer.read() == DATA
        sent = [asked.headers.get("Proxy-Authorization") for asked in [*server.asked, *other.asked]]
    assert sent[0] is not None
    assert sent[1:] == [None]


def test_a_proxy_keeps_its_password_on_the_way(server: Server) -> None:
    server.put("http://far.invalid/file", DATA, redirect("http://further.invalid/file"))
    server.put("http://further.invalid/file", DATA)
    proxy = server.url.replace("http://", "http://me:s3cret@")
    with Web(Environment(environ={"HTTP_PROXY": proxy})).open("http://far.invalid/file", {}):
        sent = {asked.headers.get("Proxy-Authorization") for asked in server.asked}
    assert len(sent) == 1
    assert None not in sent


def test_one_proxy_may_be_for_everything(server: Server) -> None:
    server.put("http://far.invalid/file", DATA)
    web = Web(Environment(environ={"all_proxy": server.url}))
    with web.open("http://far.invalid/file", {}) as answer:
        assert answer.read() == DATA
    other = Web(Environment(environ={"ALL_PROXY": server.url, "http_proxy": "http://127.0.0.1:9"}))
    with pytest.raises(Trouble, match="cannot be reached"):
        other.open("http://far.invalid/file", {})


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
