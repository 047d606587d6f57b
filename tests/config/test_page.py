"""What ``docs/configuration.md`` says of the settings is so."""

from __future__ import annotations

import pytest

from echocli.config import KEYS
from tools.settings import PAGE, updated

pytestmark = pytest.mark.unit


def test_the_table_of_settings_is_that_of_the_program() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert updated(page) == page, "run: python -m tools.settings"
    assert [name for name in KEYS if f"| `{name}` |" not in page] == []
