"""What is said about the connection."""

from __future__ import annotations

import pytest

from echocli.remote import telling
from echocli.remote.answer import Problem
from echocli.remote.policy import Loss
from echocli.wire.codes import Close, Code

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("loss", "hint"),
    [
        (None, telling.NOT_THERE),
        (Loss("refused"), telling.NOT_THERE),
        (Loss("broke off", 1006), telling.NOT_THERE),
        (Loss("no", untrusted=True), telling.UNTRUSTED),
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


def test_a_server_without_the_path_is_another_for_files_too() -> None:
    assert Problem("Not Found", status=404).error("host", "a.wav").hint == telling.WRONG_PLACE
