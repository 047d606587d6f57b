"""Variables that nobody reads although they look as if somebody should."""

from __future__ import annotations

import pytest

from echocli.config import KEYS, VARIABLES, variable
from echocli.config.variables import ALIASES, misspelt

pytestmark = pytest.mark.unit


def test_what_is_read_is_not_misspelt() -> None:
    known = [*map(variable, KEYS), *ALIASES.values(), *VARIABLES]
    assert misspelt(dict.fromkeys(known, "x")) == []


def test_a_misspelt_variable_is_told_with_what_was_meant() -> None:
    assert misspelt({"ECHOCLI_MODLE": "tiny", "ECHOPANEL_WHISPER_MODLE": "x", "PATH": "/"}) == [
        "ECHOCLI_MODLE is not read; did you mean ECHOCLI_MODEL?",
        "ECHOPANEL_WHISPER_MODLE is not read; did you mean ECHOPANEL_WHISPER_MODEL?",
    ]


@pytest.mark.parametrize("environ", [{"ECHOCLI_MODLE": ""}, {"ECHOCLI_CORPUS": "/corpus"}])
def test_what_says_nothing_and_what_is_somebody_elses_is_no_mistake(
    environ: dict[str, str],
) -> None:
    assert misspelt(environ) == []
