"""Downloads of one file go on where they ended, and parts of two files are never joined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echocli.errors import ModelError
from echocli.models.partial import Fetched, Wanted
from tests.models.fetching import DATA, SHA256, WHOLE, fetching_to, left
from tests.models.server import (
    Act,
    Handler,
    Server,
    another_range,
    cut,
    hang_up,
    ignoring_if_range,
    lie,
    refuse,
    serving,
    silence,
    stall,
)

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


def lie_after(count: int) -> Act:
    """Promise the whole file, send its start and close."""
    return lambda handler, data: handler.answer(200, data[:count], length=len(data))


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
