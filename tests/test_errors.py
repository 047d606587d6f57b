from __future__ import annotations

import pickle
import traceback

import pytest

from echocli import errors
from echocli.errors import EchoError, ExitCode

pytestmark = pytest.mark.unit

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, EchoError)
]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.EchoError, 1),
        (errors.UsageError, 2),
        (errors.InputError, 3),
        (errors.ModelError, 4),
        (errors.ProviderError, 4),
        (errors.OutputError, 1),
        (errors.TranscriptionError, 1),
    ],
)
def test_each_error_has_its_documented_exit_code(error: type[EchoError], code: int) -> None:
    assert error("x").exit_code == code


@pytest.mark.parametrize("error", CLASSES)
def test_errors_cross_processes_with_their_text_and_hint(error: type[EchoError]) -> None:
    copy = pickle.loads(pickle.dumps(error("what happened", hint="the next step")))
    assert (type(copy), str(copy), copy.hint) == (error, "what happened", "the next step")


def test_the_drawing_of_the_tree_names_every_class_with_its_code() -> None:
    for error in CLASSES:
        assert f"{error.__name__} ({error.exit_code.value})" in (errors.__doc__ or "")


def test_exit_codes_are_those_people_script_against() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "INPUT": 3,
        "UNAVAILABLE": 4,
        "PARTIAL": 5,
        "ASSERTION": 6,
        "INTERRUPTED": 130,
    }


def test_a_traceback_shows_the_next_step() -> None:
    error = errors.UsageError("what happened", hint="the next step")
    lines = traceback.format_exception(error)
    assert lines[-1] == "the next step\n"
    assert EchoError("nothing to do about it").__dict__ == {"hint": None}
