"""Which recordings count towards which figure; see ``benchmarks/README.md``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEADLINE = "headline"
TWO_CHANNELS = "two channels"
JOINED = "joined"
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
        return TWO_CHANNELS
    if facts["derived"]:
        return JOINED
    return "very quiet" if "very quiet" in note else HEADLINE


def folder() -> Path | None:
    """Return the folder ``ECHOCLI_CORPUS`` names, if it holds recordings."""
    named = os.environ.get("ECHOCLI_CORPUS")
    return Path(named) if named and (Path(named) / "manifest.jsonl").is_file() else None


def require_folder() -> Path:
    """Return the folder of recordings or end with one line that says how to name it."""
    found = folder()
    if found is None:
        raise SystemExit("set ECHOCLI_CORPUS to a folder with recordings and a manifest.jsonl")
    return found


def read_manifest(where: Path) -> Iterator[dict[str, Any]]:
    """Yield what the manifest says of each recording, in its order."""
    for line in (where / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def clip_of(where: Path, facts: dict[str, Any], group: str) -> Clip:
    """Make a clip of one line of the manifest."""
    path = where / facts["file"]
    return Clip(facts["id"], path, facts["seconds"], facts["reference"], group)


def read_clips(where: Path) -> Iterator[Clip]:
    """Yield the clips of a corpus that count towards some figure, in the manifest's order."""
    for facts in read_manifest(where):
        group = group_of(facts)
        if group is not None:
            yield clip_of(where, facts, group)


def select(half: str | None, limit: int | None, *, apart: bool) -> list[Clip]:
    """Return the clips to measure.

    Args:
        half: ``odd`` or ``even`` takes every second clip, so that a change can be tuned on one half
            and checked on the other.
        limit: at most this many clips.
        apart: also take the groups that are reported apart from the headline.
    """
    where = require_folder()
    clips = [clip for clip in read_clips(where) if apart or clip.group == HEADLINE]
    if half:
        clips = clips[half == "even" :: 2]
    return clips[:limit]
