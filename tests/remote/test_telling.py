"""What is said about the connection."""

from __future__ import annotations

import pytest

from echocli.remote import telling
from echocli.remote.answer import Problem
from echocli.remote.policy import GiveUp, Loss
from echocli.wire.codes import Close, Code

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("loss", "hint"),
    [
        (None, telling.NOT_THERE),
        (Loss("refused"), telling.NOT_THERE),
        (Loss("broke off", 1006), telling.NOT_THERE),
        (Loss("no", untrusted=True), telling.UNTRUSTED),
        (Loss("no", foreign=True, hint="look elsewhere"), "look elsewhere"),
        (Loss("no", status=401), telling.WRONG_TOKEN),
        (Loss("no", status=403), telling.WRONG_TOKEN),
        (Loss("no", Close.POLICY), telling.WRONG_TOKEN),
        (Loss("no", status=404), telling.WRONG_PLACE),
        (Loss("no", status=502), None),
        (Loss("no", Close.TRY_LATER, code=Code.TOO_MANY_SESSIONS), telling.FULL),
        (Loss("no", Close.TRY_LATER, code=Code.NOT_READY), telling.LATER),
        (Loss("no", Close.TRY_LATER, code="said_by_a_newer_server"), None),
        (Loss("no", Close.TRY_LATER), None),
        (Loss("no", Close.PROTOCOL, code=Code.BAD_MESSAGE), None),
    ],
)
def test_the_next_step_fits_what_went_wrong(loss: Loss | None, hint: str | None) -> None:
    assert telling.hint(loss) == hint


@pytest.mark.parametrize(
    ("was_there", "fatal", "said"),
    [
        (False, False, "host: why"),
        (True, False, "connection lost: host: why"),
        (True, True, "host: why"),
    ],
)
def test_a_connection_is_lost_only_where_there_was_one_and_nobody_refused(
    was_there: bool, fatal: bool, said: str
) -> None:
    why = GiveUp("why", fatal=fatal)
    told = telling.given_up("host", why, was_there=was_there, listening=True)
    assert told.message == f"{said}; the recording goes on, to disk"


def test_a_server_without_the_path_is_another_for_files_too() -> None:
    assert Problem("Not Found", status=404).error("host", "a.wav").hint == telling.WRONG_PLACE


def test_a_server_that_only_gives_out_files_is_another() -> None:
    assert telling.hint(telling.answered("HTTP 501", 501, None)) == telling.WRONG_PLACE
