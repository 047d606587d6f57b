"""Run one recording through a loaded model and note everything that can be measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from echocli.bench.figures import Trial
from echocli.bench.memory import MemoryWatch
from echocli.events import End, Event, Final
from echocli.runtime.offline import Transcription


@dataclass(slots=True)
class _Heard:
    texts: list[str] = field(default_factory=list)
    language: str | None = None

    def take(self, event: Event) -> None:
        if isinstance(event, Final):
            self.texts.append(event.segment.text)
        elif isinstance(event, End):
            self.language = event.language


def measure(transcription: Transcription, watch: Callable[[Event], None]) -> Trial:
    """Run a transcription to its end and return its figures; ``watch`` sees every event.

    Raises what the transcription raises: ``InputError``, ``ModelError``, ``TranscriptionError``.
    """
    heard = _Heard()
    with MemoryWatch() as memory:
        for event in transcription.events():
            heard.take(event)
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
    )
