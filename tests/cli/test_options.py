"""Numbers that make no sense are refused before any work, by the name of their option."""

from __future__ import annotations

import pytest

from echocli.cli.app import run
from echocli.environment import Environment

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--patience", ["0", "-1", "nan", "inf"]),
        ("--temperature", ["-0.1", "1.1", "nan", "inf"]),
        ("--length-penalty", ["nan", "inf", "-inf"]),
        ("--compression-ratio-threshold", ["nan", "inf"]),
        ("--log-prob-threshold", ["nan", "-inf"]),
        ("--no-speech-threshold", ["nan", "inf"]),
        ("--vad-threshold", ["nan", "1.1"]),
    ],
)
def test_a_number_out_of_range_names_its_option(
    capsys: pytest.CaptureFixture[str], option: str, values: list[str]
) -> None:
    for value in values:
        assert run(["transcribe", "a.wav", f"{option}={value}"], Environment()) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert option in err.splitlines()[0]
        assert value in err.splitlines()[0]


def test_numbers_in_range_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--patience 0.1 --temperature 1 --length-penalty -1 --log-prob-threshold -3.5"
    assert run(["transcribe", *words.split(), "a.wav", "-f", "pdf"], Environment()) == 2
    assert "pdf" in capsys.readouterr().err  # nothing else was wrong
