"""What cannot be transcribed is one clear line, the right exit code, and no file."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from echocli.api.ahead import LOOK_AHEAD
from tests.cli.conftest import Script, Start
from tests.conftest import Clip, Completed, Corpus, RunEchocli

pytestmark = pytest.mark.unit

HEADER = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0"
"""A WAV file that says 16-bit mono at 16 kHz and then ends."""
NO_DISK = "a disk of a known size needs root and mount"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return where outputs go; it is made by the program."""
    return tmp_path / "out"


def assert_refused(done: Completed, out: Path, path: Path, text: str = "") -> None:
    """Check a run that could read none of its input."""
    assert (done.code, done.stdout) == (3, "")
    first, *hint = done.stderr.splitlines()
    assert first.startswith(f"echocli: error: {path}: ")
    assert text in first
    assert len(hint) <= 1
    assert files(out) == []


def files(out: Path) -> list[str]:
    """Return the names in a directory, hidden ones too."""
    return sorted(path.name for path in out.iterdir()) if out.exists() else []


def noise_bytes(count: int) -> bytes:
    """Return bytes that are no sound file and always the same."""
    return bytes((i * 7919 >> 3) & 0xFF for i in range(count))


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"This is no sound at all.\n" * 40, ""),
        ("noise.mp3", noise_bytes(5000), ""),
        ("header.wav", HEADER, ""),
        ("riff.wav", b"RIFF", ""),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64), ""),
        ("zeros.flac", bytes(4096), ""),
    ],
)  # fmt: skip
def test_a_file_without_sound(
    run_echocli: RunEchocli, script: Script, tmp_path: Path, out: Path,
    name: str, data: bytes, text: str,
) -> None:  # fmt: skip
    path = tmp_path / name
    path.write_bytes(data)
    assert_refused(run_echocli("transcribe", path, *script(), "-o", out), out, path, text)


def test_a_missing_file(run_echocli: RunEchocli, script: Script, tmp_path: Path, out: Path) -> None:
    path = tmp_path / "gone.wav"
    done = run_echocli("transcribe", path, *script(), "-o", out)
    assert_refused(done, out, path, "no such file")


def test_a_directory(run_echocli: RunEchocli, script: Script, tmp_path: Path, out: Path) -> None:
    done = run_echocli("transcribe", tmp_path, *script(), "-o", out)
    assert_refused(done, out, tmp_path, "is a directory")


def test_a_dangling_link(
    run_echocli: RunEchocli, script: Script, tmp_path: Path, out: Path
) -> None:
    path = tmp_path / "link.wav"
    path.symlink_to("nowhere.wav")
    done = run_echocli("transcribe", path, *script(), "-o", out)
    assert_refused(done, out, path, "no such file")


def test_a_name_that_could_draw_on_the_terminal(
    run_echocli: RunEchocli, script: Script, tmp_path: Path, out: Path
) -> None:
    done = run_echocli("transcribe", tmp_path / "a\x1b[31m\nb.wav", *script(), "-o", out)
    assert done.code == 3
    assert "\x1b" not in done.stderr
    assert "no such file" in done.stderr.splitlines()[0]


def test_a_name_that_is_too_long(
    run_echocli: RunEchocli, script: Script, tmp_path: Path, out: Path
) -> None:
    path = tmp_path / ("x" * 300 + ".wav")
    assert_refused(run_echocli("transcribe", path, *script(), "-o", out), out, path)


def test_nothing_on_standard_input(run_echocli: RunEchocli, script: Script, out: Path) -> None:
    done = run_echocli("transcribe", "-", *script(), "-o", out)
    assert done.code == 3
    assert "stdin: nothing arrived" in done.stderr
    assert files(out) == []


def test_text_on_standard_input(run_echocli: RunEchocli, script: Script, out: Path) -> None:
    done = run_echocli("transcribe", "-", *script(), "-o", out, stdin=b"no sound\n" * 100)
    assert_refused(done, out, Path("stdin"))


