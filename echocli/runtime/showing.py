"""What is shown of an utterance that goes on."""

from __future__ import annotations

from echocli.decoding.guards import Verdict, judge
from echocli.providers.base import Hypothesis
from echocli.runtime.live_options import Job, Kind, LiveOptions
from echocli.types import Segment

SHOWN = (Verdict.ACCEPT, Verdict.IMPROBABLE)
"""Hypotheses that are shown: half a word makes a text improbable, but not invented."""


def shown(job: Job, found: Hypothesis, options: LiveOptions, heard: float) -> Segment | None:
    """Learn from a hypothesis; what to show of it, if that is news.

    ``heard`` is how far the source is by now, in samples.
    """
    utterance, end = job.utterance, job.end
    verdict = judge(found, options.thresholds)
    if utterance.over or verdict not in SHOWN:
        return None
    # Nothing is committed that a cut could leave to the next utterance.
    whole = end - utterance.start < options.turns.longest - options.turns.zone
    # Nor what would not be believed of a final.
    settle = whole and verdict is Verdict.ACCEPT
    cut = job.kind is Kind.PARTIAL
    return utterance.show(found, end, heard, settle=settle, cut=cut)
