"""Sound without a text, left where a person finds it, also where there is hardly room for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from echocli.remote.course import Course
from echocli.remote.outbox import BLOCK, Outbox, to_pcm
from echocli.remote.salvage import salvage
from echocli.remote.spool import WIDTH, Spool
from echocli.types import SAMPLE_RATE
from tests.remote.disk import files_of_at_most
from tests.remote.fake import second, speech

pytestmark = pytest.mark.unit

SECONDS = 4 * 30 + 45
"""Four blocks on disk, and the rest in memory."""


@pytest.fixture(autouse=True)
def _temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(10**9, tmp_path)
    yield made
    made.close()


def heard(spool: Spool, name: str = "mic", secs: int = SECONDS) -> Course:
    course = Course(name, name, Outbox(name, spool))
    for value in range(secs):
        course.outbox.append(to_pcm(second(value)))
    return course


def read(path: Path) -> list[int]:
    """Return which seconds a file holds."""
    sound, _ = soundfile.read(path, dtype="int16")
    return [int(one) for one in sound[::SAMPLE_RATE]]


def test_each_source_gets_a_file_and_nothing_else_is_left(spool: Spool, tmp_path: Path) -> None:
    courses = [heard(spool), heard(spool, "system", 3)]
    kept = salvage(courses, spool)
    assert kept is not None
    assert kept.seconds == SECONDS + 3
    assert [read(path) for path in kept.paths] == [list(range(SECONDS)), [0, 1, 2]]
    spool.close()
    assert list(tmp_path.iterdir()) == [*kept.directories]


def test_a_hole_is_silence_and_one_at_the_beginning_is_left_out(spool: Spool) -> None:
    course = Course("mic", "mic", Outbox("mic", spool))
    for value in (5, None, None, 8):
        if value is None:
            course.outbox.skip(SAMPLE_RATE)
        else:
            course.outbox.append(to_pcm(second(value)))
    late = Course("late", "late", Outbox("late", spool))
    late.outbox.skip(100 * SAMPLE_RATE)
    late.outbox.append(to_pcm(second(7)))
    kept = salvage([course, late], spool)
    assert kept is not None
    assert kept.seconds == 3
    assert [read(path) for path in kept.paths] == [[5, 0, 0, 8], [7]]


def test_only_what_has_no_text_is_left(spool: Spool) -> None:
    course = heard(spool)
    course.last_end = 40 * SAMPLE_RATE
    kept = salvage([course], spool)
    assert kept is not None
    sound, _ = soundfile.read(kept.paths[0], dtype="float32")
    assert np.array_equal(sound, speech(40, SECONDS - 1))


def test_nothing_is_no_file(spool: Spool, tmp_path: Path) -> None:
    assert salvage([heard(spool, secs=0)], spool) is None
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_room_what_is_not_in_the_file_stays_on_disk(spool: Spool) -> None:
    course = heard(spool)
    with files_of_at_most(5 * BLOCK * WIDTH // 2):
        kept = salvage([course], spool)
    spool.close()
    assert kept is not None
    assert kept.problem is not None
    file, pattern = kept.paths
    assert read(file) == list(range(60))
    blocks = sorted(pattern.parent.glob(pattern.name))
    assert [one for path in blocks for one in read(path)] == list(range(60, 120))
    assert kept.directories == (file.parent, pattern.parent)
    assert (kept.seconds, kept.lost) == (120, SECONDS - 120)


def test_where_not_even_a_directory_can_be_made_the_blocks_stay(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = heard(spool)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    kept = salvage([course], spool)
    spool.close()
    assert kept is not None
    assert kept.problem is not None
    (pattern,) = kept.paths
    assert len(list(pattern.parent.glob(pattern.name))) == 4
    assert (kept.seconds, kept.lost) == (120, SECONDS - 120)


def test_where_nothing_can_be_kept_it_is_said_and_no_directory_stays(
    spool: Spool, tmp_path: Path
) -> None:
    course = heard(spool, secs=3)
    with files_of_at_most(100):
        kept = salvage([course], spool)
    assert kept is not None
    assert (kept.directories, kept.paths, kept.seconds, kept.lost) == ((), (), 0, 3)
    assert kept.problem is not None
    assert list(tmp_path.iterdir()) == []
