"""Profiles come before the top of the file and after the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from echocli.config import Setting, Settings
from echocli.environment import Environment
from echocli.errors import UsageError

pytestmark = pytest.mark.unit

TOML = """\
beam_size = 1
preset = "fast"
[profile.meeting]
beam_size = 5
[profile.broken]
beam_size = "5"
"""


def settings(home: Path, profile: str | None = None, **variables: str) -> Settings:
    (home / "config.toml").write_text(TOML)
    environ = {"ECHOCLI_CONFIG_DIR": str(home), **variables}
    return Settings(Environment(environ=environ), profile=profile)


def test_a_profile_stands_before_the_file_and_after_the_environment(tmp_path: Path) -> None:
    found = settings(tmp_path, "meeting")
    assert found.get("beam_size") == Setting(5, "profile meeting")
    assert found.get("preset") == Setting("fast", f"config {tmp_path / 'config.toml'}")
    given = settings(tmp_path, "meeting", ECHOCLI_BEAM_SIZE="3")
    assert given.get("beam_size") == Setting(3, "env ECHOCLI_BEAM_SIZE")
    assert given.get("beam_size", 2) == Setting(2, "flag")
    assert [one.value for one in given.said("beam_size", 2)] == [2, "3", 5, 1]


def test_the_variable_chooses_a_profile_and_the_argument_wins(tmp_path: Path) -> None:
    assert settings(tmp_path, ECHOCLI_PROFILE="meeting").get("beam_size").value == 5
    assert settings(tmp_path, "meeting", ECHOCLI_PROFILE="broken").profile == "meeting"


def test_no_profile_counts_unless_one_is_chosen(tmp_path: Path) -> None:
    assert settings(tmp_path, ECHOCLI_PROFILE="").get("beam_size").value == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [("meting", "did you mean meeting?"), ("", "add a table"), ("x", "add a table [profile.x]")],
)
def test_a_profile_that_is_not_there_is_an_error_with_those_there_are(
    tmp_path: Path, name: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=r"--profile: .* there are: meeting, broken") as caught:
        settings(tmp_path, name)
    assert hint in str(caught.value.hint)
    with pytest.raises(UsageError, match="ECHOCLI_PROFILE: there is no profile 'none'"):
        settings(tmp_path, ECHOCLI_PROFILE="none")


@pytest.mark.parametrize(("toml", "why"), [(None, "there is no such file"), ("", "has none")])
def test_a_file_without_profiles_is_said_to_have_none(
    tmp_path: Path, toml: str | None, why: str
) -> None:
    if toml is not None:
        (tmp_path / "config.toml").write_text(toml)
    env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path)})
    with pytest.raises(UsageError, match=why):
        Settings(env, profile="meeting")


def test_a_bad_value_in_a_profile_is_told_with_its_line(tmp_path: Path) -> None:
    found = settings(tmp_path, "broken")
    with pytest.raises(UsageError, match=r"from profile broken of .*config\.toml, line 6: \"5\" "):
        found.get("beam_size")
