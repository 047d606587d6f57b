"""Write the page of exit codes and of the errors that lead to them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from echocli import errors
from echocli.errors import EchoError, ExitCode
from tools.markdown import NOTE_CODE, table
from tools.schemas.shapes import about, plain

_END = """\
Every error is one line on standard error that names the file or option, and where there is a next
step a second line with it. `--debug` adds the traceback. With several files the others go on; the
code is 5 where at least one was done.

At a microphone Ctrl-C is the normal end: 0.
"""


def page() -> str:
    """Return the page."""
    codes = ((str(code.value), code.name, text) for code, text in exit_codes())
    tree = (
        (f"`{error.__name__}`", f"`{base.__name__}`", str(error.exit_code.value), about(error))
        for base, error in _tree(EchoError)
    )
    return "\n".join(
        [
            NOTE_CODE,
            "",
            "# Exit codes",
            "",
            *table(("code", "name", "means"), codes),
            "",
            _END,
            "## Errors",
            "",
            "What a program that imports `echocli.errors` can catch.",
            "",
            *table(("class", "is a", "code", "means"), tree),
            "",
        ]
    )


def exit_codes() -> Iterator[tuple[ExitCode, str]]:
    """Yield every exit code with the docstring under it, which only the source has."""
    (definition,) = ast.parse(inspect.getsource(ExitCode)).body
    assert isinstance(definition, ast.ClassDef)
    body = definition.body[1:]
    for assignment, text in zip(body[::2], body[1::2], strict=True):
        match assignment, text:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ):
                yield ExitCode[name], plain(meaning)


def _tree(root: type[EchoError]) -> Iterator[tuple[type, type[EchoError]]]:
    """Yield each error of the tree after its parent, as ``(parent, error)``."""
    yield root.__base__ or object, root
    for name in vars(errors):
        error = getattr(errors, name)
        if isinstance(error, type) and error.__base__ is root:
            yield from _tree(error)
