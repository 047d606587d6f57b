from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echocli.clock import SteppingClock
from echocli.errors import OutputError
from echocli.providers.base import LoadSpec
from echocli.runtime.health import Health
from echocli.runtime.metrics_file import COUNTERS, MetricsFile

pytestmark = pytest.mark.unit

MOMENT = 1_795_299_814.123
"""2026-11-21 22:23:34.123 in UTC."""

ONE = dict.fromkeys(COUNTERS, 1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def start(path: Path, every: float = 60.0) -> MetricsFile:
    return MetricsFile(path, SteppingClock(), every, wall=lambda: MOMENT)


def run(path: Path, counters: dict[str, float], lines: int = 1) -> None:
    """Be a whole session."""
    file = start(path)
    for _ in range(lines - 1):
        file.write({}, counters)
    file.close({}, counters)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes, as a full disk would."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_line_has_the_time_the_session_the_record_and_the_totals(path: Path) -> None:
    clock = SteppingClock()
    health = Health(clock)
    file = MetricsFile(path, clock, wall=lambda: MOMENT)
    health.serve(LoadSpec("scripted", "base", "base.json"))
    health.decode(12.0, final=True)
    health.audio(30.0)
    clock.advance(60.0)
    file.close(health.record(), health.counters())
    (line,) = lines(path)
    assert list(line)[:3] == ["time", "session", "provider"]
    assert list(line)[-1] == "total"
    assert (line["time"], line["session"]) == ("2026-11-21T22:23:34.123Z", 1)
    assert (line["model"], line["p50_infer_ms"]) == ("base", 12.0)
    assert line["total"] == {"sessions": 1, **health.counters()}
    assert set(line["total"]) == {"sessions", *COUNTERS}


def test_a_line_is_due_every_so_many_seconds(path: Path) -> None:
    clock = SteppingClock(5.0)
    file = MetricsFile(path, clock, every=60.0, wall=lambda: MOMENT)
    assert not file.due(64.9)
    assert file.due(65.0)
    clock.advance(70.0)
    file.write({}, {})
    assert not file.due(134.9)
    assert file.due(135.0)
    file.close({}, {})
    assert not file.due(1000.0)


def test_the_last_line_tells_all_sessions(path: Path) -> None:
    for counters in ({"windows": 3, "audio_seconds": 60.5}, {"windows": 4}, {"errors": 1}):
        run(path, dict(counters), lines=2)
    found = lines(path)
    assert [line["session"] for line in found] == [1, 1, 2, 2, 3, 3]
    last = found[-1]["total"]
    assert (last["sessions"], last["windows"], last["errors"]) == (3, 7, 1)
    assert last["audio_seconds"] == 60.5


amounts = st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1e5)), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts, st.integers(0, 40))
def test_totals_are_the_sums_whatever_was_torn_in_between(
    path: Path, sessions: list[tuple[int, float]], torn: int
) -> None:
    path.unlink(missing_ok=True)
    for windows, audio in sessions:
        run(path, {"windows": windows, "audio_seconds": audio})
        with path.open("ab") as file:
            file.write(b'{"time": "2026-11-21T22:23:34.123Z", "session"'[:torn])
    run(path, {})
    total = json.loads(path.read_bytes().splitlines()[-1])["total"]
    assert total["sessions"] == len(sessions) + 1
    assert total["windows"] == sum(windows for windows, _ in sessions)
    assert total["audio_seconds"] == pytest.approx(sum(audio for _, audio in sessions), abs=1e-3)


def test_the_line_after_a_half_one_is_a_line_of_its_own(path: Path) -> None:
    run(path, ONE)
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        run(path, ONE)
        first, *_, last = path.read_bytes().splitlines()
        assert first + b"\n" == whole
        assert (json.loads(last)["session"], json.loads(last)["total"]["windows"]) == (2, 2)


def test_a_line_that_lacks_only_its_newline_counts(path: Path) -> None:
    run(path, ONE)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    run(path, ONE)
    assert [line["session"] for line in lines(path)] == [1, 2]


