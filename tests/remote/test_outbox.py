"""Sound that waits for its text, in memory and on disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.remote.outbox import BLOCK, MEMORY, Outbox, to_pcm, to_samples
from echocli.remote.spool import Spool
from echocli.types import SAMPLE_RATE, Span
from tests.remote.disk import files_of_at_most
from tests.remote.fake import second

pytestmark = pytest.mark.unit

HALF_AN_HOUR = 30 * 60


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(2_000_000_000, tmp_path)
    yield made
    made.close()
    assert list(tmp_path.iterdir()) == []


def pieces(outbox: Outbox, index: int = 0, most: int = SAMPLE_RATE) -> Iterator[tuple[int, bytes]]:
    while (found := outbox.read(index, most))[1]:
        yield found
        index = found[0] + len(found[1]) // 2


def test_half_an_hour_is_kept_and_comes_back_in_order(spool: Spool, tmp_path: Path) -> None:
    outbox = Outbox("mic", spool)
    for value in range(HALF_AN_HOUR):
        outbox.append(to_pcm(second(value)))
    assert outbox.waiting(0) == HALF_AN_HOUR * SAMPLE_RATE
    assert spool.used >= (outbox.waiting(0) - MEMORY) * 2
    values: list[int] = []
    for at, pcm in pieces(outbox):
        assert at == len(values) * SAMPLE_RATE
        values += sorted(set(np.frombuffer(pcm, "<i2").tolist()))
    assert values == list(range(HALF_AN_HOUR))
    outbox.forget(outbox.end)
    assert (outbox.waiting(0), spool.used) == (0, 0)
    (directory,) = tmp_path.iterdir()
    assert list(directory.iterdir()) == []


def test_what_is_on_disk_is_private(spool: Spool, tmp_path: Path) -> None:
    outbox = Outbox("mic", spool)
    outbox.append(bytes(2 * (MEMORY + 1)))
    (directory,) = tmp_path.iterdir()
    (file,) = directory.iterdir()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_full_spool_drops_the_oldest_and_says_so(tmp_path: Path) -> None:
    spool = Spool(3 * BLOCK * 2, tmp_path)
    outbox = Outbox("mic", spool)
    for value in range(300):
        outbox.append(to_pcm(second(value)))
    lost = outbox.take_lost()
    assert lost[0].start == 0
    assert [one.end for one in lost[:-1]] == [one.start for one in lost[1:]]
    at, pcm = outbox.read(0, SAMPLE_RATE)
    assert at == lost[-1].end
    assert np.frombuffer(pcm, "<i2")[0] == at // SAMPLE_RATE
    assert outbox.take_lost() == []
    spool.close()


def test_the_oldest_sound_of_all_sources_goes_first(tmp_path: Path) -> None:
    spool = Spool(4 * BLOCK * 2, tmp_path)
    mic, system = Outbox("mic", spool), Outbox("system", spool)
    for value in range(100):
        mic.append(to_pcm(second(value)))
    system.skip(100 * SAMPLE_RATE)
    for value in range(100, 260):
        system.append(to_pcm(second(value)))
    assert mic.take_lost() == [Span(0, BLOCK), Span(BLOCK, 2 * BLOCK)]
    assert system.take_lost() == []
    spool.close()


def test_as_many_old_blocks_go_as_a_new_one_needs(tmp_path: Path) -> None:
    spool = Spool((2 * BLOCK + SAMPLE_RATE) * 2, tmp_path)
    outbox = Outbox("mic", spool)
    outbox.append(to_pcm(second(0)))
    outbox.skip(SAMPLE_RATE)
    for value in range(2, 172):
        outbox.append(to_pcm(second(value)))
    lost = [(one.start // SAMPLE_RATE, one.end // SAMPLE_RATE) for one in outbox.take_lost()]
    assert lost == [(0, 1), (2, 32), (32, 62)]
    assert outbox.read(0, 1)[0] == 62 * SAMPLE_RATE
    spool.close()


def test_what_is_older_than_all_that_is_kept_goes_itself(tmp_path: Path) -> None:
    spool = Spool(BLOCK * 2, tmp_path)
    late, early = Outbox("late", spool), Outbox("early", spool)
    late.skip(100 * SAMPLE_RATE)
    for outbox in (late, early):
        for _ in range(61):
            outbox.append(bytes(2 * SAMPLE_RATE))
    assert late.take_lost() == []
    assert early.take_lost() == [Span(0, BLOCK)]
    spool.close()


def test_a_disk_that_takes_nothing_makes_a_hole_and_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    spool = Spool(10**9, file)
    outbox = Outbox("mic", spool)
    outbox.append(bytes(2 * MEMORY))
    outbox.append(bytes(2 * SAMPLE_RATE))
    assert outbox.take_lost()
    assert "cannot write to" in spool.refusal
    assert outbox.read(outbox.end - 1, 10) == (outbox.end - 1, b"\0\0")


def test_without_a_directory_sound_stays_in_memory_and_the_rest_is_a_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with files_of_at_most(0):  # so none of the usual ones will do
        spool = Spool(10**9)
        outbox = Outbox("mic", spool)
        for value in range(100):
            outbox.append(to_pcm(second(value)))
    lost = outbox.take_lost()
    assert (lost[0].start, lost[-1].end) == (0, outbox.end - outbox.waiting(0))
    assert outbox.waiting(0) <= MEMORY
    assert "cannot write to disk" in spool.refusal
    for value in range(60):  # there is room again
        outbox.append(to_pcm(second(value)))
    assert outbox.take_lost() == []
    assert outbox.on_disk > 0
    spool.close()


def test_a_directory_that_somebody_removed_is_made_anew(spool: Spool, tmp_path: Path) -> None:
    outbox = Outbox("mic", spool)
    outbox.append(bytes(2 * (MEMORY + 1)))
    assert spool.directory is not None
    shutil.rmtree(spool.directory)
    outbox.append(bytes(2 * (MEMORY + 1)))
    assert outbox.take_lost() == []
    assert [one.parent for one in tmp_path.glob("*/*.wav")] == [spool.directory]


def test_a_hole_does_not_wait(spool: Spool) -> None:
    outbox = Outbox("mic", spool)
    outbox.append(bytes(2 * MEMORY))
    outbox.skip(SAMPLE_RATE)
    outbox.append(bytes(2 * SAMPLE_RATE))
    assert outbox.waiting(SAMPLE_RATE) == MEMORY
    outbox.drop_oldest()
    assert outbox.waiting(0) == SAMPLE_RATE


def test_a_block_that_somebody_removed_is_a_hole(spool: Spool, tmp_path: Path) -> None:
    outbox = Outbox("mic", spool)
    for value in range(100):
        outbox.append(to_pcm(second(value)))
    (directory,) = tmp_path.iterdir()
    first = min(directory.iterdir())
    first.unlink()
    at, _ = outbox.read(0, 10)
    assert outbox.take_lost() == [Span(0, at)]


@given(st.lists(st.integers(-32768, 32767), max_size=50))
def test_16_bit_sound_stays_as_it_was(values: list[int]) -> None:
    pcm = np.array(values, "<i2").tobytes()
    assert to_pcm(to_samples(pcm)) == pcm


def test_sound_beyond_full_scale_is_clipped() -> None:
    loud = np.array([2.0, -2.0, 1.0], np.float32)
    assert np.frombuffer(to_pcm(loud), "<i2").tolist() == [32767, -32768, 32767]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40)),
        st.tuples(st.just("skip"), st.integers(1, 20)),
        st.tuples(st.just("forget"), st.integers(0, 500)),
    ),
    max_size=25,
)


@given(steps, st.integers(1, 90_000))
def test_reading_gives_what_was_put_in_and_not_forgotten(
    done: list[tuple[str, int]], most: int
) -> None:
    """Lengths are seconds; the model is the value of each second, or ``None`` for a hole."""
    model: list[int | None] = []
    with tempfile.TemporaryDirectory() as place:
        outbox = Outbox("mic", Spool(10**9, Path(place)))
        forgotten = 0
        for what, secs in done:
            if what == "append":
                values = list(range(len(model), len(model) + secs))
                outbox.append(b"".join(to_pcm(second(value)) for value in values))
                model += values
            elif what == "skip":
                outbox.skip(secs * SAMPLE_RATE)
                model += [None] * secs
            else:
                outbox.forget(secs * SAMPLE_RATE)
                forgotten = max(forgotten, min(secs, len(model)))
        found: dict[int, int] = {}
        for at, pcm in pieces(outbox, forgotten * SAMPLE_RATE, most):
            for value in set(np.frombuffer(pcm, "<i2").tolist()):
                found[value] = found.get(value, 0) + 1
                assert at // SAMPLE_RATE <= value
        assert outbox.end == len(model) * SAMPLE_RATE
        assert set(found) == {value for value in model[forgotten:] if value is not None}
