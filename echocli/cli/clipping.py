"""Say so where ``--clip`` asks for sound that no input has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE

if TYPE_CHECKING:
    from echocli.audio.clip import Clip


def refuse_silence(parts: Clip | None, durations: Sequence[float | None]) -> None:
    """Raise ``UsageError`` where every part is behind the end of every input.

    ``durations`` are seconds; ``None`` is an input that was not heard, of which nothing is known.
    """
    known = [secs for secs in durations if secs is not None]
    if parts is None or not known or len(known) < len(durations):
        return
    start, end = parts.parts[0].start / SAMPLE_RATE, max(known)
    if 0 < start >= end:
        which = "the recording" if len(known) == 1 else "the longest recording"
        raise UsageError(
            f"--clip {parts}: {which} ends at {end:.1f} s",
            hint="a time is seconds or [hours:]minutes:seconds from the beginning",
        )
