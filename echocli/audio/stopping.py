"""When a live source is told to stop: after so much sound, or after so much silence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from echocli.errors import UsageError
from echocli.types import to_samples

_SILENCE = "silence:"
_TIME = re.compile(r"(\d{1,9}:){0,2}\d{1,9}(\.\d+)?", re.ASCII)
_EXAMPLE = "for example 90 (seconds), 1:30 (minutes), or silence:20 (seconds without speech)"


@dataclass(frozen=True, slots=True)
class StopRule:
    """Stop at ``limit`` or after ``silence``, in samples; the other is ``None``."""

    limit: int | None = None
    silence: int | None = None

    @classmethod
    def parse(cls, text: str) -> StopRule:
        """Read ``[[H:]MM:]SS[.s]`` or ``silence:`` and such a time; else raise ``UsageError``."""
        plain = text.strip().lower()
        length = _samples(plain.removeprefix(_SILENCE))
        if not length:
            raise UsageError(f"cannot stop after {text!r}: not a time above zero", hint=_EXAMPLE)
        return cls(silence=length) if plain.startswith(_SILENCE) else cls(limit=length)

    def reached(self, position: int, quiet_since: int) -> bool:
        """Tell whether to stop at ``position``; the last speech ended at ``quiet_since``."""
        if self.limit is not None:
            return position >= self.limit
        return self.silence is not None and position - quiet_since >= self.silence


def _samples(text: str) -> int:
    """Return the length of a written time, 0 for what is none."""
    if not _TIME.fullmatch(text):
        return 0
    parts = [float(part) for part in text.split(":")]
    if any(part >= 60 for part in parts[1:]):
        return 0
    return to_samples(sum(part * 60**power for power, part in enumerate(reversed(parts))))
