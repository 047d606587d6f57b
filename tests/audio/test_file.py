from __future__ import annotations

import errno
import io
import os
import struct
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from echocli.audio.container import Timeline
from echocli.audio.file import FileSource
from echocli.audio.stream import ByteStream, is_text
from echocli.errors import InputError, UsageError
from echocli.types import Samples
from tests.conftest import Corpus

pytestmark = pytest.mark.unit


def tone(seconds: float, rate: int = 16_000) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


def read(path: Path, channel: int | None = None) -> tuple[Samples, FileSource]:
    with FileSource(path, channel=channel) as source:
        blocks = list(source.blocks())
    assert all(0 < len(block) <= 16_000 for block in blocks)
    return np.concatenate(blocks), source


def level(sound: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def encode(
    path: Path, codec: str, channels: int, *, late: float = 0.0, video: bool = False
) -> None:
    """Write three seconds of tone with PyAV, after ``late`` seconds, beside a video if asked."""
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[channels]
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10) if video else None
        stream = container.add_stream(codec, rate=48_000, layout=layout)
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
            for number in range(50):
                image = av.VideoFrame(64, 64, "yuv420p")
                image.pts, image.time_base = number, Fraction(1, 10)
                container.mux(picture.encode(image))
            container.mux(picture.encode(None))
        assert isinstance(stream, av.AudioStream)
        sound = np.repeat(tone(3.0, 48_000)[:, None], channels, axis=1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), "flt", layout)
        frame.sample_rate = 48_000
        frame.time_base = Fraction(1, 48_000)
        frame.pts = round(late * 48_000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.aiff", "a.mp3"])
def test_common_formats_become_16_khz_mono(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, np.stack([tone(2.5, 44_100)] * 2, axis=1), 44_100)
    sound, source = read(path)
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(40_000, abs=1_000)
    assert level(sound) == pytest.approx(level(tone(2.5)), rel=0.05)
    assert source.duration == pytest.approx(2.5, abs=0.1)
    assert source.notices == []


def test_tags_in_another_encoding_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "tagged.wav"
    soundfile.write(path, tone(1.0), 16_000)
    artist = b"IART" + struct.pack("<I", 8) + "Künstler".encode("latin-1")
    chunk = b"INFO" + artist
    whole = bytearray(path.read_bytes() + b"LIST" + struct.pack("<I", len(chunk)) + chunk)
    whole[4:8] = struct.pack("<I", len(whole) - 8)
    path.write_bytes(whole)
    assert len(read(path)[0]) == 16_000


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_aac_of_any_channel_count_is_read(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.m4a"
    encode(path, "aac", channels)
    sound, _ = read(path)
    assert len(sound) == pytest.approx(48_000, abs=2_000)
    # The LFE channel of a surround layout keeps only the lowest tones.
    assert level(sound) == pytest.approx(level(tone(3.0)), rel=0.15)


def test_antiphase_stereo_file_is_not_silent(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone(2.0), -tone(2.0)], axis=1), 16_000)
    assert level(read(path)[0]) == pytest.approx(level(tone(2.0)), rel=0.02)


def test_a_channel_can_be_chosen_and_must_exist(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone(1.0), 0.1 * tone(1.0)], axis=1), 16_000)
    sound, _ = read(path, channel=2)
    assert level(sound) == pytest.approx(0.1 * level(tone(1.0)), rel=0.02)
    with pytest.raises(UsageError, match=r"a\.wav: there is no channel 3, the sound has 2"):
        read(path, channel=3)


def test_sound_that_starts_late_in_a_video_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    encode(path, "flac", 2, late=1.5, video=True)
    sound, _ = read(path)
    assert len(sound) == pytest.approx(4.5 * 16_000, abs=200)
    assert level(sound[:23_000]) == 0.0
    assert level(sound[25_000:26_000]) > 0.2


def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        container.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(picture.encode(None))
    with pytest.raises(InputError, match=r"a\.mp4: has no audio stream"):
        read(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "Chapter one. It was a dark and stormy night.\n" * 50),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nHi\n\n"),
        ("a", "Schöne Grüße\n" * 200),
        ("a.json", "{}"),
        ("a.mp3", "No music.\n" * 100),
    ],
)
def test_text_is_called_text(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not a sound or video file, but text") as caught:
        read(path)
    assert "download it again" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"plain\n", True),
        ("cut in a lett\u00e9".encode()[:-1], True),
        ("wide".encode("utf-16"), True),
        (b"", False),
        (b"RIFF\0\0", False),
        (b"\x80\x81\x7f\x80", False),
    ],
)
def test_only_what_is_clearly_text_counts_as_text(head: bytes, text: bool) -> None:
    assert is_text(head) is text


@pytest.mark.parametrize("name", ["https://example.org/talk.mp3", "rtsp://camera/1"])
def test_an_address_of_the_web_is_no_file(name: str) -> None:
    with (
        pytest.raises(InputError, match=f"{name}: URLs are not supported") as caught,
        FileSource(name),
    ):
        pass
    assert caught.value.hint == "download it first"


def make_text(path: Path) -> None:
    path.write_text("this is not sound\n" * 50)