def test_two_crashes_in_a_row_lose_nothing(path: Path) -> None:
    run(path, ONE)
    with path.open("ab") as file:
        file.write(b'{"time": "20\n{"time": "2026-11')
    run(path, ONE)
    last = json.loads(path.read_bytes().splitlines()[-1])
    assert (last["session"], last["total"]["windows"]) == (2, 2)


@pytest.mark.parametrize("content", [b"", b"\n", b'{"time": "2026', b"{"])
def test_an_empty_file_and_one_of_a_first_half_line_are_new(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    run(path, ONE)
    last = json.loads(path.read_bytes().splitlines()[-1])
    assert last["session"] == 1


FOREIGN = [
    b"Dear diary\n",
    b"\x00\x01\x02",
    b"\xff\xfe broken",
    b"[1, 2]\n",
    b'{"type": "final", "text": "hello"}\n',
    b'{"time": "2026-11-21T22:23:34Z", "msg": "started"}\n',
    b'{"time": "now", "session": 1, "total": {"windows": -1}}\n',
    b'{"time": "now", "session": 1, "total": {"windows": "many"}}\n',
    b'{"time": "now", "session": 1, "total": {"windows": NaN}}\n',
    b'{"time": "now", "session": "first", "total": {}}\n',
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_file_of_something_else_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"metrics\.jsonl holds something else") as caught:
        start(path)
    assert caught.value.hint
    assert path.read_bytes() == content


def test_a_long_file_is_taken_up_at_its_end(path: Path) -> None:
    run(path, ONE)
    line = path.read_bytes()
    path.write_bytes(line * (3 * 2**20 // len(line)))
    run(path, ONE)
    assert json.loads(path.read_bytes().splitlines()[-1])["total"]["sessions"] == 2


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Is a directory") as caught:
        start(tmp_path)
    assert caught.value.hint == "it is a directory: name a file in it"


def test_a_missing_directory_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file") as caught:
        start(tmp_path / "missing" / "metrics.jsonl")
    assert caught.value.hint == "make its directory first"
    assert not (tmp_path / "missing").exists()


def test_a_file_as_directory_and_an_impossible_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "metrics.jsonl", tmp_path / "null\0", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError, match="cannot write metrics") as caught:
            start(path)
        assert caught.value.hint


def test_a_pipe_is_refused_without_waiting_for_its_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OutputError, match="not an ordinary file"):
            start(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_refused(path: Path) -> None:
    run(path, ONE)
    path.chmod(0o400)
    with pytest.raises(OutputError, match="Permission denied") as caught:
        start(path)
    assert caught.value.hint == "check the permissions or name another file"


@pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
def test_a_file_that_another_run_writes_is_refused_until_that_ends(path: Path) -> None:
    first = start(path)
    with pytest.raises(OutputError, match="another run writes there"):
        start(path)
    first.close({}, ONE)
    run(path, ONE)
    assert len(lines(path)) == 2


def test_a_disk_that_fills_is_said_once_and_leaves_whole_lines(path: Path) -> None:
    file = start(path)
    file.write({}, ONE)
    before = path.read_bytes()
    with at_most(len(before) + 20), pytest.raises(OutputError, match="cannot write metrics"):
        file.write({}, ONE)
    assert path.read_bytes() == before
    file.write({}, ONE)
    file.close({}, ONE)
    assert path.read_bytes() == before
    run(path, ONE)
    assert [line["session"] for line in lines(path)] == [1, 2]


def test_closing_twice_writes_one_line(path: Path) -> None:
    file = start(path)
    file.close({}, ONE)
    file.close({}, ONE)
    assert len(lines(path)) == 1


def test_strange_text_in_a_record_stays_on_its_line(path: Path) -> None:
    strange = {"errors": [{"time": 1.0, "text": "a\nb\u2028c\ud800\x1b[31m"}]}
    start(path).close(strange, {})
    assert len(path.read_bytes().splitlines()) == 1
    assert lines(path)[0]["errors"] == strange["errors"]
