"""When a session has lasted long enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from echocli.server.patience import Due, SessionLimits, Times, due

pytestmark = pytest.mark.unit

LIMITS = SessionLimits(keep_seconds=60, idle_seconds=30, session_seconds=600)
FED = Times(began=0.0, heard=100.0, detached=None)


@pytest.mark.parametrize(
    ("times", "now", "expected"),
    [
        (FED, 129.9, None),
        (FED, 130.0, Due.IDLE),
        (replace(FED, heard=599.0), 600.0, Due.TOO_LONG),
        (replace(FED, heard=None), 599.0, None),
        (replace(FED, finishing=True), 9999.0, None),
        (replace(FED, over=True), 9999.0, None),
        (replace(FED, detached=100.0), 159.9, None),
        (replace(FED, detached=100.0), 160.0, Due.FORGET),
        (replace(FED, detached=599.0), 600.0, Due.TOO_LONG),
        (replace(FED, detached=100.0, finishing=True), 160.0, Due.FORGET),
        (replace(FED, detached=100.0, over=True), 159.0, None),
        (replace(FED, detached=100.0, over=True), 160.0, Due.FORGET),
        (replace(FED, detached=100.0, over=True, settled=True), 100.0, Due.FORGET),
        (replace(FED, detached=100.0, settled=True), 101.0, None),
        (replace(FED, detached=100.0, unused=True), 101.9, None),
        (replace(FED, detached=100.0, unused=True), 102.0, Due.FORGET),
        (replace(FED, unused=True), 102.0, None),
    ],
)
def test_what_is_due(times: Times, now: float, expected: Due | None) -> None:
    assert due(times, LIMITS, now) is expected
