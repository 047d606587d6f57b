"""What a run says of itself: statistics, the record of its health, the file of metrics."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from echocli.runtime.alerts import AlertCode, Severity
from echocli.runtime.lifecycle import State
from tools.schemas.shapes import Amount, Count, Seconds, Share

LevelName: TypeAlias = Literal["NORMAL", "WARNING", "DEGRADE", "EMERGENCY", "FAILOVER"]


class Spread(TypedDict):
    """Times of one kind, in milliseconds."""

    count: Count
    """How many there were."""
    mean: Amount | None
    """Their mean."""
    p50: Amount | None
    """Half of them are at most this."""
    p95: Amount | None
    """95 % of them are at most this."""
    p99: Amount | None
    """99 % of them are at most this."""


class LevelChange(TypedDict):
    """A change of the ladder's level, as the event `level` tells it."""

    position: Seconds
    """From where on, in seconds."""
    from_: LevelName
    """The level before."""
    to: LevelName
    """The level from then on."""
    reason: str
    """What led to it, in words."""
    effects: list[str]
    """What was done otherwise, in words."""


class FailoverChange(TypedDict):
    """A change of who serves, as the event `failover` tells it."""

    from_: str
    """Who served, as `PROVIDER:MODEL`."""
    to: str
    """Who served then, as `PROVIDER:MODEL`."""
    reason: str
    """Why, in words."""
    replayed_seconds: Seconds
    """Sound that was decoded again."""


class ErrorNote(TypedDict):
    """An error of a provider."""

    time: Seconds
    """When, in seconds of the session."""
    text: str
    """What a library said, at most 500 characters."""


class AlertNote(TypedDict):
    """An alert; it was a `notice` event with the same code too."""

    code: AlertCode
    """What happened; stable."""
    severity: Severity
    """How bad it is."""
    time: Seconds
    """When, in seconds of the session."""
    message: str
    """The same for people."""


class Health(TypedDict):
    """The record of the provider that serves, and of the session around it."""

    provider: str | None
    """The provider that serves."""
    model: str | None
    """Its model."""
    model_revision: str | None
    """Revision of the weights; null where nobody knows."""
    model_sha256: str | None
    """SHA-256 of the file of weights, where it was recorded or computed."""
    device: str | None
    """Where it runs."""
    compute_type: str | None
    """What it calculates with."""
    state: State
    """Where the model is in its life."""
    realtime_factor: Amount | None
    """Busy seconds ÷ seconds of audio, over the whole run."""
    rtf_avg_10s: Amount | None
    """The same of the finals of the last 10 seconds."""
    rtf_avg_60s: Amount | None
    """The same of the finals of the last 60 seconds."""
    avg_infer_ms: Amount | None
    """Mean milliseconds of an inference, of the last 1000, like the next three."""
    p50_infer_ms: Amount | None
    """Half of them took at most this."""
    p95_infer_ms: Amount | None
    """95 % of them took at most this."""
    p99_infer_ms: Amount | None
    """99 % of them took at most this."""
    restarts: Count
    """Workers that were replaced."""
    consecutive_errors: Count
    """Failures in a row."""
    errors: list[ErrorNote]
    """The last ten errors."""
    model_resident: bool
    """Whether the weights are in memory."""
    memory_usage_mb: Amount | None
    """Memory of the worker; 1 MB is 2²⁰ bytes."""
    gpu_memory_mb: Amount | None
    """Memory of the worker on a GPU."""
    inference_lock_wait_ms: dict[str, Count]
    """How many windows waited up to so many milliseconds for their turn; `inf` is longer."""
    model_load_time_ms: Amount | None
    """Milliseconds that loading took."""
    model_warmup_time_ms: Amount | None
    """Milliseconds that warming up took; null where it was not warmed."""
    degrade_level: LevelName | None
    """The level of the ladder."""
    backlog_estimate: Amount | None
    """Seconds of speech that wait."""
    queue_depth: Count | None
    """Requests in line."""
    dropped_chunks: Count
    """Pieces of sound that were lost."""
    dropped_seconds: Seconds
    """Seconds of sound that were lost."""
    spooled_seconds: Seconds
    """Seconds of speech that were put aside."""
    parent_memory_mb: Amount | None
    """Memory of the program itself."""
    vad_speech_ratio: Share | None
    """Share of the sound that is speech."""
    vad_skipped_chunks: Count | None
    """Silences that were not decoded."""
    alerts: list[AlertNote]
    """The last twenty alerts."""
    session_seconds: Seconds
    """How long the session has been running."""


