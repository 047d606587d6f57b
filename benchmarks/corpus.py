"""Which recordings count towards which figure; see ``benchmarks/README.md``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEADLINE = "headline"
TRUSTED = ("published", "quoted_public_text")
KINDS = ("read", "long", "conversation")


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording with the text that is spoken in it."""

    id: str
    path: Path
    seconds: float
    reference: str
    group: str


def group_of(facts: dict[str, Any]) -> str | None:
    """Return the figure that a clip counts towards, or ``None`` for no accuracy figure.

    The headline holds recordings whose text is trusted and that are ordinary: one channel, not
    joined from other clips, loud enough, spoken by people. The others make figures of their own.
    """
    note = facts.get("note") or ""
    usable = facts["language"] == "en" and facts["reference_quality"] in TRUSTED
    if not usable or facts["kind"] not in KINDS or "synthetic" in note:
        return None
    if facts["channels"] != 1:
        return "two channels"
    if facts["derived"]:
        return "joined"
    return "very quiet" if "very quiet" in note else HEADLINE


def read_clips(folder: Path) -> Iterator[Clip]:
    """Yield the clips of a corpus that count towards some figure, in the manifest's order."""
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        facts = json.loads(line)
        group = group_of(facts)
        if group is not None:
            path = folder / facts["file"]
            yield Clip(facts["id"], path, facts["seconds"], facts["reference"], group)


def select(half: str | None, limit: int | None, *, apart: bool) -> list[Clip]:
    """Return the clips to measure.

    Args:
        half: ``odd`` or ``even`` takes every second clip, so that a change can be tuned on one half
            and checked on the other.
        limit: at most this many clips.
        apart: also take the groups that are reported apart from the headline.
    """
    folder = os.environ.get("ECHOCLI_CORPUS")
    if not folder or not (Path(folder) / "manifest.jsonl").is_file():
        raise SystemExit("set ECHOCLI_CORPUS to a folder with recordings and a manifest.jsonl")
    clips = [clip for clip in read_clips(Path(folder)) if apart or clip.group == HEADLINE]
    if half:
        clips = clips[half == "even" :: 2]
    return clips[:limit]
