"""What a config file may say, and what is said of one that cannot be used."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.config import KEYS, ConfigFile, load, spelled
from echocli.errors import UsageError

pytestmark = pytest.mark.unit


def written(folder: Path, toml: str | bytes) -> Path:
    path = folder / "config.toml"
    path.write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return path


def complaint(folder: Path, toml: str | bytes) -> UsageError:
    path = written(folder, toml)
    with pytest.raises(UsageError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    return caught.value


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "config.toml") == ConfigFile(tmp_path / "config.toml")


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    found = load(written(tmp_path, ""))
    assert found.exists
    assert (found.values, found.profiles) == ({}, {})


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert load(written(tmp_path, b'\xef\xbb\xbfmodel = "base"')).values == {"model": "base"}


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ('\n\nmodle = "x"', "line 3: unknown key 'modle'", "did you mean model?"),
        ("beam-sise = 3", "unknown key 'beam-sise'", "did you mean beam_size?"),
        ("[profile.a]\nvadd = true", "line 2: unknown key 'vadd' in [profile.a]", "mean vad?"),
        ("[profiles.a]\nvad = true", "line 1: unknown key 'profiles'", "did you mean profile?"),
        ("[transcribe]\nvad = true", "unknown key 'transcribe'", "echocli config show --all"),
        ("no-vad = true", "unknown key 'no-vad'", "write vad = false"),
        ("json = true", "unknown key 'json'", "--json is no setting: it says how"),
        ('clip = "1-2"', "unknown key 'clip'", "--clip is no setting"),
        ("vad = true\nbeam_size = 1\nbeam-size = 2", "'beam_size' is there twice", "delete one"),
        ('profile = "a"', "line 1: 'profile' is no setting", "[profile.meeting]"),
        ("[profile]\nmeeting = 3", "'profile' is no setting", "[profile.meeting]"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told_with_its_line_and_the_next_step(
    tmp_path: Path, toml: str, message: str, hint: str
) -> None:
    error = complaint(tmp_path, toml)
    assert message in str(error)
    assert hint in str(error.hint)


@pytest.mark.parametrize("toml", [b"model = ", b"a = 1\xff", b"[" * 5000, b"vad = yes", b"\0"])
def test_what_is_no_toml_is_told_with_its_place(tmp_path: Path, toml: bytes) -> None:
    assert "is not valid TOML: " in str(complaint(tmp_path, toml))


def test_a_directory_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "config.toml")


def test_a_file_in_place_of_the_directory_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    with pytest.raises(UsageError, match="cannot be read: Not a directory"):
        load(tmp_path / "here" / "config.toml")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read all")
def test_a_file_nobody_may_read_cannot_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, "vad = true")
    path.chmod(0)
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        load(path)


PLACES = '''\
initial_prompt = """
beam_size = 7
"""
# beam_size = 8
beam-size = 1

[profile.'first one']
"beam_size" = 2
[ profile.second ]
output_format = [
  "srt",
]
beam_size=3
'''


def test_a_line_is_found_in_its_own_table_and_not_inside_a_text(tmp_path: Path) -> None:
    found = load(written(tmp_path, PLACES))
    assert found.values["beam_size"] == 1
    assert found.line("beam_size") == 5
    assert found.line("beam_size", "first one") == 8
    assert found.line("beam_size", "second") == 13
    assert found.line("output_format", "second") == 10
    assert found.line("model") is None


def test_a_line_that_is_not_plain_to_see_is_not_told(tmp_path: Path) -> None:
    found = load(written(tmp_path, "profile = {a = {vad = true}}\n"))
    assert found.profiles == {"a": {"vad": True}}
    assert found.line("vad", "a") is None


@given(st.text(st.characters(codec="utf-8")) | st.booleans() | st.integers(-9, 9))
def test_what_is_spelled_reads_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert load(written(folder, f"hotwords = {spelled(value)}")).values == {"hotwords": value}


@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = written(tmp_path_factory.getbasetemp(), text.encode("utf-8", "replace"))
    with suppress(UsageError):
        assert set(load(path).values) <= set(KEYS)


@pytest.mark.parametrize(
    ("toml", "hint"),
    [
        ("model = base.en", 'text needs quotes, as in model = "base.en"'),
        ("vad = true\nvad = false", "a setting is there twice: delete one of the two lines"),
        (
            "[profile.a]\n[profile.a]",
            "a table is there twice: write its settings below one heading",
        ),
        (
            "vad true",
            'settings are lines such as model = "base.en"; see: echocli config init --help',
        ),
    ],
)
def test_what_is_no_toml_is_told_how_to_mend_it(tmp_path: Path, toml: str, hint: str) -> None:
    assert complaint(tmp_path, toml).hint == hint
