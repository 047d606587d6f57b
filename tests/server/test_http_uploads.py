"""Forms with files, piece by piece: real requests without a socket."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from echocli.clock import SteppingClock
from echocli.server import uploads
from echocli.server.limits import GRACE, SETTLED, Budget
from echocli.server.problems import Problem
from echocli.server.uploads import FIELD, FIELDS, Store, Upload, make_folder, receive, shown
from echocli.server.work import UPLOADS, Jobs

pytestmark = pytest.mark.unit

BOUNDARY = "xyz"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    more = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FORM = part("model", b"whisper-1") + part("file", b"RIFF" * 1000, "a.wav") + END


def request(chunks: list[bytes], kind: str | None = None, length: int | None = None) -> Request:
    """Return a request whose client goes away after the chunks unless the last one ends it."""
    headers = [(b"content-type", (kind or f"multipart/form-data; boundary={BOUNDARY}").encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    messages: Iterator[Message] = iter(
        [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        + [{"type": "http.request", "body": b"", "more_body": False}]
    )

    async def take() -> Message:
        return next(messages)

    return Request({"type": "http", "method": "POST", "headers": headers}, take)


def store(folder: Path, largest: int = 10_000, most: int = 100_000) -> Store:
    return Store(folder, largest, Budget(most), SteppingClock())


def taken(where: Store, *chunks: bytes, **more: object) -> Upload:
    return asyncio.run(receive(request(list(chunks), **more), where, where.pace()))  # type: ignore[arg-type]


def refused(where: Store, *chunks: bytes, **more: object) -> Problem:
    with pytest.raises(Problem) as caught:
        taken(where, *chunks, **more)
    assert not list(where.folder.iterdir())
    assert where.budget.used == 0
    return caught.value


def test_a_form_is_taken_and_its_file_is_nobody_elses(tmp_path: Path) -> None:
    where = store(tmp_path)
    upload = taken(where, FORM)
    assert upload.fields == {"model": ["whisper-1"]}
    assert (upload.name, upload.size, where.budget.used) == ("a.wav", 4000, 4000)
    assert upload.path.read_bytes() == b"RIFF" * 1000
    assert stat.S_IMODE(upload.path.stat().st_mode) == 0o600
    upload.discard()
    upload.discard()
    assert not upload.path.exists()
    assert where.budget.used == 0


@given(cuts=st.lists(st.integers(0, len(FORM)), max_size=30))
def test_it_is_the_same_however_it_is_cut(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    edges = [0, *sorted(cuts), len(FORM)]
    chunks = [FORM[a:b] for a, b in pairwise(edges)]
    upload = taken(store(tmp_path_factory.getbasetemp()), *chunks)
    assert upload.fields == {"model": ["whisper-1"]}
    assert upload.path.read_bytes() == b"RIFF" * 1000
    upload.discard()


@given(junk=st.binary(max_size=2000))
def test_no_bytes_make_it_fail_otherwise(
    junk: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    where = store(tmp_path_factory.mktemp("junk", numbered=True))
    for form in (junk, FORM[:40] + junk, FORM[:120] + junk + FORM[120:], FORM[:-30] + junk):
        try:
            upload = taken(where, form)
        except Problem as problem:
            assert 400 <= problem.status < 500  # noqa: PT017 -- both are right
        else:
            upload.discard()
    assert not list(where.folder.iterdir())
    assert where.budget.used == 0


def test_a_file_that_is_too_large_is_refused_while_it_comes(tmp_path: Path) -> None:
    chunks = [part("file", b"", "a.wav")[:-2], *([b"x" * 1000] * 20)]
    problem = refused(store(tmp_path), *chunks)
    assert (problem.status, problem.code, problem.param) == (413, "file_too_large", "file")


def test_one_that_says_so_beforehand_is_not_read_at_all(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        taken(store(tmp_path), length=10**9)
    assert caught.value.status == 413


def test_all_files_together_have_so_much_room(tmp_path: Path) -> None:
    where = store(tmp_path, most=7000)
    first = taken(where, FORM)
    with pytest.raises(Problem) as caught:
        taken(where, FORM)
    assert (caught.value.status, caught.value.retry_after is not None) == (503, True)
    first.discard()
    taken(where, FORM).discard()
    assert where.budget.used == 0


@pytest.mark.parametrize(
    ("chunks", "code"),
    [
        ([FORM[:-20]], "invalid_form"),
        ([b""], "invalid_form"),
        ([b"no form at all"], "invalid_form"),
        ([part("model", b"x" * (FIELD + 1)), END], "invalid_form"),
        ([part("model", b"x")] * (FIELDS + 1), "invalid_form"),
        ([part("file", b"x", "a"), part("file", b"y", "b"), END], "invalid_form"),
        ([part("other", b"x", "a"), END], "invalid_form"),
        ([part("", b"x"), END], "invalid_form"),
    ],
)
def test_what_is_no_form_is_refused(tmp_path: Path, chunks: list[bytes], code: str) -> None:
    problem = refused(store(tmp_path), *chunks)
    assert (problem.status, problem.code) == (400, code)


def test_a_file_without_a_name_is_told_from_none(tmp_path: Path) -> None:
    assert "no file name" in str(refused(store(tmp_path), part("file", b"RIFF"), END))


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=xyz", "\t;;="]
)
def test_another_kind_of_body_is_refused(tmp_path: Path, kind: str) -> None:
    assert refused(store(tmp_path), FORM, kind=kind).status == 415


def test_an_absurd_boundary_is_refused(tmp_path: Path) -> None:
    kind = "multipart/form-data; boundary=" + "x" * 5000
    assert refused(store(tmp_path), FORM, kind=kind).status == 400


def test_a_form_without_a_file_says_so(tmp_path: Path) -> None:
    upload = taken(store(tmp_path), part("model", b"m"), END)
    assert not upload.has_file
    upload.discard()


def test_an_upload_that_only_holds_the_connection_is_given_up(tmp_path: Path) -> None:
    clock = SteppingClock()
    where = Store(tmp_path, 10_000, Budget(10_000), clock)

    async def slowly() -> None:
        asked = request([FORM[:10], FORM[10:11], FORM[11:12]])
        take = asked._receive

        async def later() -> Message:
            clock.advance(GRACE)
            return await take()

        asked._receive = later
        await receive(asked, where, where.pace())

    with pytest.raises(Problem) as caught:
        asyncio.run(slowly())
    assert (caught.value.status, caught.value.code) == (408, "too_slow")
    assert not list(tmp_path.iterdir())


def test_the_slowest_that_crawls_gives_way_where_all_places_are_taken(tmp_path: Path) -> None:
    clock = SteppingClock()
    where = Store(tmp_path, 10_000_000, Budget(10_000_000), clock)
    jobs = Jobs(None, None, None, 1.0)  # type: ignore[arg-type]

    async def coming(count: int) -> None:
        """Begin an upload that has brought so many bytes and brings no more for now."""
        asked = request([part("file", b"", "a.wav")[:-2], b"x" * count])
        take, left = asked._receive, 2

        async def some() -> Message:
            nonlocal left
            left -= 1
            return await take() if left >= 0 else await asyncio.Future()

        asked._receive = some
        pace = where.pace()
        assert jobs.has_room(pace.since)
        await jobs.received(receive(asked, where, pace), pace)

    async def scene() -> None:
        counts = [50_000 + 1_000 * number for number in range(UPLOADS)]
        tasks = [asyncio.create_task(coming(count)) for count in counts]
        while sum(pace.received > 120 for pace in jobs.coming) < UPLOADS:
            await asyncio.sleep(0)
        assert not jobs.has_room(clock.now()), "nobody knows yet who crawls"
        clock.advance(SETTLED)
        assert jobs.has_room(clock.now())
        with pytest.raises(Problem) as caught:
            await tasks[0]
        assert (caught.value.status, caught.value.code) == (408, "too_slow")
        assert len(jobs.coming) == len(list(tmp_path.iterdir())) == UPLOADS - 1
        assert not any(task.done() for task in tasks[1:])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scene())
    assert not list(tmp_path.iterdir())


def test_one_that_stops_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "STALL", 0.02)

    async def stopping() -> None:
        asked = request([])

        async def never() -> Message:
            return await asyncio.Future()

        asked._receive = never
        where = store(tmp_path)
        await receive(asked, where, where.pace())

    with pytest.raises(Problem) as caught:
        asyncio.run(stopping())
    assert caught.value.status == 408


def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    async def leaving() -> None:
        asked = request([FORM[:200]])
        take, count = asked._receive, 0

        async def gone() -> Message:
            nonlocal count
            count += 1
            return await take() if count == 1 else {"type": "http.disconnect"}

        asked._receive = gone
        where = store(tmp_path)
        await receive(asked, where, where.pace())

    with pytest.raises(Problem):
        asyncio.run(leaving())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("meeting.wav", "meeting.wav"),
        ("../../etc/passwd", "passwd"),
        ("C:\\talk\\a.mp3", "a.mp3"),
        ("", "file"),
        ("///", "file"),
        ("\x1b[2Ja.wav\n", "[2Ja.wav"),
        ("x" * 500, "x" * 80),
    ],
)
def test_a_name_is_only_shown(name: str, told: str) -> None:
    assert shown(name) == told


def test_the_folder_is_private_and_those_of_dead_servers_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, own, other = (
        tmp_path / f"echocli-serve-{name}" for name in ("999999999-x", f"{os.getpid()}-x", "x-y")
    )
    for folder in (old, own, other):
        folder.mkdir()
        (folder / "sound").touch()
    made = make_folder()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert not old.exists()
    assert own.exists()
    assert other.exists()
