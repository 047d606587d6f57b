from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli import log
from echocli.errors import OutputError, UsageError

pytestmark = pytest.mark.unit

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) ([a-z_]+)(.*)"
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    log.silence()


def written(name: str, level: str = "debug", **fields: log.Field) -> str:
    """Return what one event prints."""
    stream = io.StringIO()
    log.configure(stream, level)
    log.event(name, **fields)
    return stream.getvalue()


def test_an_event_is_one_line_of_time_level_name_and_fields() -> None:
    line = written("model_ready", provider="faster-whisper", model="tiny.en", ms=512)
    found = LINE.fullmatch(line.removesuffix("\n"))
    assert found is not None, line
    assert found.groups() == (
        "INFO",
        "model_ready",
        " provider=faster-whisper model=tiny.en ms=512",
    )


def test_time_is_utc() -> None:
    stream = io.StringIO()
    log.configure(stream, "info")
    record = logging.LogRecord("echocli", logging.INFO, "", 0, "model_ready", None, None)
    record.created, record.msecs = 1_795_299_814.123, 123.0
    logging.getLogger("echocli").handle(record)
    assert stream.getvalue() == "2026-11-21T22:23:34.123Z INFO model_ready\n"


@pytest.mark.parametrize("name", log.EVENTS)
def test_each_event_has_its_own_level(name: str) -> None:
    level = logging.getLevelName(log.EVENTS[name])
    assert f" {level} {name}\n" in written(name)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["inference_start", "model_ready", "failover_switch", "model_init_error"]),
        ("info", ["model_ready", "failover_switch", "model_init_error"]),
        ("WARNING", ["failover_switch", "model_init_error"]),
        ("error", ["model_init_error"]),
    ],
)
def test_a_level_shows_itself_and_above(level: str, expected: list[str]) -> None:
    stream = io.StringIO()
    log.configure(stream, level)
    for name in ("inference_start", "model_ready", "failover_switch", "model_init_error"):
        log.event(name)
    assert [line.split()[2] for line in stream.getvalue().splitlines()] == expected


def test_an_unknown_event_is_a_mistake_even_when_nothing_listens() -> None:
    with pytest.raises(ValueError, match="no event is called 'model_redy'"):
        log.event("model_redy")


@pytest.mark.parametrize("name", sorted(log.SPOKEN))
def test_what_is_said_cannot_be_logged(name: str) -> None:
    with pytest.raises(ValueError, match="what is said is not logged"):
        log.event("inference_complete", **{name: "hello"})


@pytest.mark.parametrize("level", ["", "loud", "warn", "10"])
def test_an_unknown_level_names_the_known_ones(level: str) -> None:
    with pytest.raises(UsageError, match="unknown log level") as caught:
        log.configure(io.StringIO(), level)
    assert caught.value.hint == "one of debug, info, warning, error"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("tiny.en", "tiny.en"),
        ("a b", '"a b"'),
        ("", '""'),
        ("k=v", '"k=v"'),
        ('say "hi"', r'"say \"hi\""'),
        ("C:\\models", r'"C:\\models"'),
        ("a\nb\t\x1b[31m", r'"a\nb\t\u001b[31m"'),
        ("\x9b\u202e\ud800", r'"\u009b\u202e\ud800"'),
        ("modèle", "modèle"),
        (3, "3"),
        (0.25, "0.25"),
        (512.0, "512"),
        (100.0, "100"),
        (1 / 3, "0.333"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_values_are_one_word_or_quoted(value: log.Field, shown: str) -> None:
    assert log.show(value) == shown


@given(st.text())
def test_any_text_stays_printable_and_can_be_read_back(text: str) -> None:
    shown = log.show(text)
    assert shown.isprintable()
    assert (json.loads(shown) if shown.startswith('"') else shown) == text


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "echocli.log"
    for _ in range(2):
        log.configure(path, "info")
        log.event("model_ready", model="tiny.en")
        log.silence()
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path, old = tmp_path / "echo.log", tmp_path / "echo.log.1"
    log.configure(path, "info")
    log.event("model_ready", model="one")
    path.rename(old)
    log.event("model_ready", model="two")
    path.unlink()
    log.event("model_ready", model="three")
    assert "one" in old.read_text()
    assert "three" in path.read_text()
    assert len(path.read_text().splitlines()) == 1


def test_a_file_whose_directory_is_gone_is_no_trouble(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log.configure(folder / "echo.log", "info")
    (folder / "echo.log").unlink()
    folder.rmdir()
    log.event("model_ready", model="one")


@pytest.mark.parametrize("name", [".", "missing/echocli.log", "null\0", "x" * 300])
def test_a_file_that_cannot_be_opened_is_an_output_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="cannot log to") as caught:
        log.configure(tmp_path / name, "info")
    assert caught.value.hint


def test_a_wrong_target_leaves_the_former_one(tmp_path: Path) -> None:
    stream = io.StringIO()
    log.configure(stream, "info")
    with pytest.raises(OutputError):
        log.configure(tmp_path, "info")
    log.event("model_ready")
    assert "model_ready" in stream.getvalue()


def test_configuring_again_replaces_and_silence_ends_it() -> None:
    first, second = io.StringIO(), io.StringIO()
    log.configure(first, "info")
    log.configure(second, "info")
    log.event("model_ready")
    log.silence()
    log.event("model_ready")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_target_that_takes_no_more_is_no_trouble(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(Path("/dev/full"), "info")
    log.event("model_ready")
    log.silence()
    assert capfd.readouterr() == ("", "")


def test_a_reader_that_went_away_is_no_trouble(capfd: pytest.CaptureFixture[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "w", encoding="utf-8", buffering=1)
    log.configure(stream, "info")
    log.event("model_ready")
    log.silence()
    with pytest.raises(BrokenPipeError):
        stream.close()
    assert capfd.readouterr() == ("", "")


def test_users_of_the_package_get_events_their_own_way(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="echocli"):
        log.event("degrade_level_change", before="NORMAL", after="WARNING")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "degrade_level_change before=NORMAL after=WARNING"


def test_without_configuration_nothing_is_printed() -> None:
    code = "from echocli import log; log.event('model_init_error', provider='x')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", "")
