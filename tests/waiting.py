"""Waiting for what other threads and processes do and nothing reports."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

PATIENCE = 60.0
"""Seconds something may take that will surely happen; only a defect waits that long."""


def eventually(condition: Callable[[], object], what: str = "what was waited for") -> None:
    """Look again and again until a condition holds; fail where it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {PATIENCE:g} s: {what}")
        time.sleep(0.01)
