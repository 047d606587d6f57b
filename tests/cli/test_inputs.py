"""Words of the command line become inputs: files, patterns, directories."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.audio.suffixes import is_media
from echocli.cli.inputs import Inputs, expand, is_pattern, natural

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paths(found: Inputs) -> list[str]:
    return [PurePath(path).as_posix() for path in found.paths]


class TestDirectories:
    def test_one_is_refused_without_recursive_and_the_hint_names_it(self) -> None:
        make("in/a.wav", "b.wav")
        found = expand(["in", "b.wav"])
        assert paths(found) == ["b.wav"]
        assert str(found.refused["in"]) == "in: is a directory"
        assert "--recursive" in str(found.refused["in"].hint)

    def test_sound_and_video_are_found_at_any_depth_in_the_order_people_count(self) -> None:
        make("in/part10.wav", "in/part2.WAV", "in/b/talk.mp4", "in/notes.txt", "in/part2.srt")
        found = expand(["in"], recursive=True)
        assert paths(found) == ["in/b/talk.mp4", "in/part2.WAV", "in/part10.wav"]
        assert found.below == {str(Path("in/b/talk.mp4")): PurePath("b")}
        assert not found.refused

    def test_what_is_hidden_is_left_out(self) -> None:
        make("in/a.wav", "in/._a.wav", "in/.trash/b.wav", "in/.c.wav")
        assert paths(expand(["in"], recursive=True)) == ["in/a.wav"]

    def test_a_hidden_one_may_be_named(self) -> None:
        make(".in/a.wav")
        assert paths(expand([".in"], recursive=True)) == [".in/a.wav"]

    def test_one_without_sound_is_refused(self) -> None:
        make("in/notes.txt", "a.wav")
        found = expand(["in", "a.wav"], recursive=True)
        assert paths(found) == ["a.wav"]
        assert "no sound or video file" in str(found.refused["in"])

    def test_a_link_in_a_circle_has_an_end(self) -> None:
        make("in/a.wav")
        Path("in/again").symlink_to(Path("in").absolute())
        Path("in/b.wav").symlink_to("a.wav")
        Path("in/gone.wav").symlink_to("nowhere.wav")
        assert paths(expand(["in"], recursive=True)) == ["in/a.wav", "in/b.wav"]

    def test_a_name_that_no_file_can_have_is_left_to_whoever_opens_it(self) -> None:
        assert expand(["x" * 5000]).paths == ["x" * 5000]


class TestPatterns:
    def test_one_that_no_shell_expanded_is_expanded(self) -> None:
        make("a10.wav", "a9.wav", "b.mp3", "in/a1.wav")
        assert paths(expand(["a*.wav"])) == ["a9.wav", "a10.wav"]
        assert paths(expand(["**/*.wav"])) == ["a9.wav", "a10.wav", "in/a1.wav"]

    def test_one_that_reaches_deep_finds_sound_and_video_and_nothing_else(self) -> None:
        make("in/a.wav", "in/b/c/d.mp4", "in/b/notes.txt", "in/.trash/e.wav", "other/f.wav")
        assert paths(expand(["in/**"])) == ["in/a.wav", "in/b/c/d.mp4"]
        assert paths(expand(["in/**/*"])) == ["in/a.wav", "in/b/c/d.mp4"]
        assert paths(expand(["i*/**/c/*.mp4"])) == ["in/b/c/d.mp4"]
        assert paths(expand([f"{Path('in').absolute()}/**/b/**/*"]))[0].endswith("in/b/c/d.mp4")
        assert set(expand(["in/**/*.txt", "gone/**"]).refused) == {"in/**/*.txt", "gone/**"}

    def test_links_in_circles_have_an_end(self) -> None:
        make("in/a.wav")
        for name in ("one", "two"):
            Path("in", name).symlink_to(Path("in").absolute())
        assert paths(expand(["**/*.wav"])) == ["in/a.wav"]
        assert paths(expand(["in/**"])) == ["in/a.wav"]

    def test_a_file_of_that_very_name_is_meant(self) -> None:
        make("a[1].wav", "a1.wav")
        assert not is_pattern("a[1].wav")
        assert expand(["a[1].wav"]).paths == ["a[1].wav"]

    def test_one_that_matches_nothing_is_refused(self) -> None:
        assert str(expand(["*.wav"]).refused["*.wav"]) == "*.wav: no file matches"

    def test_the_directories_it_matches_are_as_if_they_were_named(self) -> None:
        make("in1/a.wav", "in2/b.wav")
        assert set(expand(["in*"]).refused) == {"in*"}
        assert paths(expand(["in*"], recursive=True)) == ["in1/a.wav", "in2/b.wav"]


class TestTwice:
    def test_what_is_meant_twice_is_taken_once_and_said(self) -> None:
        make("in/a.wav", "in/b.wav")
        found = expand(["in/a.wav", "./in/a.wav", "in", "-", "-"], recursive=True)
        assert paths(found) == ["in/a.wav", "in/b.wav", "-"]
        assert found.notices == ["named twice, taken once: ./in/a.wav and 2 more"]

    def test_a_link_is_what_it_is_called(self) -> None:
        make("a.wav")
        Path("b.wav").symlink_to("a.wav")
        found = expand(["a.wav", "b.wav"])
        assert (found.paths, found.notices) == (["a.wav", "b.wav"], [])

    @given(st.lists(st.sampled_from(["a.wav", "./a.wav", "b.wav", "-", "c/../b.wav"])))
    def test_the_order_is_that_of_the_first(self, words: list[str]) -> None:
        keys = [os.path.normpath(word) for word in words]
        assert [os.path.normpath(it) for it in expand(words).paths] == list(dict.fromkeys(keys))


@given(st.lists(st.text(alphabet="aB0129./é", max_size=6)))
def test_names_that_differ_have_an_order(names: list[str]) -> None:
    different = {PurePath(name) for name in names}
    assert len(set(map(natural, different))) == len(different)


def test_numbers_come_by_their_value_and_letters_without_their_case() -> None:
    names = ["b2", "B10", "a", "b1", "2", "10", "b02"]
    assert sorted(names, key=natural) == ["2", "10", "a", "b1", "b02", "b2", "B10"]


@pytest.mark.parametrize("name", ["a.wav", "A.MP3", "talk.v2.m4a", "film.mkv"])
def test_names_of_sound_and_video_are_known(name: str) -> None:
    assert is_media(name)


@pytest.mark.parametrize("name", ["a.txt", "wav", "a.srt", "a.ts", "a.wav.part", ""])
def test_other_names_are_none(name: str) -> None:
    assert not is_media(name)
