"""What errors of the program are to whoever asked over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from echocli.api.setup import check_language
from echocli.errors import UsageError
from echocli.providers.base import LoadSpec
from echocli.server.problems import problem_of
from echocli.types import Task

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("language", "task", "param"),
    [("de", Task.TRANSCRIBE, "language"), ("en", Task.TRANSLATE, "model")],
)
def test_what_an_english_model_cannot_do_names_the_parameter(
    tmp_path: Path, language: str, task: Task, param: str
) -> None:
    (tmp_path / "vocabulary.txt").write_text("few words", encoding="utf-8")
    english = LoadSpec("faster-whisper", "tiny.en", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        check_language(english, language, task)
    problem = problem_of(caught.value)
    assert (problem.status, problem.code, problem.param) == (400, "unsupported_value", param)
    assert "tiny.en" in str(problem)


def test_a_setting_is_told_by_the_name_of_its_field() -> None:
    problem = problem_of(UsageError("initial_prompt is too long", setting="initial_prompt"))
    assert (str(problem), problem.param) == ("prompt is too long", "prompt")


def test_an_error_of_no_setting_names_no_parameter() -> None:
    problem = problem_of(UsageError("it makes no sense"))
    assert (str(problem), problem.param) == ("it makes no sense", None)
