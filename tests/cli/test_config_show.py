"""What ``config show`` says of settings nobody said anything about."""

from __future__ import annotations

import re

import pytest

from echocli.cli.config_help import Explained
from tests.conftest import RunEchocli

pytestmark = pytest.mark.unit


def test_a_setting_without_a_value_of_its_own_shows_what_the_help_says(
    run_echocli: RunEchocli,
) -> None:
    lines = run_echocli("config", "show", "--all").stdout.splitlines()
    rows = [re.split(r"  +", line) for line in lines]
    shown = {row[0]: row[1:] for row in rows if len(row) > 1}
    assert shown["vad_threshold"] == ["0.5", "default"]
    assert shown["vad_min_silence_ms"] == ["300; with live: 500", "default"]
    assert shown["language"] == ["auto", "default"]
    assert shown["ladder"][0].startswith("rtf=0.8/1/1.2,")
    assert shown["hotwords"] == ["default"]


def test_what_the_help_does_not_say_is_nothing() -> None:
    assert Explained("Other", "Text that sets style.").usual == ""
