"""Live sessions with real weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from echocli.wire.messages import SourceStart
from tests.server.seated import RATE, desk, feed, hosted, speech, start, texts
from tests.waiting import eventually

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("tiny_model")]


def words(found: list[str]) -> list[str]:
    return [word.strip(".,").lower() for text in found for word in text.split()]


def test_what_is_begun_anew_at_what_was_final_has_every_word_once(
    tmp_path: Path, samples: Path
) -> None:
    sound = speech(samples)
    reference = words([(samples / "pauses.ref.txt").read_text(encoding="utf-8")])
    with hosted(tmp_path, model="tiny.en") as host, desk(host) as sessions:
        first = sessions.open(start("mic", "system"))
        feed(first, sound[: 24 * RATE])
        eventually(lambda: len(texts(first)) == 2 and first.final["mic"] > 15 * RATE)
        final, before = first.final["mic"], texts(first)
        first.detach()
        again = sessions.open(start(sources=(SourceStart("mic", final),), first_id=2))
        feed(again, sound[final:], begin=final)
        again.finish(catch_up=True)
        eventually(lambda: again.over)
    assert final < 22.5 * RATE  # somebody was speaking at second 24
    assert words(before + texts(again)) == reference
