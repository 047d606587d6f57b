"""What may be asked for as keyword arguments: the settings of the configuration, typed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

from echocli.config import PROGRAM, Chosen, Settings, chosen_of
from echocli.environment import Environment


class Wishes(TypedDict, total=False):
    """Settings by name; see ``docs/configuration.md``. What is left out is recommended or default.

    Values may also be text, as in a variable: ``"int8"``, ``"0.2"``, ``"yes"``.
    """

    provider: str
    model: str | Path
    model_dir: str | Path
    model_revision: str
    model_sha256: str
    voxtral_binary: str | Path
    voxtral_model: str | Path
    experimental: bool
    device: str
    compute_type: str
    threads: int
    offline: bool
    language: str
    task: Literal["transcribe", "translate"]
    preset: Literal["fast", "balanced", "accurate"]
    beam_size: int
    best_of: int
    patience: float
    length_penalty: float
    temperature: float
    temperature_increment_on_fallback: float | str
    condition_on_previous_text: bool
    initial_prompt: str
    hotwords: str
    suppress_tokens: str | Sequence[int]
    word_timestamps: bool
    compression_ratio_threshold: float
    log_prob_threshold: float
    no_speech_threshold: float
    chunk_seconds: float | Literal["auto"]
    vad: bool
    vad_threshold: float
    vad_min_speech_ms: int
    vad_min_silence_ms: int
    vad_pad_ms: int
    channel: int
    raw: str
    input_device: str | Sequence[str]
    stop_after: str
    degrade: bool
    ladder: str
    fallback: str
    max_memory_mb: int
    drop_policy: Literal["spool", "discard"]
    outage_seconds: float
    unload_after: float
    simulate_load: str
    metrics_file: str | Path
    metrics_seconds: float


def choose(
    wishes: Mapping[str, object], environment: Environment, *, config: bool, profile: str | None
) -> Chosen:
    """Return every setting: as wished, else as configured if that shall count, else the default.

    Raises ``UsageError`` for a value that makes no sense, ``TypeError`` for an unknown name.
    """
    if unknown := sorted(set(wishes) - set(Wishes.__annotations__)):
        raise TypeError(f"there is no setting {unknown[0]!r}")
    given = {
        name: str(value) if isinstance(value, Path) and name == "model" else value
        for name, value in wishes.items()
        if value is not None
    }
    if config or profile is not None:
        return Settings(environment, profile=profile, source=PROGRAM).choose(given)
    return chosen_of(given)