def make_header_only(path: Path) -> None:
    soundfile.write(path, np.zeros(0), 16_000, format="WAV")


def make_cut_header(path: Path) -> None:
    path.write_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt ")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "no such file"),
        (Path.mkdir, "is a directory"),
        (Path.touch, "is empty"),
        (make_text, "is not a sound or video file"),
        (make_cut_header, "is not a sound or video file"),
        (make_header_only, "holds no sound"),
    ],
)
def test_what_gives_no_sound_is_one_clear_error(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_a_name_the_system_refuses_is_an_input_error() -> None:
    for name in ("a\0b.wav", "x" * 5_000):
        with pytest.raises(InputError):
            read(Path(name))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.0), 16_000)
    path.chmod(0)
    with pytest.raises(InputError, match="no permission to read it"):
        read(path)


class Refusing(type(Path())):  # type: ignore[misc]
    """A path that opens as for a user without permission, also for root."""

    def open(self, *_args: object, **_kwargs: object) -> io.FileIO:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))


def test_a_refused_open_says_there_is_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.0), 16_000)
    source = FileSource(path)
    source.path = Refusing(path)
    with pytest.raises(InputError, match="no permission to read it"), source:
        pass


class Breaking(io.BytesIO):
    """A file whose medium fails, or whose reader is interrupted, after 64 KiB."""

    def __init__(self, data: bytes, error: BaseException) -> None:
        super().__init__(data)
        self.error = error

    def read1(self, size: int | None = -1) -> bytes:
        if self.tell() > 65_536:
            raise self.error
        return super().read1(size)


@pytest.mark.parametrize(
    ("error", "expected"),
    [(OSError(errno.EIO, "Input/output error"), InputError), (KeyboardInterrupt(),) * 2],
)
def test_a_failing_read_inside_ffmpeg_is_not_lost(
    error: BaseException, expected: type[BaseException] | BaseException
) -> None:
    from echocli.audio.container import ContainerReader

    out = io.BytesIO()
    soundfile.write(out, tone(10.0), 16_000, format="WAV")
    stream = ByteStream(Breaking(out.getvalue(), error), "x.wav")
    kind = expected if isinstance(expected, type) else type(expected)
    with pytest.raises(kind):
        list(ContainerReader(stream, None).chunks())


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff"])
def test_a_truncated_file_is_read_as_far_as_it_goes_with_one_notice(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.standard_normal(160_000), 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    sound, source = read(path)
    assert 4.5 * 16_000 < len(sound) <= 5 * 16_000
    assert len(source.notices) == 1
    assert "ends early" in source.notices[0]
    assert "of 10.0 s could be read" in source.notices[0]


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_streamed_wav_is_ordinary(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(2.0), 16_000)
    data = path.read_bytes()
    at = data.index(b"data")
    path.write_bytes(
        b"RIFF"
        + struct.pack("<I", size)
        + data[8 : at + 4]
        + struct.pack("<I", size)
        + data[at + 8 :]
    )
    sound, source = read(path)
    assert len(sound) == 32_000
    assert source.notices == []


def test_damage_in_the_middle_is_skipped_counted_and_keeps_the_times(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    soundfile.write(path, tone(10.0, 44_100), 44_100)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3_000] = np.random.default_rng(1).bytes(3_000)
    path.write_bytes(data)
    sound, source = read(path)
    assert len(sound) > 8 * 16_000
    assert len(source.notices) == 1
    assert "is damaged" in source.notices[0]


def test_a_fifo_is_read_while_its_writer_keeps_it_open(tmp_path: Path) -> None:
    path, done = tmp_path / "fifo", threading.Event()
    os.mkfifo(path)
    out = io.BytesIO()
    soundfile.write(out, tone(8.0), 16_000, format="FLAC")

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            pipe.write(out.getvalue())
            done.wait(10)

    thread = threading.Thread(target=write)
    thread.start()
    with FileSource(path) as source:
        blocks = source.blocks()
        first = [next(blocks) for _ in range(3)]
        done.set()
        total = sum(map(len, first)) + sum(map(len, blocks))
    thread.join()
    assert total == 8 * 16_000
    assert source.duration is None


def test_timeline_fills_gaps_and_ignores_jitter_and_absurd_jumps() -> None:
    line = Timeline(10.0)
    assert line.gap(10.5, 1.0) == pytest.approx(0.5)
    assert line.gap(11.53, 1.0) == 0.0
    assert line.gap(13.5, 1.0) == pytest.approx(1.0)
    assert line.gap(2.0, 1.0) == 0.0
    assert line.gap(None, 1.0) == 0.0
    assert line.gap(4.0, 1.0) == 0.0
    assert line.gap(90_000.0, 1.0) == 0.0


def test_every_recording_of_the_corpus_has_its_stated_length(corpus: Corpus) -> None:
    for name, clip in corpus.clips.items():
        if clip.facts["seconds"] is None:
            with pytest.raises(InputError):
                read(clip.path)
            continue
        sound, source = read(clip.path)
        assert len(sound) / 16_000 == pytest.approx(clip.facts["seconds"], abs=0.02), name
        assert bool(source.notices) == (name == "bad_truncated_mp3")
