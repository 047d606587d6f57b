"""Headerless PCM in named files."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from echocli.audio.pipe import RawFormat
from echocli.audio.raw import RawFileSource
from echocli.errors import InputError, UsageError

pytestmark = pytest.mark.unit

MONO = RawFormat("s16le", 16_000, 1)


def read(path: Path, raw: RawFormat = MONO, channel: int | None = None) -> RawFileSource:
    with RawFileSource(str(path), raw=raw, channel=channel) as source:
        count = sum(len(block) for block in source.blocks())
    assert count > 0
    return source


def test_a_file_gives_its_sound_and_knows_its_length(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    ramp = np.arange(-16_000, 16_000, dtype="<i2")
    path.write_bytes(ramp.tobytes())
    with RawFileSource(str(path), raw=MONO) as source:
        assert source.duration == 2.0
        sound = np.concatenate([*source.blocks()])
    np.testing.assert_allclose(sound, ramp / 32_768, atol=1e-6)
    assert (source.name, source.notices) == (str(path), [])


def test_an_odd_byte_is_left_out_with_a_notice_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(3_201))
    assert read(path).notices == [f"{path}: the last 1 bytes are no whole sample and were left out"]


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda _: None, "no such file"), (Path.mkdir, "is a directory"), (Path.touch, "is empty")],
)
def test_what_gives_no_sound_is_one_clear_error(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "a.raw"
    make(path)
    with pytest.raises(InputError, match=f"{path}: {message}") as caught:
        read(path)
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(100))
    path.chmod(0)
    with pytest.raises(InputError, match="no permission to read it"):
        read(path)


def test_a_channel_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(3_200))
    with pytest.raises(UsageError, match=r"a\.raw: there is no channel 2, the sound has 1"):
        read(path, channel=2)


def test_the_file_is_closed_also_when_reading_stops_early(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(200_000))
    with RawFileSource(str(path), raw=MONO) as source:
        next(source.blocks())
    del source
    gc.collect()  # a file that was left open warns, and warnings are errors


@pytest.mark.parametrize(("data", "refused"), [(bytes(32_000), False), (b"", True)])
def test_a_fifo_is_opened_only_to_be_read(tmp_path: Path, data: bytes, refused: bool) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    with RawFileSource(str(path), raw=MONO) as source:
        assert source.duration is None
        writer.start()
        if refused:
            with pytest.raises(InputError, match="is empty"):
                list(source.blocks())
        else:
            assert sum(len(block) for block in source.blocks()) == 16_000
    writer.join()