def test_a_video_without_sound(
    run_echocli: RunEchocli, script: Script, tmp_path: Path, out: Path
) -> None:
    import av
    import numpy as np

    path = tmp_path / "silent.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        for packet in [*stream.encode(picture), *stream.encode()]:
            container.mux(packet)
    assert_refused(run_echocli("transcribe", path, *script(), "-o", out), out, path)


def test_a_file_that_vanishes_before_it_is_opened_costs_only_itself(
    start_echocli: Start, script: Script, samples: Path, tmp_path: Path, out: Path
) -> None:
    fifo, gone = tmp_path / "first.wav", tmp_path / "gone.flac"
    os.mkfifo(fifo)
    # As many as are read ahead of their turn stand before the one that vanishes.
    between = [tmp_path / f"{number}.flac" for number in range(LOOK_AHEAD)]
    for path in (*between, gone):
        shutil.copy(samples / "meeting.flac", path)
    running = start_echocli("transcribe", fifo, *between, gone, *script(), "-o", out)
    with fifo.open("wb") as writer:  # opens once the program reads the first
        gone.unlink()
        writer.write((samples / "meeting.flac").read_bytes())
    code, _, errors = running.end()
    assert code == 5
    assert f"{gone}: no such file" in errors
    assert files(out) == sorted(["first.txt", *(f"{path.stem}.txt" for path in between)])


