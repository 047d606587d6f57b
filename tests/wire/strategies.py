"""Every message and frame that can be, for the property tests of the protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from echocli import events
from echocli.types import Segment, Word
from echocli.wire.codes import MAX_POSITION, Code, Malformed
from echocli.wire.frames import WRAP, Frame
from echocli.wire.messages import (
    Accepted,
    Ack,
    Backpressure,
    Finish,
    Format,
    Metrics,
    Numbered,
    Ready,
    Refusal,
    Resume,
    Seen,
    SourceMetrics,
    SourceStart,
    Start,
)

T = TypeVar("T")
V = TypeVar("V")

TEXT = st.text(max_size=20)
NAMES = st.text("abcXYZ019._-", min_size=1, max_size=12)
POSITIONS = st.integers(0, MAX_POSITION)
TIMES = st.integers(0, 10**9).map(lambda ms: ms / 1000)
SHARES = st.integers(0, 10_000).map(lambda one: one / 10_000)
AMOUNTS = st.integers(-(10**8), 10**8).map(lambda one: one / 10_000)
FIGURES = st.integers(0, 10**8).map(lambda one: one / 10_000)
MAYBE = st.none() | TEXT

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

FRAMES = st.builds(
    Frame,
    source=st.integers(0, 255),
    sequence=st.integers(0, WRAP - 1),
    index=POSITIONS,
    payload=st.binary(max_size=64),
)

SOURCES = st.lists(
    st.builds(SourceStart, name=NAMES, start=POSITIONS),
    min_size=1,
    max_size=4,
    unique_by=lambda source: source.name,
).map(tuple)

CLIENT = st.one_of(
    st.builds(
        Start,
        sample_rate=st.integers(8000, 48000),
        format=st.sampled_from(Format),
        channels=st.integers(1, 2),
        sources=SOURCES,
        session=st.none() | NAMES,
        options=st.dictionaries(TEXT, st.none() | st.booleans() | POSITIONS | TEXT, max_size=3),
        first_id=POSITIONS,
    ),
    st.builds(Resume, session=NAMES, token=TEXT, seq=POSITIONS),
    st.builds(Seen, seq=POSITIONS),
    st.builds(Finish, catch_up=st.booleans()),
)

WORDS = st.builds(Word, start=TIMES, end=TIMES, text=TEXT, probability=SHARES)

SEGMENTS = st.builds(
    Segment,
    id=POSITIONS,
    start=TIMES,
    end=TIMES,
    text=TEXT,
    avg_logprob=AMOUNTS,
    no_speech_prob=SHARES,
    compression_ratio=AMOUNTS,
    confidence=SHARES,
    temperature=SHARES,
    words=st.none() | st.lists(WORDS, max_size=2).map(tuple),
    language=MAYBE,
    source=MAYBE,
)

EVENTS: st.SearchStrategy[events.Event] = st.one_of(
    st.builds(events.Final, SEGMENTS),
    st.builds(events.Backfill, SEGMENTS),
    st.builds(events.Partial, SEGMENTS, TEXT),
    st.builds(events.SpeechStarted, POSITIONS, TIMES, MAYBE),
    st.builds(events.SpeechEnded, POSITIONS, TIMES, TIMES, TEXT, MAYBE),
    st.builds(events.Gap, TIMES, TIMES, TEXT, MAYBE),
    st.builds(
        events.Level,
        TEXT,
        TEXT,
        TEXT,
        st.none() | TIMES,
        TIMES,
        st.lists(TEXT, max_size=2).map(tuple),
        TIMES,
    ),
    st.builds(events.Failover, TEXT, TEXT, TEXT, TIMES),
    st.builds(events.Notice, TEXT, TEXT),
    st.builds(events.Meter, TIMES, TIMES, TIMES, MAYBE),
    st.builds(events.StatsEvent, st.dictionaries(TEXT, POSITIONS | TEXT | AMOUNTS, max_size=3)),
    st.builds(events.End, TIMES, MAYBE),
)

_AT = st.dictionaries(NAMES, POSITIONS, max_size=4)

SERVER = st.one_of(
    st.builds(
        Accepted,
        session=NAMES,
        token=TEXT,
        resumed=st.booleans(),
        received=_AT,
        final=_AT,
        limits=st.dictionaries(NAMES, TIMES, max_size=3),
    ),
    st.builds(
        Ready,
        session=NAMES,
        provider=TEXT,
        model=TEXT,
        model_revision=MAYBE,
        model_sha256=MAYBE,
        sources=st.lists(NAMES, max_size=4).map(tuple),
    ),
    st.builds(Ack, received=_AT, final=_AT),
    st.builds(Backpressure, active=st.booleans(), fill=SHARES),
    st.builds(
        Metrics,
        st.dictionaries(
            NAMES,
            st.builds(
                SourceMetrics,
                queue_bytes=POSITIONS,
                queue_fill_ratio=SHARES,
                backlog_seconds=FIGURES,
                dropped_total=POSITIONS,
                avg_infer_ms=st.none() | FIGURES,
                realtime_factor=st.none() | FIGURES,
                provider=TEXT,
                model_id=TEXT,
                vad_enabled=st.booleans(),
                degrade_level=TEXT,
                rtf_avg_10s=st.none() | FIGURES,
            ),
            max_size=2,
        ),
    ),
    st.builds(
        Refusal,
        code=st.sampled_from(Code).map(str) | TEXT,
        message=TEXT,
        retryable=st.booleans(),
        retry_after=st.none() | TIMES,
    ),
    st.builds(Numbered, seq=st.none() | st.integers(1, MAX_POSITION), event=EVENTS),
)


def outcome(read: Callable[[T], V], data: T) -> V | Malformed:
    """Return what is read, or why it cannot be; any other error is one."""
    try:
        return read(data)
    except Malformed as error:
        return error
