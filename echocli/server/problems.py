"""What went wrong, in the shape that clients of OpenAI's API expect, with the right status.

``{"error": {"message", "type", "param", "code"}}``, as its API reference ("Errors") and
``openai._client.OpenAI._make_status_error`` have it.
"""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import JSONResponse

from echocli.errors import (
    EchoError,
    InputError,
    ModelError,
    OutOfMemory,
    TranscriptionError,
    UsageError,
)

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
"""Types of errors by status; other statuses below 500 are of the request, the rest the server's."""

AGAIN = 5.0
"""Seconds after which to ask again for what the server could not do just now."""


PARAMS = {"initial_prompt": "prompt", "task": "model"}
"""What a form calls a setting, where it is called otherwise; no form has a task, which its address
says and the model must be able to do."""

SHOWN = 40
"""Characters of a value of the client's that a message repeats."""


class Problem(Exception):
    """Something that ends a request: a status, and what its body says."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """Return the error as clients parse it."""
        other = "invalid_request_error" if self.status < 500 else "server_error"
        return {
            "error": {
                "message": str(self),
                "type": TYPES.get(self.status, other),
                "param": self.param,
                "code": self.code,
            }
        }

    def headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        headers = {}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, math.ceil(self.retry_after)))
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return headers

    def response(self) -> JSONResponse:
        """Return the whole answer."""
        return JSONResponse(self.body(), self.status, self.headers())


def problem_of(error: EchoError) -> Problem:
    """Return what an error of the program means to who asked.

    The next step is told with it, unless it is one for whoever runs the server.
    """
    text = str(error)
    if isinstance(error, UsageError):
        return _unsupported(error)
    if isinstance(error, InputError):
        return Problem(400, "invalid_audio", text, param="file")
    if isinstance(error, OutOfMemory):
        return Problem(503, "overloaded", text, retry_after=AGAIN)
    if isinstance(error, ModelError):
        return Problem(503, "model_not_ready", text, retry_after=AGAIN)
    if isinstance(error, TranscriptionError):
        return Problem(503, "transcription_failed", text, retry_after=AGAIN)
    return Problem(500, "server_error", text)


def _unsupported(error: UsageError) -> Problem:
    """Return the problem of a setting, by the name that the client knows."""
    text, setting = str(error), error.setting
    param = None if setting is None else PARAMS.get(setting, setting)
    if setting is not None and text.startswith(f"{setting} "):
        text = f"{param}{text.removeprefix(setting)}"
    return Problem(400, "unsupported_value", text, param=param)
