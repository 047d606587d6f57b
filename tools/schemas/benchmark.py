"""What ``bench`` prints with ``--json``."""

from __future__ import annotations

from typing import Literal, TypedDict

from echocli.bench.accuracy import Normaliser
from tools.schemas.running import LevelName, LiveFigures, Spread
from tools.schemas.shapes import Amount, Count, Seconds, Share


class Edits(TypedDict):
    """Errors against the reference; null where there is none."""

    reference_words: Count | None
    """Words that were really said."""
    substitutions: Count | None
    """Words heard as others."""
    deletions: Count | None
    """Words left out."""
    insertions: Count | None
    """Words nobody said."""


class AtLevel(TypedDict):
    """A level of the ladder, from a position on."""

    position: Seconds
    """From where on, in seconds."""
    level: LevelName
    """The level."""
    reason: str
    """What led to it, in words; empty at the start."""


class Course(TypedDict):
    """How a recording went, in its first run."""

    seconds: list[Seconds]
    """Positions between which there are stretches, one more than there are stretches."""
    rtf: list[Amount]
    """Real-time factor of each stretch."""
    levels: list[AtLevel] | None
    """Levels of the ladder; null where none ran."""


class Distribution(TypedDict):
    """How times are distributed, in bins of one width."""

    edges_ms: list[Amount]
    """Borders of the bins in milliseconds, one more than there are bins."""
    counts: list[Count]
    """How many are in each bin."""


class Memory(TypedDict):
    """Resident memory over all runs, loading included; 1 MB is 2²⁰ bytes."""

    seconds: list[Seconds]
    """When each of the following was, from the first look on."""
    parent_mb: list[Amount]
    """Of the program itself."""
    workers_mb: list[Amount]
    """Of everything it started."""


class Machine(TypedDict):
    """As much of a machine as figures depend on."""

    system: str
    """The operating system."""
    architecture: str
    """The architecture, such as `x86_64`."""
    cpu: str
    """Name of the processor, or an empty string."""
    cores: Count
    """Physical cores that may be used."""
    memory_mb: Count
    """Memory that may be used; 1 MB is 2²⁰ bytes."""
    accelerator: str | None
    """The GPU that may be used."""


class _Went(TypedDict):
    course: Course
    """How it went."""


class _Named(TypedDict):
    file: str
    """The recording."""
    language: str | None
    """Its language."""
    normaliser: Normaliser | None
    """How both texts were made comparable; null without a reference."""


class _Took(TypedDict):
    audio_seconds: Seconds
    """Length of the audio."""
    wall_seconds: Seconds
    """Time from opening the files to their last text."""
    windows: Count
    """Windows that were decoded."""
    lost_seconds: Seconds
    """Sound that got no text although it may hold speech."""
    rtf: Amount | None
    """Busy seconds ÷ seconds of audio; below 1 is faster than real time."""
    speed: Amount | None
    """Its inverse."""


class _Loaded(TypedDict):
    load_ms: Amount | None
    """From the start of the worker until the weights are read."""


class _Heard(TypedDict):
    first_text_ms: Amount | None
    """From opening a file to its first text, with the model loaded."""
    p50_ms: Amount | None
    """Time the provider worked on a window: median."""
    p95_ms: Amount | None
    """The same, 95th percentile."""
    p99_ms: Amount | None
    """The same, 99th percentile."""
    memory_mb: Amount
    """Resident memory of the program and its workers at its highest; 1 MB is 2²⁰ bytes."""
    vad_share: Share | None
    """Seconds of speech ÷ seconds of audio."""
    words: Count
    """Words that were heard."""
    wer: Amount | None
    """Errors per hundred words of the reference."""
    cer: Amount | None
    """Errors per hundred characters of the reference."""


class BenchOverall(_Took, _Loaded, _Heard, Edits):
    """The figures of all files together; medians over the runs."""


