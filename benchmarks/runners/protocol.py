"""What a runner prints: the same JSON lines as ``echocli transcribe -f jsonl``, a subset of them.

``{"type": "final", "text": …}`` for each segment as soon as it is known, ``{"type": "end"}`` after
the last one of a file. Each line is flushed, so that whoever reads can tell when it came.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TypeAlias

Word: TypeAlias = tuple[float, float, str]
"""Start and end in seconds, and the word."""


def parser(description: str) -> argparse.ArgumentParser:
    """Make a command line with what every runner needs."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--model", required=True, help="weights in the library's own format")
    made.add_argument("--threads", type=int, required=True)
    made.add_argument("--language", default="en")
    made.add_argument("--beam-size", type=int, default=5)
    made.add_argument("files", nargs="+")
    return made


def say_final(text: str, words: Sequence[Word] | None = None) -> None:
    """Print a segment."""
    event: dict[str, object] = {"type": "final", "text": text.strip()}
    if words is not None:
        event["words"] = [
            {"start": start, "end": end, "text": spelling} for start, end, spelling in words
        ]
    print(json.dumps(event), flush=True)


def say_end() -> None:
    """Print that a file is done."""
    print(json.dumps({"type": "end"}), flush=True)