class TestOutput:
    def test_a_file_in_the_place_of_the_directory(
        self, run_echocli: RunEchocli, script: Script, samples: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("mine")
        done = run_echocli(
            "transcribe", samples / "meeting.flac", *script(), "-o", tmp_path / "file"
        )
        assert (done.code, done.stdout) == (1, "")
        assert "cannot write" in done.stderr
        assert (tmp_path / "file").read_text() == "mine"

    def test_a_directory_in_the_place_of_the_file(
        self, run_echocli: RunEchocli, script: Script, samples: Path, out: Path
    ) -> None:
        (out / "meeting.txt").mkdir(parents=True)
        done = run_echocli("transcribe", samples / "meeting.flac", *script(), "-o", out)
        assert (done.code, done.stdout) == (1, "")
        assert files(out) == ["meeting.txt"]

    def test_a_disk_that_is_full(
        self, run_echocli: RunEchocli, script: Script, samples: Path, small_disk: Path
    ) -> None:
        command = ["transcribe", samples / "meeting.flac", *script("word " * 3000, consumed=2)]
        done = run_echocli(*command, "-o", small_disk)
        assert (done.code, done.stdout) == (1, "")
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr
        assert "meeting.txt" not in files(small_disk)

    def test_a_disk_that_may_only_be_read(
        self, run_echocli: RunEchocli, script: Script, samples: Path, small_disk: Path
    ) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        done = run_echocli("transcribe", samples / "meeting.flac", *script(), "-o", small_disk)
        assert (done.code, done.stdout) == (1, "")
        assert "Read-only file system" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return an empty disk of 64 kB, or a skip where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip(NO_DISK)
    command = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(NO_DISK)
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", str(place)], check=True)
        yield place


@pytest.fixture
def bound() -> list[str]:
    """Return a prefix under which permissions bind this user, root too; a skip where none does."""
    if os.geteuid() != 0:
        return []
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("root may read everything, and setpriv is not installed")
    return [program, "--inh-caps=-all", "--bounding-set=-all"]


class TestPermissions:
    def test_a_file_that_may_not_be_read(
        self, start_echocli: Start, script: Script, bound: list[str], tmp_path: Path, out: Path
    ) -> None:
        path = tmp_path / "secret.wav"
        path.write_bytes(b"RIFF")
        path.chmod(0)
        running = start_echocli("transcribe", path, *script(), "-o", out, prefix=bound)
        assert_refused(Completed(*running.end()), out, path, "no permission to read it")

    def test_a_directory_that_may_not_be_written(
        self, start_echocli: Start, script: Script, bound: list[str], samples: Path, out: Path
    ) -> None:
        out.mkdir(0o555)
        meeting = samples / "meeting.flac"
        running = start_echocli("transcribe", meeting, *script(), "-o", out, prefix=bound)
        code, text, errors = running.end()
        assert (code, text) == (1, "")
        assert errors.startswith(f"echocli: error: cannot write {out / 'meeting.txt'}: ")
        assert files(out) == []


def clips(corpus: Corpus, expect: str) -> list[Clip]:
    """Return the clips of which the manifest says what they must lead to."""
    found = [clip for clip in corpus.clips.values() if clip.facts["expect"] == expect]
    if not found:
        pytest.skip(f"the corpus has no clip with expect {expect}")
    return found


class TestRecordings:
    def test_a_clip_that_is_broken_is_refused_or_read_as_far_as_it_goes(
        self, run_echocli: RunEchocli, script: Script, corpus: Corpus, tmp_path: Path
    ) -> None:
        for number, clip in enumerate(clips(corpus, "graceful_error")):
            out = tmp_path / str(number)
            done = run_echocli("transcribe", clip.path, *script(), "-o", out)
            if clip.facts["seconds"] is None:
                assert_refused(done, out, clip.path)
            else:
                assert done.code == 0
                assert files(out) == [f"{clip.path.stem}.txt"]

    def test_headerless_sound_is_refused_politely(
        self, run_echocli: RunEchocli, script: Script, corpus: Corpus, out: Path
    ) -> None:
        (clip,) = clips(corpus, "graceful_error_or_transcribe")
        done = run_echocli("transcribe", clip.path, *script(), "-o", out)
        assert_refused(done, out, clip.path)

    @pytest.mark.slow
    @pytest.mark.model
    @pytest.mark.usefixtures("tiny_model")
    def test_sound_without_speech_gives_no_words(
        self, run_echocli: RunEchocli, corpus: Corpus, out: Path
    ) -> None:
        inputs = [clip.path for clip in clips(corpus, "no_speech")]
        done = run_echocli("transcribe", *inputs, "-m", "tiny.en", "-o", out, timeout=600)
        assert done.code == 0
        texts = {path.stem: path.read_text(encoding="utf-8") for path in out.iterdir()}
        assert len(texts) == len(inputs)
        assert {name: text for name, text in texts.items() if text} == {}

    @pytest.mark.slow
    @pytest.mark.model
    @pytest.mark.usefixtures("tiny_model")
    def test_no_recording_crashes_it(
        self, run_echocli: RunEchocli, corpus: Corpus, out: Path
    ) -> None:
        """A window of each: tests of sources read them whole, those of guards break up loops."""
        inputs = [clip.path for clip in clips(corpus, "no_crash")]
        options = ["-m", "tiny.en", "-o", out, "--clip", "0-14"]
        done = run_echocli("transcribe", *inputs, *options, timeout=600)
        refused = [line for line in done.stderr.splitlines() if line.startswith("echocli: error:")]
        assert done.code in (0, 3, 5)
        assert "Traceback" not in done.stderr
        assert len(files(out)) + len(refused) == len(inputs)
        assert [name for name in files(out) if not name.endswith(".txt")] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_several_inputs_on_a_full_standard_output_are_a_plain_failure(
    script: Script, start_echocli: Start, samples: Path
) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start_echocli(
            "transcribe", *script(), samples / "meeting.flac", samples / "pauses.flac", stdout=full
        )
        assert process.process.wait(60) == 1


def test_several_inputs_end_with_a_count(
    run_echocli: RunEchocli, script: Script, samples: Path, out: Path
) -> None:
    done = run_echocli(
        "transcribe", *script(), samples / "meeting.flac", "not-there.wav", "-o", out
    )
    assert done.code == 5
    assert "1 done, 1 failed" in done.stderr
