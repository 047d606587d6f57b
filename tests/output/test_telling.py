from __future__ import annotations

import pytest

from echocli.events import Failover, Level
from echocli.output.telling import Failovers, level_text

pytestmark = pytest.mark.unit

BASE, TINY = "faster-whisper:base", "faster-whisper:tiny.en"


def level(before: str, after: str, reason: str, *effects: str) -> Level:
    return Level(before, after, reason, 1.31, 2.0, effects)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            level("NORMAL", "DEGRADE", "RTF 1.31", "model tiny.en", "no partials"),
            "level NORMAL → DEGRADE (RTF 1.31): model tiny.en, no partials",
        ),
        (
            level("DEGRADE", "WARNING", "the load is over"),
            "level DEGRADE → WARNING (the load is over)",
        ),
        (
            level("WARNING", "WARNING", "RTF 0.90", "open speech every 3 s"),
            "level WARNING (RTF 0.90): open speech every 3 s",
        ),
        (level("WARNING", "WARNING", "RTF 0.90"), None),
    ],
)
def test_level_is_told_with_its_reason_and_effects(event: Level, text: str | None) -> None:
    assert level_text(event) == text


def test_failover_names_who_failed_why_and_who_goes_on() -> None:
    assert Failovers().text(Failover(BASE, TINY, "killed by signal 9", 12.345)) == (
        f"{BASE} failed (killed by signal 9): {TINY} goes on, 12.3 s decoded again"
    )
    assert Failovers().text(Failover(BASE, TINY, "died")) == f"{BASE} failed (died): {TINY} goes on"


def test_who_comes_back_did_not_fail_and_may_fail_again() -> None:
    told = Failovers()
    away, back = Failover(BASE, TINY, "died"), Failover(TINY, BASE, "it works again")
    for _ in range(2):
        assert told.text(away) == f"{BASE} failed (died): {TINY} goes on"
        assert told.text(back) == f"{BASE} goes on again instead of {TINY} (it works again)"


def test_a_fresh_worker_of_the_same_is_no_other_model() -> None:
    told = Failovers()
    assert told.text(Failover(BASE, BASE, "died", 1.0)) == (
        f"{BASE} failed (died): it is started again, 1.0 s decoded again"
    )
    assert told.text(Failover(BASE, TINY, "died")) == f"{BASE} failed (died): {TINY} goes on"
