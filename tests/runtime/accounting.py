"""Speech that is played under a load, and the account of where each utterance of it ended."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from echocli.decoding.assemble import has_words
from echocli.events import Gap, SpeechEnded
from echocli.runtime.backfill import Aside
from echocli.runtime.spool import Spool
from echocli.types import to_samples
from tests.runtime.pressing import Pressed, Trace, is_spooled
from tests.runtime.recogniser import Speech, speech

SOME = settings(deadline=None, max_examples=25)

TALK = speech([(2.5, 1.0)] * 12)
"""42.5 s of sentences."""

LONG = speech([(2.5, 1.0)] * 26)
"""91.5 s of them."""

HEAVY = Trace(((0.0, 2.6), (30.0, 0.1)))
"""Too much for the big model and, at first, nearly so for the small one."""

phrases = st.lists(st.tuples(st.floats(0.3, 8.0), st.floats(0.7, 3.0)), min_size=1, max_size=12)
talks = st.builds(speech, phrases, st.integers(0, 99))


@contextmanager
def spooling() -> Iterator[Spool[Aside]]:
    """Give a spool, and see that it leaves nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool[Aside](Path(folder))
        yield spool
        spool.close()
        assert list(Path(folder).iterdir()) == []


def played(
    said: Speech | list[Speech], trace: Trace, *, discard: bool = False, **keys: Any
) -> Pressed:
    """Play speech under a load; with ``discard`` nothing is kept for later."""
    with spooling() as spool:
        speeches = [said] if isinstance(said, Speech) else said
        player = Pressed(speeches, trace, spool=None if discard else spool, **keys)
        player.play()
        assert player.played.session.backfilling.close() is None
    return player


def accounted(player: Pressed, said: list[Speech]) -> Counter[str]:
    """Check that what was said ends in exactly one place; how often in which."""
    finals = Counter(final.segment.id for final in player.played.finals)
    backfills = {one.segment.id: one.segment for one in player.backfills}
    assert len(backfills) == len(player.backfills)
    gaps: defaultdict[tuple[str | None, float, float], list[Gap]] = defaultdict(list)
    for gap in player.played.gaps:
        gaps[gap.source, gap.start, gap.end].append(gap)
    found: Counter[str] = Counter()
    by_name = dict(zip((one.name for one in player.played.session.sources), said, strict=True))
    for ended in player.played.ended:
        mine = gaps.pop((ended.source, ended.start, ended.end), [])
        spoken = words_in(by_name[ended.source or ""], ended)
        if not mine:
            assert finals[ended.id] == 1 or not spoken
            assert ended.id not in backfills
            found["final"] += 1
        elif is_spooled(mine[0]) and len(mine) == 1:
            segment = backfills.pop(ended.id)
            assert finals[ended.id] == 0
            assert (segment.source, segment.start, segment.end) == (
                ended.source,
                ended.start,
                ended.end,
            )
            assert all(word in segment.text for word in spoken)
            assert has_words(segment.text) or not spoken
            found["backfill"] += 1
        else:
            assert not is_spooled(mine[-1])
            assert len(mine) == 1 + is_spooled(mine[0])
            assert finals[ended.id] == 0
            assert ended.id not in backfills
            found["gap"] += 1
    assert {gap.reason for left in gaps.values() for gap in left} <= {"lost"}
    assert backfills == {}
    return found


def words_in(said: Speech, ended: SpeechEnded) -> list[str]:
    """Return the words that were said wholly in an utterance, but for the edges."""
    start, end = to_samples(ended.start), to_samples(ended.end)
    return [word.text.strip() for word in said.words if start <= word.start and word.end <= end]
