"""Bring one file here, whole: resumed where it was cut, checked before it gets its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from echocli.errors import ModelError
from echocli.models.http import Trouble, Web, reason
from echocli.models.partial import BLOCK, Fetched, PartialFile, Wanted

_NO_SUCH_RANGE = 416
"""What a server answers whose file ends before the rest that was asked for."""

_DENIED = (401, 403)

ROOM_HINT = "free some space, or set ECHOCLI_DATA_DIR to a directory that can be written"


def download(
    web: Web,
    url: str,
    target: Path,
    *,
    wanted: Wanted,
    progress: Callable[[int, int | None], None],
    headers: Mapping[str, str],
) -> Fetched:
    """Fetch ``url`` to ``target``, going on where an earlier call was cut.

    ``progress`` gets the bytes that are here and, where it is known, how many there will be. Raises
    ``ModelError``; what has come stays for the next call unless it is wrong.
    """
    with storing(target), PartialFile(target, wanted, url) as part:
        if wanted.bytes is not None:
            check_room(web, target.parent, wanted.bytes - part.size)
        try:
            _fetch_all(web, url, part, progress, headers)
        except Trouble as trouble:
            raise _failure(target.name, trouble, begun=part.size > 0) from trouble
        return part.finish()


def check_room(web: Web, directory: Path, needed: int) -> None:
    """Raise ``ModelError`` unless ``needed`` bytes can be written to a directory."""
    free = web.free(directory)
    if free < needed:
        raise ModelError(
            f"{needed / 1e6:.0f} MB are needed in {directory} and {free / 1e6:.0f} MB are free",
            hint=ROOM_HINT,
        )


def is_missing(error: ModelError) -> bool:
    """Tell whether a server has no such file."""
    return isinstance(error.__cause__, Trouble) and error.__cause__.status == 404


def is_denied(error: ModelError) -> bool:
    """Tell whether a server wants to know who is asking."""
    return isinstance(error.__cause__, Trouble) and error.__cause__.status in _DENIED


@contextmanager
def storing(target: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``ModelError`` that names the file that could not be written."""
    try:
        yield
    except OSError as error:
        text = f"{target.name} cannot be stored in {target.parent}: {error.strerror or error}"
        raise ModelError(text, hint=ROOM_HINT) from error


def _fetch_all(
    web: Web,
    url: str,
    part: PartialFile,
    progress: Callable[[int, int | None], None],
    headers: Mapping[str, str],
) -> None:
    attempt, answered, most = 0, False, part.size
    while not part.is_whole:
        before = part.size
        try:
            with web.open(url, {**headers, **part.range_headers()}) as answer:
                answered = True
                _receive(web, answer, part, progress)
                return
        except Trouble as trouble:
            if not (answered or trouble.reached):
                raise  # nobody there: whoever asked wants to know at once
            if trouble.status == _NO_SUCH_RANGE and before:
                part.start_over()
                trouble.again = True
            answered = True
            # What comes again after a start from the beginning is no progress.
            attempt = 1 if part.size > most else attempt + 1
            most = max(most, part.size)
            web.waiting.before(attempt, trouble)


def _receive(
    web: Web,
    answer: HTTPResponse,
    part: PartialFile,
    progress: Callable[[int, int | None], None],
) -> None:
    """Append one answer to the part; raise :class:`Trouble` unless that makes it whole."""
    total = part.expect(answer)
    if total is not None:
        check_room(web, part.directory, total - part.size)
    progress(part.size, total)
    while block := _read(answer):
        if total is not None and part.size + len(block) > total:
            part.start_over()
            raise Trouble(f"the server sends more than {total} bytes", again=False)
        part.write(block)
        progress(part.size, total)
    if total is not None and part.size < total:
        raise Trouble(f"the connection was cut after {part.size} of {total} bytes")


def _read(answer: HTTPResponse) -> bytes:
    try:
        return answer.read1(BLOCK)
    except TimeoutError as error:
        raise Trouble("the server stopped sending") from error
    except (OSError, HTTPException, ValueError) as error:
        raise Trouble(f"the connection was cut ({reason(error)})") from error


def _failure(name: str, trouble: Trouble, *, begun: bool) -> ModelError:
    hint = "check the network, and run the same command again"
    if begun:
        hint = "run the same command again to go on from there; check the network"
    if trouble.status in _DENIED:
        hint = "fetch it as its server wants it, then name it with --model or --model-dir"
    elif trouble.status is not None and not trouble.again:
        hint = "check the name and the source"
    return ModelError(f"{name} cannot be downloaded: {trouble}", hint=hint)
