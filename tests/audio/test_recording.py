from __future__ import annotations

import os
import random
import subprocess
import sys
import wave
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.audio.recording import Recorder
from echocli.errors import OutputError, UsageError
from echocli.types import SAMPLE_RATE, Samples

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PARTS = st.lists(st.tuples(st.integers(0, 40_000), st.booleans()), max_size=5)

WRITER = """
import sys
from pathlib import Path
import numpy as np
from echocli.audio.recording import Recorder

recorder = Recorder(Path(sys.argv[1]))
for start in range(0, 16_000 * 600, 1_600):
    recorder.write(((np.arange(start, start + 1_600) % 30_000) / 32_768).astype(np.float32))
    print(recorder.samples, flush=True)
"""

FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from echocli.audio.recording import Recorder
from echocli.errors import OutputError

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
recorder = Recorder(Path(sys.argv[1]))
noise = np.random.default_rng(0).uniform(-0.3, 0.3, 1_600).astype(np.float32)
raised = 0
for _ in range(200):
    try:
        recorder.write(noise)
    except OutputError as error:
        raised += 1
        print(error, error.hint, sep="|")
recorder.close()
print(raised, recorder.samples)
"""


def ramp(count: int) -> Samples:
    return ((np.arange(count) % 30_000) / 32_768).astype(np.float32)


def tone(count: int) -> Samples:
    return (0.4 * np.sin(np.arange(count) ** 2 / 3e6)).astype(np.float32)


def length_in_ffmpeg(path: Path) -> float:
    with av.open(path) as container:
        rate = container.streams.audio[0].rate
        return sum(frame.samples for frame in container.decode(audio=0)) / rate


def run(script: str, *args: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, args)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@settings(deadline=None)
@given(parts=PARTS, seed=st.integers(0, 100))
def test_what_is_read_back_is_what_was_written(parts: list[tuple[int, bool]], seed: int) -> None:
    noise = np.random.default_rng(seed)
    expected = [np.zeros(1, np.float32)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        with closing(Recorder(path)) as recorder:
            recorder.write(expected[0])
            for count, silent in parts:
                if silent:
                    expected.append(np.zeros(count, np.float32))
                    recorder.silence(count)
                else:
                    expected.append(noise.uniform(-1, 1, count).astype(np.float32))
                    recorder.write(expected[-1])
            assert recorder.samples == sum(map(len, expected))
        found, rate = soundfile.read(path, dtype="float32")
    assert rate == SAMPLE_RATE
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=0, atol=1 / 32_768)


def test_sixteen_bit_sound_stays_as_it_was(tmp_path: Path) -> None:
    exact = np.arange(-32_768, 32_768, dtype=np.int16)
    with closing(Recorder(tmp_path / "a.wav")) as recorder:
        recorder.write((exact / 32_768).astype(np.float32))
        recorder.write(np.array([1.0, -1.0], np.float32))
    found, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    np.testing.assert_array_equal(found[:-2], exact)
    np.testing.assert_array_equal(found[-2:], [32_767, -32_768])


@pytest.mark.parametrize("suffix", [".opus", ".OGG"])
def test_times_in_an_opus_recording_are_those_of_the_sound(tmp_path: Path, suffix: str) -> None:
    path, sound = tmp_path / f"a{suffix}", tone(5 * SAMPLE_RATE)
    with closing(Recorder(path)) as recorder:
        recorder.write(sound[:30_000])
        recorder.silence(20_000)
        recorder.write(sound[50_000:])
    found, rate = soundfile.read(path, dtype="float32")
    assert (len(found), rate) == (len(sound), SAMPLE_RATE)
    size = 2 * len(sound)
    product = np.fft.irfft(np.fft.rfft(found, size) * np.conj(np.fft.rfft(sound, size)))
    lag = (np.argmax(product) + len(sound)) % size - len(sound)
    assert abs(lag) <= SAMPLE_RATE // 1000
    assert np.abs(found[32_000:49_000]).max() < 0.01


def test_a_wav_is_whole_after_each_write_for_every_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with closing(Recorder(path)) as recorder:
        for count in (0, 1, 1_600, 20_000):
            recorder.write(tone(count))
            assert soundfile.info(path).frames == recorder.samples
            assert length_in_ffmpeg(path) == recorder.samples / SAMPLE_RATE
            with wave.open(str(path)) as reader:
                assert len(reader.readframes(1 << 20)) == 2 * recorder.samples


@pytest.mark.parametrize(("suffix", "lost"), [(".wav", 0.0), (".opus", 1.1)])
@pytest.mark.parametrize("seed", range(3))
def test_a_killed_recording_is_readable(
    tmp_path: Path, suffix: str, lost: float, seed: int
) -> None:
    path = tmp_path / f"a{suffix}"
    with run(WRITER, path) as child:
        assert child.stdout is not None
        for _ in range(random.Random(seed).randint(20, 300)):
            told = int(child.stdout.readline())
        child.kill()
    found, _ = soundfile.read(path, dtype="float32")
    assert len(found) >= told - lost * SAMPLE_RATE
    assert length_in_ffmpeg(path) == pytest.approx(len(found) / SAMPLE_RATE, abs=0.02)
    if suffix == ".wav":
        np.testing.assert_array_equal(found, ramp(len(found)))
        with wave.open(str(path)) as reader:
            assert reader.getnframes() == len(found)


@pytest.mark.parametrize(("suffix", "room"), [(".wav", 100_001), (".opus", 20_000)])
def test_a_full_disk_is_told_once_and_leaves_what_there_is(
    tmp_path: Path, suffix: str, room: int
) -> None:
    pytest.importorskip("resource", reason="no limit on file sizes on this system")
    path = tmp_path / f"a{suffix}"
    with run(FULL, path, str(room)) as child:
        told, _ = child.communicate()
    assert child.returncode == 0
    error, counts = told.splitlines()
    raised, samples = map(int, counts.split())
    assert raised == 1
    assert str(path) in error
    assert not error.endswith("|None")
    found, _ = soundfile.read(path)
    assert samples - 1.1 * SAMPLE_RATE <= len(found) <= samples + SAMPLE_RATE
    assert length_in_ffmpeg(path) == pytest.approx(len(found) / SAMPLE_RATE, abs=0.02)


def test_a_wav_ends_at_its_four_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with closing(Recorder(path)) as recorder:
        recorder.write(tone(1_600))
        with pytest.raises(OutputError, match="4 GB") as caught:
            recorder.silence(1 << 31)
        assert ".opus" in str(caught.value.hint)
        recorder.write(tone(1_600))
        recorder.silence(1_600)
    assert soundfile.info(path).frames == 1_600


@pytest.mark.parametrize("suffix", [".wav", ".opus"])
def test_an_empty_recording_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    recorder = Recorder(tmp_path / f"a{suffix}")
    assert recorder.path.exists()
    recorder.close()
    recorder.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a", ".wav", "-", "a.wav.txt"])
def test_other_formats_are_refused_with_those_that_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Recorder(tmp_path / name)
    assert ".wav" in str(caught.value.hint)
    assert not list(tmp_path.iterdir())


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"precious")
    with pytest.raises(UsageError, match="exists") as caught:
        Recorder(path)
    assert caught.value.hint
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "name", ["none/a.wav", "folder.wav", "file.txt/a.opus", f"{'a' * 300}.wav", "a\0.wav"]
)
def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "file.txt").touch()
    with pytest.raises(OutputError) as caught:
        Recorder(tmp_path / name)
    assert name in str(caught.value)
    assert caught.value.hint


def test_a_folder_without_permission_is_an_output_error(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(OutputError) as caught:
        Recorder(folder / "a.wav")
    assert "permission" in str(caught.value.hint)
