"""One utterance on its way from its first sound to its final."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from echocli.decoding.agreement import Agreement, timed_words, with_committed
from echocli.decoding.assemble import Assembler, confidence, has_words
from echocli.decoding.guards import compression_ratio
from echocli.providers.base import Hypothesis, Piece, TimedWord
from echocli.runtime.finishing import Finishing
from echocli.runtime.live_stats import Latencies
from echocli.types import Segment, Span, seconds
from echocli.vad.turns import Reason

HELD = 2
"""Words at the end of a hypothesis that are not committed yet: the sound may have cut them."""


@dataclass(slots=True, eq=False)
class Utterance:
    """What is known of it so far; positions are samples of its source."""

    id: int
    start: int
    """Where speech began."""
    sound_start: int
    """Where the sound begins that is decoded."""
    agreement: Agreement = field(default_factory=Agreement)
    reached: int = 0
    """End of the sound that was last asked about."""
    shown: str = ""
    """Text of the last partial."""
    committed_at: list[float] = field(default_factory=list)
    """How far the source had come when each word was committed."""
    words: tuple[TimedWord, ...] = ()
    """Words of the final, from ``start`` on; none where they could not be aligned."""
    finishing: Finishing | None = None
    """Its last decode, perhaps before it is certain that it is over."""
    end: int | None = None
    reason: Reason = Reason.SILENCE
    later: bool = False
    """Whether it is to be put aside while there is no time for all."""
    covers: int = 0
    """Samples from the end of the utterance before to its own end."""
    ended_at: float = 0.0
    """How far the source had come when it was known to be over."""

    @property
    def over(self) -> bool:
        """Whether its end is known."""
        return self.end is not None

    @property
    def speech(self) -> Span:
        """Where speech is in it, once it is over."""
        assert self.end is not None
        return Span(self.start, self.end)

    @property
    def committed(self) -> str:
        """The words that will not change any more."""
        return "".join(self.agreement.committed).strip()

    def show(
        self, found: Hypothesis, end: int, heard: float, *, settle: bool, cut: bool
    ) -> Segment | None:
        """Learn from a hypothesis of the sound up to ``end``; what to show, if that is news.

        ``heard`` is how far the source is by now. Without ``settle`` no word is committed; ``cut``
        says that the sound may end in the middle of a word.
        """
        if settle and cut:
            settled = self.agreement.update(found.text, held=HELD)
        elif settle:
            settled = self.agreement.update(found.text, agreeing=2)
        else:
            settled = 0
            self.agreement.look(found.text)
        self.committed_at += [heard] * settled
        text = self.agreement.text.strip()
        if not has_words(text) or (text == self.shown and not settled):
            return None
        self.shown = text
        return Segment(
            self.id,
            seconds(self.start),
            seconds(max(end, self.start)),
            text,
            avg_logprob=round(found.avg_logprob, 4),
            no_speech_prob=round(found.no_speech_prob, 4),
            compression_ratio=round(compression_ratio(text), 4),
            confidence=confidence(found.avg_logprob),
            language=found.language,
        )

    def segment(self, assembler: Assembler, *, keep_words: bool) -> Segment | None:
        """Return its final text, ``None`` if it has no words; once, in order."""
        assert self.finishing is not None
        found = self.finishing.result
        merged = self.agreement.merge(found.text)
        text = "".join(merged.words).strip()
        if not has_words(text):
            return None
        timed = _timed(found)
        by = self.finishing.sound.start - self.start
        if timed:
            self.words = tuple(_word(one, by) for one in with_committed(merged, timed))
        piece = Piece(0, self.speech.length, text, (), self.words or None)
        segments = assembler.segments(replace(found, pieces=(piece,)), self.speech)
        segment = replace(segments[0], id=self.id)
        return segment if keep_words else replace(segment, words=None)

    def note_times(self, latencies: Latencies, now: float) -> None:
        """Count what a listener waited for; ``now`` is how far the source has come."""
        assert self.end is not None
        latencies.note(latencies.hangover, self.ended_at - self.end)
        latencies.note(latencies.finalising, now - self.ended_at)
        for index, word in enumerate(self.words):
            known = index < len(self.committed_at)
            shown = self.committed_at[index] if known else now
            latencies.note(latencies.commit, shown - (self.start + word.end))
            latencies.words += 1
            latencies.committed += known


def _timed(hypothesis: Hypothesis) -> list[TimedWord]:
    words = [word for piece in hypothesis.pieces for word in piece.words or ()]
    return timed_words(hypothesis.text, words)


def _word(word: TimedWord, by: int) -> TimedWord:
    return replace(word, start=word.start + by, end=word.end + by)
