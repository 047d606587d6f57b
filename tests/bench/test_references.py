from __future__ import annotations

import json
from pathlib import Path

import pytest

from echocli.bench.references import Clip, collect, find_samples, read_manifest, read_text
from echocli.errors import UsageError

pytestmark = pytest.mark.unit

NOWHERE = Path("no-such-folder")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def manifest(folder: Path, *objects: object) -> Path:
    return write(folder / "manifest.jsonl", "".join(json.dumps(one) + "\n" for one in objects))


class TestCollect:
    def test_the_text_beside_a_recording_is_its_reference(self, tmp_path: Path) -> None:
        write(tmp_path / "talk.ref.txt", "\ufeffHello there.\n")
        file = str(tmp_path / "talk.v2.flac")
        named = str(tmp_path / "talk.flac")
        assert collect([file, named], None, None, NOWHERE) == [
            Clip(file),
            Clip(named, "Hello there."),
        ]

    def test_a_named_reference_wins(self, tmp_path: Path) -> None:
        write(tmp_path / "talk.ref.txt", "beside")
        text = write(tmp_path / "other.txt", "named")
        clips = collect([str(tmp_path / "talk.flac")], text, None, NOWHERE)
        assert [clip.reference for clip in clips] == ["named"]

    @pytest.mark.parametrize("files", [[], ["a.wav", "b.wav"]], ids=len)
    def test_a_reference_is_for_one_file(self, tmp_path: Path, files: list[str]) -> None:
        with pytest.raises(UsageError, match="one FILE"):
            collect(files, tmp_path / "text.txt", None, NOWHERE)

    def test_a_file_named_twice_is_measured_once(self) -> None:
        assert len(collect(["a.wav", "a.wav"], None, None, NOWHERE)) == 1

    def test_standard_input_is_refused(self) -> None:
        with pytest.raises(UsageError, match="only once"):
            collect(["-"], None, None, NOWHERE)

    def test_nothing_named_and_no_samples_says_what_to_name(self) -> None:
        with pytest.raises(UsageError, match="nothing to measure") as caught:
            collect([], None, None, NOWHERE)
        assert "echocli bench FILE" in str(caught.value.hint)

    def test_a_manifest_alone_gives_all_its_recordings(self, tmp_path: Path) -> None:
        path = manifest(tmp_path, {"file": "a.wav", "text": "one"}, {"file": "b.wav", "text": ""})
        assert collect([], None, path, NOWHERE) == [
            Clip(str(tmp_path / "a.wav"), "one"),
            Clip(str(tmp_path / "b.wav"), ""),
        ]

    def test_a_manifest_beside_files_gives_their_texts(self, tmp_path: Path) -> None:
        path = manifest(
            tmp_path,
            {"file": "a.wav", "text": "eins", "language": "de"},
            {"file": "b.wav", "text": "two"},
        )
        file = str(tmp_path / "x" / ".." / "a.wav")
        assert collect([file], None, path, NOWHERE) == [Clip(file, "eins", "de")]

    def test_a_manifest_without_a_text_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no recording with a text"):
            collect([], None, manifest(tmp_path, {"file": "a.wav"}), NOWHERE)

    def test_a_name_too_long_for_the_system_has_no_text(self) -> None:
        assert collect(["x" * 5000], None, None, NOWHERE) == [Clip("x" * 5000)]


class TestSamples:
    def test_recordings_with_a_text_are_found_by_name(self, samples: Path) -> None:
        names = [Path(clip.file).name for clip in find_samples(samples)]
        assert names == ["meeting.flac", "pauses.flac"]

    def test_transcripts_beside_them_are_no_recordings(self, tmp_path: Path) -> None:
        write(tmp_path / "talk.ref.txt", "hello")
        for name in ("talk.wav", "talk.srt", "talk.json", "other.wav"):
            write(tmp_path / name, "")
        assert find_samples(tmp_path) == [Clip(str(tmp_path / "talk.wav"), "hello")]


class TestManifest:
    def test_the_fields_have_several_names(self, tmp_path: Path) -> None:
        path = manifest(
            tmp_path,
            {"file": "a", "reference": "1"},
            {"audio": "b", "text": "2"},
            {"audio_filepath": "/c", "text": "3"},
        )
        found = [(clip.file, clip.reference) for clip in read_manifest(path)]
        assert found == [(str(tmp_path / "a"), "1"), (str(tmp_path / "b"), "2"), ("/c", "3")]

    def test_what_nobody_can_compare_is_left_out(self, tmp_path: Path) -> None:
        path = manifest(
            tmp_path,
            {"file": "a", "reference": None},
            {"file": "b", "reference": "x", "expect": "graceful_error"},
            {"file": "c", "reference": "", "expect": "no_speech"},
        )
        assert [clip.file for clip in read_manifest(path)] == [str(tmp_path / "c")]

    @pytest.mark.parametrize(
        ("line", "message"),
        [("{", "line 2: is no JSON object"), ("[]", "no JSON object"), ("{}", "names no file")],
    )
    def test_a_broken_line_is_named(self, tmp_path: Path, line: str, message: str) -> None:
        path = write(tmp_path / "m.jsonl", f"\n{line}\n")
        with pytest.raises(UsageError, match=message):
            read_manifest(path)

    def test_a_manifest_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read: No such file"):
            read_manifest(tmp_path / "m.jsonl")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["directory", "binary"])
def test_a_reference_that_is_no_text(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "text.txt"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read"):
        read_text(path)
