from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

from echocli.errors import UsageError
from echocli.output.files import AtomicFile, missing, plan_outputs
from echocli.output.writers import expand_formats
from tests.conftest import ROOT
from tests.output.atomic import names, write_file

pytestmark = pytest.mark.unit


def test_without_a_directory_output_goes_to_stdout() -> None:
    (plan,) = plan_outputs(["talk.wav"], None, ["txt"])
    assert [(target.format, target.path) for target in plan.targets] == [("txt", None)]
    assert missing(plan) == plan


def test_files_are_named_by_stem_and_format(tmp_path: Path) -> None:
    talk, stdin = plan_outputs(["a/talk.v1.wav", "-"], tmp_path, ["srt,json"])
    assert talk.paths == (tmp_path / "talk.v1.srt", tmp_path / "talk.v1.json")
    assert stdin.paths == (tmp_path / "stdin.srt", tmp_path / "stdin.json")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/talk.wav", "b/talk.wav"),
        ("talk.wav", "talk.mp3"),
        ("Talk.wav", "talk.mp3"),
        ("stra\u00dfe.wav", "STRASSE.wav"),
        ("caf\u00e9.wav", "cafe\u0301.mp3"),
        ("-", "stdin.wav"),
    ],
)
def test_inputs_with_the_same_stem_are_refused_by_name(
    first: str, second: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        plan_outputs([first, second], tmp_path, ["txt"])
    assert first in str(caught.value)
    assert second in str(caught.value)


def test_same_stem_is_no_problem_on_stdout() -> None:
    assert len(plan_outputs(["a/talk.wav", "b/talk.wav"], None, ["txt"])) == 2


def test_two_formats_do_not_fit_on_stdout() -> None:
    count = len(expand_formats(["all"]))
    with pytest.raises(UsageError, match=f"one format, not {count}") as caught:
        plan_outputs(["a.wav"], None, ["all"])
    assert "--output-dir" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["srt", "vtt", "tsv", "lrc", "json"])
def test_formats_that_cannot_be_joined_take_one_input_on_stdout(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} of 2 inputs"):
        plan_outputs(["a.wav", "b.wav"], None, [name])


def test_output_that_would_replace_an_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would replace an input"):
        plan_outputs([str(tmp_path / "talk.txt")], tmp_path, ["txt"])


def test_files_go_below_the_directory_where_an_input_has_a_place_of_its_own(tmp_path: Path) -> None:
    below = {"in/b/talk.wav": PurePath("b")}
    first, second = plan_outputs(["in/talk.wav", "in/b/talk.wav"], tmp_path, ["txt"], below)
    assert first.paths == (tmp_path / "talk.txt",)
    assert second.paths == (tmp_path / "b" / "talk.txt",)


def test_what_is_missing_is_each_file_that_is_not_there_even_if_empty(tmp_path: Path) -> None:
    (plan,) = plan_outputs(["talk.wav"], tmp_path, ["txt", "srt"])
    (tmp_path / "talk.txt").touch()
    assert missing(plan).paths == (tmp_path / "talk.srt",)
    (tmp_path / "talk.srt").touch()
    assert missing(plan).targets == ()


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are a matter of Linux")
def test_a_name_that_is_no_text_keeps_its_bytes(tmp_path: Path) -> None:
    (plan,) = plan_outputs([os.fsdecode(b"caf\xe9.wav")], tmp_path, ["txt"])
    with AtomicFile(plan.paths[0]) as file:
        file.write("x")
    assert [os.fsencode(name) for name in names(tmp_path)] == [b"caf\xe9.txt"]


def test_file_appears_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "a.txt"
    with AtomicFile(path) as file:
        file.write("é\n")
        file.flush()
        assert not path.exists()
        (hidden,) = names(path.parent)
        assert re.fullmatch(r"\.a\.txt\.[0-9a-f]+\.part", hidden)
    assert path.read_bytes() == "é\n".encode()
    assert names(path.parent) == ["a.txt"]


def test_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with AtomicFile(tmp_path / "a.txt"):
        pass
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_file(path, "new", failure=ZeroDivisionError())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_interruption_keeps_what_was_written_as_part(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a.txt", "done so far\n", failure=KeyboardInterrupt())
    assert names(tmp_path) == ["a.txt.part"]
    assert (tmp_path / "a.txt.part").read_text() == "done so far\n"


def test_interruption_before_anything_is_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a.txt", failure=KeyboardInterrupt())
    assert names(tmp_path) == []


def test_file_can_be_settled_before_the_block_ends(tmp_path: Path) -> None:
    with AtomicFile(tmp_path / "a.txt") as file:
        file.write("x")
        assert file.keep_partial() == tmp_path / "a.txt.part"
    assert names(tmp_path) == ["a.txt.part"]


WRITE = """
import sys
from pathlib import Path
from echocli.output.files import AtomicFile
with AtomicFile(Path(sys.argv[1])) as file:
    file.write("half")
    print(flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start another process that is writing ``a.txt`` until it is killed."""
    command = [sys.executable, "-c", WRITE, str(tmp_path / "a.txt")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        yield process
        process.kill()


def test_what_a_killed_run_left_goes_when_the_file_is_written_again(
    tmp_path: Path, writer: subprocess.Popen[bytes]
) -> None:
    writer.kill()
    writer.wait()
    others = [".a.srt.01234567.part", ".a.txt.bak.01234567.part", "a.txt.part"]
    for name in others:
        (tmp_path / name).touch()
    assert len(names(tmp_path)) == 4
    write_file(tmp_path / "a.txt", "whole")
    assert names(tmp_path) == sorted([*others, "a.txt"])


def test_what_another_run_is_writing_stays(tmp_path: Path, writer: subprocess.Popen[bytes]) -> None:
    (hidden,) = names(tmp_path)
    write_file(tmp_path / "a.txt", "mine")
    assert names(tmp_path) == [hidden, "a.txt"]
    writer.communicate()  # the end of its input lets it finish
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "half"


def test_a_leftover_that_cannot_be_removed_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".a.txt.01234567.part").mkdir()
    (tmp_path / ".a.txt.89abcdef.part").symlink_to("nowhere")
    write_file(tmp_path / "a.txt", "x")
    assert len(names(tmp_path)) == 3


def test_discarding_before_anything_is_open_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    AtomicFile(tmp_path / "a.txt").discard()
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("letter", ["n", "é", "語"])
def test_long_names_are_cut_to_whole_letters(tmp_path: Path, letter: str) -> None:
    path = tmp_path / (letter * 80 + ".txt")
    with AtomicFile(path):
        (hidden,) = names(tmp_path)
        assert hidden.startswith(f".{letter * 33}")
        assert len(hidden.encode()) <= 143
    assert path.exists()


def test_name_as_long_as_names_can_be_works(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".txt")
    with AtomicFile(path) as file:
        file.write("x")
    assert path.read_text() == "x"


def test_lone_surrogate_is_still_valid_utf8(tmp_path: Path) -> None:
    with AtomicFile(tmp_path / "a.txt") as file:
        file.write("a\ud800")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "a?"
