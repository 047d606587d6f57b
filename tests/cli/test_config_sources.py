"""``echocli config show``: every setting, where its value is from, and what it stands before."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from echocli.config import KEYS
from tests.cli.configured import PROFILES, written
from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit


def shown(run_echocli: RunEchocli, *args: str, **env: str) -> dict[str, Any]:
    done = run_echocli("config", "show", "--json", *args, env=env)
    assert (done.code, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class TestShow:
    def test_without_a_file_there_are_recommendations_and_defaults(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        found = shown(run_echocli)
        assert (found["path"], found["exists"]) == (str(home / "config.toml"), False)
        assert list(found["settings"]) == list(KEYS)
        for name in ("provider", "model", "device", "compute_type", "threads"):
            assert found["settings"][name]["source"] == "recommendation"
        assert {row["source"] for row in found["settings"].values()} == {
            "recommendation",
            "default",
        }

    def test_recommends_what_detect_does(self, run_echocli: RunEchocli) -> None:
        env = {"ECHOCLI_DEVICE": "cpu"}
        advice = json.loads(run_echocli("detect", "--json", env=env).stdout)["recommendation"]
        found = shown(run_echocli, **env)["settings"]
        assert found["provider"]["value"] == advice["provider"]
        assert found["model"]["value"] == (advice["usable_model"] or advice["model"])
        assert found["compute_type"]["value"] == advice["compute_type"]
        assert found["device"] == {
            "value": "cpu", "source": "env ECHOCLI_DEVICE", "line": None, "default": None,
            "overridden": [],
        }  # fmt: skip

    def test_tells_every_source_and_what_it_stands_before(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        path = written(home, PROFILES.replace("vad", "beam_size = 1\nvad"))
        found = shown(run_echocli, "--profile", "meeting", ECHOPANEL_ASR_VAD="1")
        assert (found["profile"], found["profiles"]) == ("meeting", ["meeting", "other"])
        file = f"config {path}"
        assert found["settings"]["beam_size"] == {
            "value": 3, "source": "profile meeting", "line": 5, "default": None,
            "overridden": [{"value": 1, "source": file, "line": 2}],
        }  # fmt: skip
        assert found["settings"]["vad"] == {
            "value": True, "source": "env ECHOPANEL_ASR_VAD", "line": None, "default": True,
            "overridden": [{"value": False, "source": file, "line": 3}],
        }  # fmt: skip
        assert found["settings"]["model"]["source"] == file

    def test_what_is_left_to_the_recommendation_is_shown_as_that(
        self, run_echocli: RunEchocli
    ) -> None:
        row = shown(run_echocli, ECHOCLI_PROVIDER="auto")["settings"]["provider"]
        assert row["value"] != "auto"
        assert row["source"] == "recommendation"
        assert row["overridden"] == [
            {"value": "auto", "source": "env ECHOCLI_PROVIDER", "line": None}
        ]

    def test_tells_which_variables_count(self, run_echocli: RunEchocli) -> None:
        found = shown(
            run_echocli,
            ECHOCLI_MODEL="tiny.en",
            ECHOPANEL_WHISPER_MODEL="base.en",
            ECHOPANEL_ASR_VAD="0",
            ECHOPANEL_DEBUG="1",
            ECHOCLI_BEAMSIZE="1",
            ECHOCLI_OFFLINE="",
        )
        said = {it["name"]: (it["setting"], it["used"], it["note"]) for it in found["variables"]}
        assert said == {
            "ECHOCLI_MODEL": ("model", True, "counts"),
            "ECHOPANEL_WHISPER_MODEL": ("model", False, "env ECHOCLI_MODEL wins"),
            "ECHOPANEL_ASR_VAD": ("vad", True, "counts"),
            "ECHOPANEL_DEBUG": (None, False, "not read"),
            "ECHOCLI_BEAMSIZE": (None, False, "unknown; did you mean ECHOCLI_BEAM_SIZE?"),
            "ECHOCLI_OFFLINE": ("offline", False, "is empty and says nothing"),
            "ECHOCLI_CONFIG_DIR": (None, True, "counts"),
            "ECHOCLI_DATA_DIR": (None, True, "counts"),
        }

    def test_people_see_what_was_said_and_all_if_they_ask(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        written(home, PROFILES)
        env = {"ECHOCLI_PROFILE": "meeting", "ECHOCLI_BEAM_SIZE": "2"}
        done = run_echocli("config", "show", env=env)
        assert (done.code, done.stderr) == (0, "")
        lines = [re.sub("  +", " | ", line) for line in done.stdout.splitlines()]
        assert lines[:3] == [
            f"config file: {home / 'config.toml'}",
            "profile: meeting",
            "other profiles: other",
        ]
        assert "beam_size | 2 | env ECHOCLI_BEAM_SIZE | 3 (profile meeting, line 4)" in lines
        assert "model | base | config file, line 1" in lines
        assert "ECHOCLI_PROFILE |  | counts" in lines or "ECHOCLI_PROFILE | counts" in lines
        assert "patience" not in done.stdout
        everything = run_echocli("config", "show", "--all", env=env).stdout
        assert all(f"\n{name} " in everything for name in KEYS)

    def test_without_a_word_config_is_config_show(self, run_echocli: RunEchocli) -> None:
        assert run_echocli("config").stdout == run_echocli("config", "show").stdout

    def test_shows_the_settings_where_nothing_can_be_recommended(
        self, run_echocli: RunEchocli
    ) -> None:
        done = run_echocli("config", "show", env={"ECHOCLI_PROVIDER": "no-such-provider"})
        assert done.code == 0
        assert "no-such-provider" in done.stdout
        assert "nothing can be recommended" in done.stderr

    def test_a_terminal_is_not_written_to_by_a_value(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        written(home, 'hotwords = "\\u001b[31mred\\nline"')
        done = run_echocli("config", "show")
        assert "\x1b" not in done.stdout
        assert "red line" in done.stdout
