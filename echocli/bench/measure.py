"""Run one recording through a loaded model and note everything that can be measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from echocli.bench.figures import Trial
from echocli.bench.memory import MemoryWatch
from echocli.bench.series import Course, MemoryTrack, Pace
from echocli.events import End, Event, Final, Progress
from echocli.runtime.offline import Transcription

LEAST = 1.0
"""Seconds of sound of a stretch that has an RTF of its own."""


@dataclass(slots=True)
class _Heard:
    texts: list[str] = field(default_factory=list)
    language: str | None = None

    def take(self, event: Event) -> None:
        if isinstance(event, Final):
            self.texts.append(event.segment.text)
        elif isinstance(event, End):
            self.language = event.language


def measure(
    transcription: Transcription,
    watch: Callable[[Event], None],
    track: MemoryTrack | None = None,
) -> Trial:
    """Run a transcription to its end and return its figures; ``watch`` sees every event.

    Every look at memory goes to ``track`` too.

    Raises what the transcription raises: ``InputError``, ``ModelError``, ``TranscriptionError``.
    """
    heard, pace = _Heard(), Pace(LEAST)
    with MemoryWatch(track=track) as memory:
        for event in transcription.events():
            heard.take(event)
            if isinstance(event, Progress):
                pace.note(event.position, transcription.stats.busy_seconds)
            watch(event)
    stats = transcription.stats
    return Trial(
        audio_seconds=stats.audio_seconds,
        speech_seconds=stats.speech_seconds if stats.vad_enabled else None,
        busy_seconds=stats.busy_seconds,
        wall_seconds=stats.wall_seconds,
        first_text_ms=stats.first_text_ms,
        infer_ms=tuple(stats.infer_ms),
        peak_bytes=memory.peak_bytes,
        text=" ".join(text.strip() for text in heard.texts),
        language=heard.language,
        lost_seconds=stats.lost_seconds,
        course=Course(pace.curve),
    )
