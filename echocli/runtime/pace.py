"""When the utterance that goes on is decoded, and what a job is about."""

from __future__ import annotations

from echocli.providers.base import Window
from echocli.runtime.finishing import Finishing, window_ids
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.runtime.utterance import Utterance
from echocli.types import SAMPLE_RATE, Samples

STRETCH = 1.2
"""Time between two partials ÷ what the last one took, so that the model is never busy with them
alone."""


class Pace:
    """Space the partials of a source: no more of them than the model can make."""

    def __init__(self, options: LiveOptions) -> None:
        self.interval = options.least_interval
        """Samples between two partials of an utterance."""
        self.skipped = 0
        """Partials that were due and not made."""
        self._first = options.first
        self._bounds = (options.least_interval, options.most_interval)

    def adjust(self, first: int, least: int, most: int) -> None:
        """Change the bounds of the time between two partials, in samples."""
        self._first, self._bounds = first, (least, most)
        self.interval = max(least, min(self.interval, max(least, most)))

    def learn(self, secs: float) -> None:
        """Take note of how long a partial took."""
        low, high = self._bounds
        wanted = round(STRETCH * secs * SAMPLE_RATE)
        self.interval = max(low, min(wanted, max(low, high)))

    def is_due(self, utterance: Utterance, position: int) -> bool:
        """Tell whether to decode an utterance up to ``position``."""
        return position - utterance.reached >= self._wanted(utterance)

    def begin(self, utterance: Utterance, position: int) -> None:
        """Take note that an utterance is decoded up to ``position``."""
        self.skipped += (position - utterance.reached) // self._wanted(utterance) - 1
        utterance.reached = position

    def _wanted(self, utterance: Utterance) -> int:
        return self.interval if utterance.shown else self._first


def partial_job(
    utterance: Utterance, samples: Samples, options: LiveOptions, language: str | None
) -> Job:
    """Return the job to decode what there is of an utterance, quickly."""
    window = Window(
        id=next(window_ids),
        start=utterance.sound_start,
        samples=samples,
        tail=options.partial_tail,
        language=language,
        beam_size=1,
        goes_on=True,
    )
    return Job(Kind.PARTIAL, utterance, window, window.start + len(samples))


def last_job(utterance: Utterance, kind: Kind) -> Job:
    """Return the job to go on with the last decode of an utterance."""
    finishing = utterance.finishing
    assert finishing is not None
    assert finishing.window is not None
    return Job(kind, utterance, finishing.window, finishing.sound.speech.end)


def awaiting(job: Job) -> Finishing | None:
    """Return what a job's answer is for; ``None`` for a partial and for a decode given up."""
    finishing = job.utterance.finishing
    if job.kind is Kind.PARTIAL or finishing is None or finishing.window is None:
        return None
    return finishing if finishing.window.id == job.window.id else None