class BenchFile(_Named, _Took, _Heard, Edits, _Went):
    """The figures of one file; medians over the runs."""


class BenchExtras(TypedDict):
    """The figures of `--full`; null is what could not be measured."""

    cold_start_ms: Amount | None
    """From starting the program until it has answered `--version`."""
    warmup_ms: Amount | None
    """Inference on 5 s right after loading."""
    warmup_all_ms: Amount | None
    """Inference on 1, 5, 10, 20 and 30 s together."""
    recovery_ms: Amount | None
    """From the death of the worker until its successor has answered."""
    two_sources_rtf: Amount | None
    """The file decoded twice at the same time: seconds until both are done ÷ seconds of one."""


class _Waited(TypedDict):
    ttfs_ms: Spread
    """From the end of speech to the final."""
    hangover_ms: Spread
    """From the end of speech until that is known."""
    finalising_ms: Spread
    """From then to the final."""
    first_partial_ms: Spread
    """From the start of speech to the first partial."""
    commit_ms: Spread
    """From the end of a word until it is committed, or final."""
    audio_seconds: Seconds
    """Length of the audio."""
    lost_seconds: Seconds
    """Sound that got no text although it may hold speech."""
    words: Count
    """Words that were heard."""
    committed_share: Share | None
    """Words committed before their final ÷ words."""
    partials: Count
    """Partials that were told."""
    skipped: Count
    """Partials that were due and not made."""
    live_busy: Amount | None
    """Busy seconds ÷ seconds of audio."""
    live_wer: Amount | None
    """Errors of the finals per hundred words of the reference."""
    live_cer: Amount | None
    """Errors of the finals per hundred characters of the reference."""


class LiveOverall(_Waited, Edits):
    """The figures of all files that were played, together."""


class _Core(TypedDict):
    core: LiveFigures
    """The latencies as the program itself counts them, to compare."""


class LiveFile(_Named, _Waited, Edits, _Core, _Went):
    """The figures of one file that was played."""


class BenchLive(TypedDict):
    """What `bench --live` found."""

    overall: LiveOverall
    """All files together."""
    files: list[LiveFile]
    """Each file."""
    latencies: dict[str, Distribution]
    """How the latencies are distributed: `ttfs`, `hangover` and the others."""


class Failure(TypedDict):
    """A file that could not be measured."""

    file: str
    """The recording."""
    error: str
    """What was wrong with it."""


class Assertion(TypedDict):
    """A demand and whether it is met."""

    assertion: str
    """The demand as it can be typed."""
    metric: str
    """What it is about."""
    operator: Literal["<", "<=", ">", ">=", "=="]
    """How the metric must stand to the limit."""
    limit: float
    """The limit."""
    value: float | None
    """The metric; null where it could not be measured."""
    holds: bool
    """Whether it is met; what could not be measured is not."""


class Bench(TypedDict):
    """What `bench` says."""

    schema: Literal["echocli/bench/1"]
    """What this is, with the number of its version."""
    echocli: str
    """Version of the program."""
    time: str | None
    """When it was measured, ISO 8601 in UTC."""
    machine: Machine | None
    """What it was measured on."""
    provider: str
    """The provider."""
    model: str
    """The model."""
    device: str
    """Where it ran."""
    compute_type: str
    """What it calculated with."""
    slots: Count
    """Windows decoded side by side."""
    threads: Count
    """Threads of each slot."""
    runs: Count
    """How often everything was measured."""
    overall: BenchOverall | None
    """All files together; null with `--live`, or where none could be measured."""
    extras: BenchExtras | None
    """The figures of `--full`."""
    files: list[BenchFile]
    """Each file; none with `--live`."""
    live: BenchLive | None
    """The figures of `--live`."""
    latencies: Distribution
    """How long the provider worked on each window of all runs."""
    memory: Memory
    """How memory went."""
    failed: list[Failure]
    """Files that could not be measured."""
    assertions: list[Assertion]
    """What `--assert` demanded."""
