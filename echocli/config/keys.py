"""The table of settings: what each one takes, its default, and an example where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from echocli.config import values
from echocli.config.values import AUTO_CHUNKS, Kind
from echocli.decoding.presets import Preset


@dataclass(frozen=True, slots=True)
class Key:
    """A setting."""

    kind: Kind
    default: Any = None
    """``None`` leaves it to the recommendation, or is nothing."""
    example: Any = None
    """What a config file could say, where the default cannot be written down."""
    about: str = ""
    """What it is, where no option of the command line says so."""

    def __call__(self, value: object) -> Any:
        """Return the value; raise ``ValueError`` for one that makes no sense."""
        return self.kind.convert(value)


KEYS: dict[str, Key] = {
    "provider": Key(values.PROVIDER, example="faster-whisper"),
    "model": Key(values.TEXT, example="base.en"),
    "model_dir": Key(values.PATH, example="~/models"),
    "model_revision": Key(values.TEXT, example="main"),
    "model_sha256": Key(values.SHA256, example="0" * 64),
    "voxtral_binary": Key(values.PATH, example="~/bin/voxtral"),
    "voxtral_model": Key(values.PATH, example="~/voxtral-model"),
    "experimental": Key(
        values.BOOLEAN, False, about="Let 'auto' choose experimental providers [default: no]."
    ),
    "device": Key(values.DEVICE, example="cpu"),
    "compute_type": Key(values.COMPUTE, example="int8"),
    "threads": Key(values.COUNT, example=4),
    "offline": Key(values.BOOLEAN, False),
    "language": Key(values.LANGUAGE, example="en"),
    "task": Key(values.one_of("transcribe", "translate"), "transcribe"),
    "preset": Key(values.one_of(*Preset), str(Preset.BALANCED)),
    "beam_size": Key(values.COUNT, example=5),
    "best_of": Key(values.COUNT, 5),
    "patience": Key(values.POSITIVE, 1.0),
    "length_penalty": Key(values.NUMBER, 1.0),
    "temperature": Key(values.SHARE, 0.0),
    "temperature_increment_on_fallback": Key(values.STEP, "0.2"),
    "condition_on_previous_text": Key(values.BOOLEAN, False),
    "initial_prompt": Key(values.TEXT, example="Minutes of a meeting."),
    "hotwords": Key(values.TEXT, example="EchoCLI, Whisper"),
    "suppress_tokens": Key(values.TOKENS, "-1"),
    "word_timestamps": Key(values.BOOLEAN, False),
    "compression_ratio_threshold": Key(values.NUMBER, 2.4),
    "log_prob_threshold": Key(values.NUMBER, -1.0),
    "no_speech_threshold": Key(values.NUMBER, 0.6),
    "chunk_seconds": Key(values.CHUNKS, AUTO_CHUNKS),
    "vad": Key(values.BOOLEAN, True),
    "vad_threshold": Key(values.SHARE, example=0.5),
    "vad_min_speech_ms": Key(values.MILLISECONDS, example=100),
    "vad_min_silence_ms": Key(values.MILLISECONDS, example=300),
    "vad_pad_ms": Key(values.MILLISECONDS, example=400),
    "channel": Key(values.COUNT, example=1),
    "raw": Key(values.TEXT, example="s16le,16000,1"),
    "input_device": Key(values.DEVICES, (), example=["default"]),
    "stop_after": Key(values.WORDING, example="silence:60"),
    "degrade": Key(values.BOOLEAN, True),
    "ladder": Key(values.TEXT, "", example="calm=30,dwell=10"),
    "fallback": Key(values.TEXT, example="whisper-cpp:tiny.en"),
    "max_memory_mb": Key(values.COUNT, example=4000),
    "drop_policy": Key(values.one_of("spool", "discard"), "spool"),
    "outage_seconds": Key(values.FROM_ZERO, 60.0),
    "unload_after": Key(values.FROM_ZERO, 600.0),
    "simulate_load": Key(values.WORDING, example="2@10-20"),
    "metrics_file": Key(values.PATH, example="~/echocli-metrics.jsonl"),
    "metrics_seconds": Key(values.POSITIVE, 60.0),
    "log_level": Key(values.one_of("debug", "info", "warning", "error"), example="info"),
    "log_file": Key(values.PATH, example="~/echocli.log"),
    "output_dir": Key(values.PATH, example="~/transcripts"),
    "output_format": Key(values.WORDS, (), example=["txt"]),
    "max_line_width": Key(values.COUNT, example=42),
    "max_line_count": Key(values.COUNT, example=2),
    "max_words_per_line": Key(values.COUNT, example=8),
    "skip_existing": Key(values.BOOLEAN, False),
    "recursive": Key(values.BOOLEAN, False),
    "jobs": Key(values.COUNT, example=2),
    "remote": Key(values.TEXT, example="wss://transcribe.example.org"),
    "ca_file": Key(values.PATH, example="~/ca.pem"),
    "retries": Key(values.WHOLE, 15),
    "spool_mb": Key(values.WHOLE, 2048),
    "host": Key(values.TEXT, "127.0.0.1"),
    "port": Key(values.PORT, 8765),
    "token_file": Key(values.PATH, example="~/.config/echocli/token"),
    "insecure": Key(values.BOOLEAN, False),
    "ssl_certfile": Key(values.PATH, example="~/server.pem"),
    "ssl_keyfile": Key(values.PATH, example="~/server.key"),
    "allow_origin": Key(values.WORDS, (), example=["https://app.example.org"]),
    "forwarded_allow_ips": Key(values.WORDS, (), example=["127.0.0.1"]),
    "query_token": Key(values.BOOLEAN, False),
    "max_sessions": Key(values.COUNT, 10),
    "max_requests": Key(values.COUNT, 8),
    "max_upload_mb": Key(values.COUNT, 200),
    "max_audio_seconds": Key(values.POSITIVE, 14_400.0),
    "session_seconds": Key(values.POSITIVE, 14_400.0),
    "idle_seconds": Key(values.POSITIVE, 60.0),
    "keep_seconds": Key(values.FROM_ZERO, 60.0),
    "rate_limit": Key(values.WHOLE, example=600),
    "warmup_level": Key(values.one_of("2", "3"), "2"),
    "quiet": Key(values.BOOLEAN, False),
    "verbose": Key(values.WHOLE, 0),
}
"""Name of each setting → how it is read, and its default."""
