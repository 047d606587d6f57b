"""Which settings a server is asked to follow, and which belong to the machine that decodes."""

from __future__ import annotations

from typing import Any

from echocli.api.decoding import WordTiming
from echocli.config import FLAG, PROGRAM, Chosen
from echocli.errors import UsageError

LOCAL = "local"
"""The word of ``--fallback`` for this machine."""

SENT = (
    *("language", "task", "initial_prompt", "hotwords", "chunk_seconds"),
    *("vad", "vad_threshold", "vad_min_speech_ms", "vad_min_silence_ms", "vad_pad_ms"),
)
"""Settings of a live session that the server follows."""

THEIRS = (
    *("model", "provider", "device", "compute_type", "threads", "model_dir", "model_revision"),
    *("model_sha256", "voxtral_binary", "voxtral_model", "preset", "beam_size", "degrade"),
    *("ladder", "max_memory_mb", "drop_policy", "outage_seconds", "unload_after"),
    *("simulate_load", "metrics_file", "metrics_seconds"),
)
"""Settings of the machine that decodes: here they mean something for ``--fallback local`` only."""


def asked_for(chosen: Chosen, timing: WordTiming) -> dict[str, Any]:
    """Return the options of `start`: what somebody said something about."""
    options = {name: chosen[name] for name in SENT if chosen.given(name)}
    return options | ({"word_timestamps": True} if timing.align else {})


def refuse_theirs(chosen: Chosen) -> None:
    """Raise ``UsageError`` for a flag about a machine that does not decode."""
    if chosen["fallback"] == LOCAL:
        return
    for name in THEIRS:
        if chosen.given(name) and chosen.setting(name).source in (FLAG, PROGRAM):
            raise UsageError(
                f"{chosen.named(name)} and --remote do not go together",
                hint="it is the server that decodes; with --fallback local this machine can too",
            )
    if chosen["fallback"] is not None and chosen.setting("fallback").source in (FLAG, PROGRAM):
        raise UsageError(
            f"--fallback {chosen['fallback']}: with --remote there is only 'local'",
            hint="the server has fallbacks of its own",
        )
