"""What the client says about the connection, each in one line for people."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping

from echocli.events import Notice
from echocli.output.subtitles import clock_time
from echocli.remote.policy import GiveUp, Loss
from echocli.types import SAMPLE_RATE
from echocli.wire.codes import Code

LOST = "remote_lost"
BACK = "remote_back"
GIVEN_UP = "connection_lost"
SPOOL_FULL = "spool_full"
CUT = "speech_cut"

CLIENT_ERROR = 400
"""Lowest HTTP status of an answer that refuses; one below it is meant for somebody else."""

NOT_FOUND = 404
"""HTTP status of a server that knows nothing of this program."""

NOT_IMPLEMENTED = 501
"""HTTP status of a server that does not know the method: one that only gives out files."""

NOT_THERE = "is `echocli serve` running there?"
WRONG_TOKEN = "give its token with --token-file, or in ECHOCLI_TOKEN"
UNTRUSTED = "name the certificate of whoever signed it with --ca-file"
WRONG_PLACE = "is the address that of `echocli serve`?"
FULL = "try again later, or have it take more with --max-sessions"
LATER = "try again later; the log of the server says more"

BY_CODE: Mapping[str, str] = {
    Code.TOO_MANY_SESSIONS: FULL,
    Code.NOT_READY: LATER,
    Code.OVERLOADED: "try again later, or send less at once",
    Code.RATE_LIMITED: "try again later, or have it take more with --rate-limit",
}
"""Error code → what to do about a server that cannot serve now."""

OTHER = "another server answers there"


def plain_seconds(secs: float) -> str:
    """Return a time to wait: ``4 s``, or ``0.5 s`` where it is short."""
    return f"{secs:.0f} s" if secs >= 1 else f"{secs:.1f} s"


def hint(loss: Loss | None) -> str | None:
    """Return what to do about a connection that there is not; ``None`` where the server said it."""
    if loss is not None and loss.hint is not None:
        return loss.hint
    if loss is not None and loss.untrusted:
        return UNTRUSTED
    if loss is None or not loss.answered:
        return NOT_THERE
    if loss.forbidden:
        return WRONG_TOKEN
    if loss.foreign or loss.status == NOT_FOUND:
        return WRONG_PLACE
    return BY_CODE.get(loss.code or "")


def answered(said: str, status: int, retry_after: float | None) -> Loss:
    """Return an HTTP answer of another kind than was hoped for as a loss."""
    foreign = status < CLIENT_ERROR or status == NOT_IMPLEMENTED
    said = f"{OTHER}: {said}" if foreign else said
    return Loss(said, status=status, retry_after=retry_after, foreign=foreign)


def untrusted(error: BaseException | None) -> bool:
    """Tell whether a connection failed because nobody known has signed the certificate."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def lost(host: str, reason: str, wait: float, waiting: float, *, was_there: bool) -> Notice:
    """Say that there is no connection, and when the next try is."""
    what = f"connection to {host} lost" if was_there else f"{host} cannot be reached"
    kept = f"; {plain_seconds(waiting)} of sound wait" if waiting >= 1 else ""
    return Notice(LOST, f"{what}: {reason}; trying again in {plain_seconds(wait)}{kept}")


def back(host: str, away: float, waiting: float) -> Notice:
    """Say that there is one again."""
    kept = f", {plain_seconds(waiting)} of sound to catch up" if waiting >= 1 else ""
    return Notice(BACK, f"connected to {host} after {plain_seconds(away)}{kept}")


def gone(host: str, why: GiveUp, *, was_there: bool) -> str:
    """Say why there is no connection; one that was refused, or never was there, is not lost."""
    lost = "connection lost: " if was_there and not why.fatal else ""
    return f"{lost}{host}: {why.reason}"


def given_up(host: str, why: GiveUp, *, was_there: bool, listening: bool) -> Notice:
    """Say that nobody tries any more."""
    goes_on = "; the recording goes on, to disk" if listening else ""
    return Notice(GIVEN_UP, gone(host, why, was_there=was_there) + goes_on)


def cut(name: str | None, end: float) -> Notice:
    """Say that an utterance has ended where nobody had paused."""
    what = "the server ended the session while somebody spoke"
    return Notice(CUT, f"{name}: {what}: the words around {clock_time(end)} may be cut")


def spool_full(name: str, start: int, end: int, why: str) -> Notice:
    """Say that sound had to be dropped."""
    span = f"{clock_time(start / SAMPLE_RATE)} to {clock_time(end / SAMPLE_RATE)}"
    return Notice(SPOOL_FULL, f"{name}: sound from {span} is lost: {why}")


def too_late(secs: float, *, there: bool) -> str:
    """Say that the last chance has passed, of a server that is ``there`` or of one that is away."""
    return f"it {'was not done' if there else 'did not come back'} within {secs:.0f} s"


def stuck(secs: float) -> str:
    """Say that nothing came of waiting for the end."""
    return f"it has not got on for {secs:.0f} s"


def reason(error: BaseException) -> str:
    """Return in words why there is no connection: the first cause the system knows."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, TimeoutError):
            return "no answer in time"
        if isinstance(found, ssl.SSLError | socket.gaierror):
            return getattr(found, "verify_message", None) or found.strerror or str(found)
        if isinstance(found, OSError) and found.errno is not None:
            return os.strerror(found.errno)
        found = found.__cause__ or found.__context__
    return str(error).strip() or type(error).__name__