class LiveFigures(TypedDict):
    """The figures of a live run; the latencies only where the source runs in real time."""

    finals: Count
    """Finals that were told."""
    partials: Count
    """Partials that were told."""
    spooled_seconds: Seconds
    """Speech that was put aside."""
    backfilled_seconds: Seconds
    """Speech of it that has its text."""
    discarded_seconds: Seconds
    """Speech of it that could not be kept or decoded."""
    discarded_utterances: Count
    """Utterances of that."""
    partials_skipped: Count
    """Partials that were due and not made."""
    ttfs_ms: NotRequired[Spread]
    """From the end of speech to the final."""
    hangover_ms: NotRequired[Spread]
    """From the end of speech until that was known."""
    finalising_ms: NotRequired[Spread]
    """From then until the final."""
    first_partial_ms: NotRequired[Spread]
    """From the start of speech until the first text."""
    commit_ms: NotRequired[Spread]
    """From the end of a word until it was committed, or final where it never was."""
    committed_share: NotRequired[Share | None]
    """Words committed before their final ÷ words."""


class Stats(TypedDict):
    """The figures of one run."""

    provider: str
    """The provider that decoded."""
    model: str
    """The model."""
    device: str
    """Where it ran."""
    compute_type: str
    """What it calculated with."""
    audio_seconds: Seconds
    """Length of what was read."""
    speech_seconds: Seconds
    """Seconds of it that are speech."""
    wall_seconds: Seconds
    """Time from the start of the run to its end."""
    busy_seconds: Seconds
    """Time in which at least one inference was running."""
    model_load_time_ms: Amount
    """Milliseconds that loading the model took."""
    first_text_ms: Amount | None
    """Milliseconds from the start of the run to its first text."""
    windows: Count
    """Windows that were decoded."""
    vad_enabled: bool
    """Whether only speech was decoded."""
    vad_skipped_chunks: Count
    """Silences that were not decoded."""
    vad_failures: Count
    """Times voice detection failed."""
    worker_restarts: Count
    """Workers that were replaced."""
    lost_seconds: Seconds
    """Sound that got no text although it may hold speech."""
    worker_memory_mb: Amount
    """Memory of the worker at its highest; 1 MB is 2²⁰ bytes."""
    guards: dict[str, Count]
    """What was not believed and what was done about it: name → how often."""
    level_at_start: LevelName
    """Level of the ladder at which it began: that of the input before."""
    levels: list[LevelChange]
    """Changes of the level since."""
    failovers: list[FailoverChange]
    """Changes of who serves."""
    health: NotRequired[Health]
    """The record of the provider that served at the end."""
    live: NotRequired[LiveFigures]
    """The figures of a live run."""
    realtime_factor: Amount | None
    """`busy_seconds` ÷ `audio_seconds`; below 1 is faster than real time."""
    speed: Amount | None
    """Its inverse."""
    vad_speech_ratio: Share | None
    """Share of the sound that is speech."""
    vad_saved_seconds: Seconds
    """What leaving silence out saved, estimated at the cost of speech."""
    avg_infer_ms: Amount | None
    """Mean milliseconds of an inference."""
    p50_infer_ms: Amount | None
    """Half of them took at most this."""
    p95_infer_ms: Amount | None
    """95 % of them took at most this."""
    p99_infer_ms: Amount | None
    """99 % of them took at most this."""


class Totals(TypedDict):
    """What the sessions of a file of metrics add up to, this one included."""

    sessions: Count
    """How many there were."""
    session_seconds: Seconds
    """How long they ran."""
    audio_seconds: Seconds
    """Sound that was decoded."""
    windows: Count
    """Windows that were decoded."""
    dropped_chunks: Count
    """Pieces of sound that were lost."""
    dropped_seconds: Seconds
    """Seconds of sound that were lost."""
    spooled_seconds: Seconds
    """Seconds of speech that were put aside."""
    restarts: Count
    """Workers that were replaced."""
    errors: Count
    """Errors of providers."""


class _When(TypedDict):
    time: str
    """When the line was written, ISO 8601 in UTC."""
    session: Count
    """Number of the session in this file, from 1."""


class _Sum(TypedDict):
    total: Totals
    """What all sessions of the file add up to, so that the last line alone tells it."""


class Metrics(_When, Health, _Sum):
    """A line of the file of `--metrics-file`: when, the record, and the totals."""
