"""What uvicorn and asyncio complain of, and what of it is a defect."""

from __future__ import annotations

import asyncio
import errno
import logging
import sys

import pytest

from echocli.clock import SteppingClock
from echocli.environment import Environment
from echocli.server.complaints import DENIED, QUIET, Complaints

pytestmark = pytest.mark.unit

NO_FILES = OSError(errno.EMFILE, "Too many open files")


def complain(message: str, error: BaseException | None = None) -> None:
    """Say it as uvicorn does."""
    try:
        if error is not None:
            raise error
    except BaseException:
        logging.getLogger("uvicorn.error").error(message, exc_info=sys.exc_info())
    else:
        logging.getLogger("uvicorn.error").warning(message)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "echocli"]


def test_a_defect_is_a_line_and_everything_else_an_event(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with Complaints(Environment()).taken():
        complain(DENIED)
        complain("Exceeded concurrency limit.")
        complain("Exception", asyncio.CancelledError())
        assert capsys.readouterr().err == ""
        complain("Exception", ArithmeticError("a sum\nof two lines"))
    assert capsys.readouterr().err.startswith("echocli: error: unexpected ArithmeticError: a sum\n")
    assert len(events(caplog)) == 3


def test_that_there_are_no_more_files_is_no_defect_and_said_once_a_second(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    clock = SteppingClock()
    complaints, loop = Complaints(Environment(clock=clock)), asyncio.new_event_loop()
    loop.set_exception_handler(complaints.take)
    accepting = {"message": "socket.accept() out of system resource", "exception": NO_FILES}
    with complaints.taken():
        for _ in range(2):
            for _ in range(1000):
                loop.call_exception_handler(accepting)
            complain("Exception in ASGI application", NO_FILES)
            clock.advance(QUIET)
    loop.close()
    assert capsys.readouterr().err == ""
    assert len(events(caplog)) == 2


def test_that_a_closed_socket_cannot_be_listened_to_again_is_not_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(Complaints(Environment()).take)
    text = "Exception in callback BaseSelectorEventLoop._start_serving()"
    error = ValueError("Invalid file descriptor: -1")
    loop.call_exception_handler({"message": text, "exception": error})
    assert caplog.records == []
    loop.call_exception_handler({"message": "Exception in callback f()", "exception": error})
    assert len(caplog.records) == 1
    loop.close()
