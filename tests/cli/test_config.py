"""``echocli config path`` and ``init``: where the file is, what is written, and bad files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from echocli.cli.config_init import template
from echocli.config import KEYS, Settings
from echocli.environment import Environment
from tests.cli.configured import written
from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit


class TestPath:
    def test_prints_where_the_file_would_be(self, run_echocli: RunEchocli, home: Path) -> None:
        done = run_echocli("config", "path")
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout == f"{home / 'config.toml'}\n"

    def test_does_so_for_a_file_that_is_broken(self, run_echocli: RunEchocli, home: Path) -> None:
        written(home, "model = ")
        assert run_echocli("config", "path", env={"ECHOCLI_PROFILE": "none"}).code == 0


class TestInit:
    def test_writes_a_file_that_says_nothing_yet(self, run_echocli: RunEchocli, home: Path) -> None:
        nested = home / "a" / "b"
        done = run_echocli("config", "init", env={"ECHOCLI_CONFIG_DIR": str(nested)})
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout == f"{nested / 'config.toml'}\n"
        assert [one.name for one in nested.iterdir()] == ["config.toml"]
        chosen = Settings(Environment(environ={"ECHOCLI_CONFIG_DIR": str(nested)})).choose({})
        assert not any(map(chosen.given, chosen))

    def test_never_replaces_a_file_unless_told_to(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        path = written(home, "vad = true\n")
        done = run_echocli("config", "init")
        assert (done.code, done.stdout) == (2, "")
        assert "--force" in done.stderr
        assert path.read_text() == "vad = true\n"
        assert run_echocli("config", "init", "--force").code == 0
        assert path.read_text() == template()

    def test_writes_through_a_link(
        self, run_echocli: RunEchocli, home: Path, tmp_path: Path
    ) -> None:
        home.mkdir()
        (home / "config.toml").symlink_to(tmp_path / "kept.toml")
        assert run_echocli("config", "init").code == 0
        assert (home / "config.toml").is_symlink()
        assert (tmp_path / "kept.toml").read_text() == template()

    @pytest.mark.parametrize("force", [(), ("--force",)])
    def test_a_place_that_cannot_be_written_is_named(
        self, run_echocli: RunEchocli, home: Path, force: tuple[str, ...]
    ) -> None:
        home.write_text("a file where the directory should be")
        done = run_echocli("config", "init", *force)
        assert done.code == 1
        assert str(home / "config.toml") in done.stderr
        assert "Traceback" not in done.stderr


class TestTemplate:
    def test_every_setting_is_in_it_with_an_explanation_above(self) -> None:
        lines = template().splitlines()
        for name in KEYS:
            (place,) = [at for at, line in enumerate(lines) if line.startswith(f"# {name} = ")][:1]
            assert re.fullmatch(r"## \S.*", lines[place - 1]), name

    def test_loads_with_every_line_uncommented(self, home: Path) -> None:
        written(home, re.sub("^# ?", "", template(), flags=re.MULTILINE))
        env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(home)})
        for profile in (None, "meeting"):
            chosen = Settings(env, profile=profile).choose({})
            assert all(map(chosen.given, KEYS))
        for name, key in KEYS.items():
            if key.example is None:
                assert chosen[name] == key.default or name == "word_timestamps"

    def test_loads_with_any_one_line_uncommented(self, home: Path) -> None:
        env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(home)})
        for name in KEYS:
            toml = re.sub(f"^# {name} =", f"{name} =", template(), count=1, flags=re.MULTILINE)
            written(home, toml)
            chosen = Settings(env).choose({})
            assert {one for one in KEYS if chosen.given(one)} == {name}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("vad = ", "is not valid TOML"),
        ('modle = "x"', "did you mean model?"),
        ("[profile.x]\nmodle = 1", "did you mean model?"),
        ("\nbeam_size = true", "beam_size takes a whole number from 1"),
    ],
)
@pytest.mark.parametrize("command", [("config", "show"), ("transcribe", "a.wav")])
def test_a_bad_file_ends_every_command_that_reads_it(
    run_echocli: RunEchocli, home: Path, toml: str, message: str, command: tuple[str, ...]
) -> None:
    path = written(home, toml)
    done = run_echocli(*command)
    assert (done.code, done.stdout) == (2, "")
    assert str(path) in done.stderr
    assert message in done.stderr


def test_a_directory_in_place_of_the_file_is_a_usage_error(
    run_echocli: RunEchocli, home: Path
) -> None:
    (home / "config.toml").mkdir(parents=True)
    done = run_echocli("config")
    assert done.code == 2
    assert "cannot be read" in done.stderr


def test_where_no_file_can_be_written_the_hint_is_about_that_directory(
    run_echocli: RunEchocli, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = run_echocli("config", "init", env={"ECHOCLI_CONFIG_DIR": str(tmp_path / "file" / "x")})
    assert "ECHOCLI_CONFIG_DIR" in done.stderr
    assert "--output-dir" not in done.stderr
