"""Files of a live run that began at a known time, and what is said in it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from echocli.events import Final
from echocli.output.live_files import LiveFiles
from echocli.output.subtitles import WriteOptions
from echocli.types import Segment, Transcript, Word

NOW = datetime(2031, 2, 3, 4, 5, 6)
STEM = "live-20310203-040506"


def said(number: int, text: str, *, start: float = 0.0, step: float = 0.4) -> Final:
    """Make a final with a word every ``step`` seconds."""
    words = tuple(
        Word(start + i * step, start + (i + 1) * step, f" {word}", 0.9)
        for i, word in enumerate(text.split())
    )
    end = words[-1].end
    return Final(Segment(number, start, end, f" {text}", words=words, language="en"))


def transcript(*finals: Final) -> Transcript:
    segments = tuple(final.segment for final in finals)
    text = " ".join(segment.text for segment in segments)
    return Transcript(text, "en", segments[-1].end, segments, "p", "m")


def start(directory: Path, *formats: str, layout: WriteOptions | None = None) -> LiveFiles:
    return LiveFiles(directory, formats, NOW, layout or WriteOptions())


def cues(srt: str) -> list[list[str]]:
    """Return the lines of each cue of a SubRip file."""
    return [block.split("\n") for block in srt.strip().split("\n\n")] if srt.strip() else []
