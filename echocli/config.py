"""Settings and where they come from: flag, environment, config file, recommendation.

Every setting is a row of :data:`KEYS`; every value remembers its source. The variables of the
system this program grew from (``ECHOPANEL_*``) work as aliases with its spelling of values.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from echocli.capability.advice import parse_device
from echocli.decoding.presets import Preset
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.models.languages import AUTO, parse_language

AUTO_CHUNKS = "auto"
"""Chunk seconds that adapt to how long decoding takes."""

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")

_PROVIDERS = {"voxtral-realtime": "voxtral"}
_COMPUTE = {"fp16": "float16", "fp32": "float32", "bf16": "bfloat16"}
COMPUTE_TYPES = (
    *("auto", "default"),
    *("int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16"),
    *("float16", "bfloat16", "float32"),
    *("q4_0", "q4_1", "q5_0", "q5_1", "q8_0"),
)
"""What CTranslate2 (its documentation, "Quantization") and GGML (``quantize`` of whisper.cpp) call
their numbers."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from, such as ``flag`` or ``env ECHOCLI_MODEL``."""

    value: Any
    source: str


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not a text")
    return value


def _boolean(value: object) -> bool:
    word = str(value).strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError("not true or false")
    return word in _TRUE


def _count(value: object) -> int:
    number = _number(value)
    if number != int(number) or number < 1:
        raise ValueError("not a whole number above 0")
    return int(number)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("not a number")  # noqa: TRY004 -- one kind of error for every converter
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("not a number") from None
    if not abs(number) < float("inf"):
        raise ValueError("not a finite number")
    return number


def _positive(value: object) -> float:
    number = _number(value)
    if number <= 0:
        raise ValueError("not above 0")
    return number


def _from_zero(value: object) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError("below 0")
    return number


def _chunks(value: object) -> float | str:
    return AUTO_CHUNKS if str(value).strip().lower() == AUTO_CHUNKS else _positive(value)


def _provider(value: object) -> str:
    name = _text(value).strip().lower().replace("_", "-")
    return _PROVIDERS.get(name, name)


def _compute(value: object) -> str:
    name = _text(value).strip().lower()
    name = _COMPUTE.get(name, name)
    if name not in COMPUTE_TYPES:
        raise ValueError(f"valid: {', '.join(COMPUTE_TYPES)}")
    return name


def _device(value: object) -> str:
    try:
        return parse_device(_text(value))
    except UsageError as error:
        raise ValueError(error.hint) from error


def _language(value: object) -> str:
    try:
        return parse_language(_text(value)) or AUTO
    except UsageError as error:
        raise ValueError(error.hint) from error


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    try:
        return Path(_text(value)).expanduser()
    except RuntimeError as error:  # the home of a user nobody knows
        raise ValueError(str(error)) from error


def _sha256(value: object) -> str:
    digest = _text(value).strip().lower().removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise ValueError("64 hexadecimal digits, as sha256sum prints them")
    return digest


def _one_of(*words: str) -> Callable[[object], str]:
    def convert(value: object) -> str:
        word = str(value).strip().lower()
        if word not in words:
            raise ValueError(f"valid: {', '.join(words)}")
        return word

    return convert


KEYS: dict[str, Callable[[object], Any]] = {
    "provider": _provider,
    "model": _text,
    "model_dir": _path,
    "model_revision": _text,
    "model_sha256": _sha256,
    "voxtral_binary": _path,
    "voxtral_model": _path,
    "experimental": _boolean,
    "device": _device,
    "compute_type": _compute,
    "threads": _count,
    "chunk_seconds": _chunks,
    "vad": _boolean,
    "language": _language,
    "task": _one_of("transcribe", "translate"),
    "preset": _one_of(*Preset),
    "beam_size": _count,
    "best_of": _count,
    "initial_prompt": _text,
    "hotwords": _text,
    "word_timestamps": _boolean,
    "offline": _boolean,
    "degrade": _boolean,
    "ladder": _text,
    "drop_policy": _one_of("spool", "discard"),
    "fallback": _text,
    "outage_seconds": _from_zero,
    "max_memory_mb": _count,
    "unload_after": _from_zero,
    "metrics_file": _path,
    "metrics_seconds": _positive,
    "log_level": _one_of("debug", "info", "warning", "error"),
    "log_file": _path,
}
"""Name of each setting → what turns a flag, a variable or a TOML value into it."""

ALIASES: dict[str, str] = {
    "provider": "ECHOPANEL_ASR_PROVIDER",
    "model": "ECHOPANEL_WHISPER_MODEL",
    "model_dir": "ECHOPANEL_MODEL_PATH",
    "device": "ECHOPANEL_WHISPER_DEVICE",
    "compute_type": "ECHOPANEL_WHISPER_COMPUTE",
    "chunk_seconds": "ECHOPANEL_ASR_CHUNK_SECONDS",
    "vad": "ECHOPANEL_ASR_VAD",
}
"""Setting → its older variable; ours wins where both are set."""


class Settings:
    """Look settings up by precedence.

    ``config_path`` is a file that must exist; without it ``config.toml`` in the platform's config
    directory is read if there is one. Raises ``UsageError`` for a file that cannot be used.
    """

    def __init__(self, env: Environment, config_path: Path | None = None) -> None:
        self._env = env
        self._path = config_path or env.config_dir / "config.toml"
        self._file = _load(self._path, required=config_path is not None)

    def get(
        self, key: str, flag: object = None, default: object = None, source: str = "default"
    ) -> Setting:
        """Return a setting; ``flag`` is what the command line said, ``None`` if nothing.

        ``default`` and ``source`` (``recommendation`` or ``default``) stand where nobody said
        anything. Raises ``UsageError`` naming the source of a value that makes no sense.
        """
        if flag is not None:
            return _convert(key, flag, "flag")
        for variable in (f"ECHOCLI_{key.upper()}", ALIASES.get(key, "")):
            if value := self._env.environ.get(variable):
                return _convert(key, value, f"env {variable}")
        if key in self._file:
            return _convert(key, self._file[key], f"config {self._path}")
        return Setting(default, source)


def _convert(key: str, value: object, source: str) -> Setting:
    try:
        return Setting(KEYS[key](value), source)
    except ValueError as error:
        where = f"--{key.replace('_', '-')}" if source == "flag" else f"{key} from {source}"
        raise UsageError(f"{where}: '{value}' cannot be used", hint=str(error)) from error


def _load(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = tomllib.loads(text)
    except FileNotFoundError:
        if not required:
            return {}
        raise UsageError(f"there is no config file {path}") from None
    except OSError as error:
        raise UsageError(f"config file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # bad TOML or bad UTF-8
        raise UsageError(f"config file {path} is not valid TOML: {error}") from error
    return {_known(key, path): value for key, value in found.items()}


def _known(key: str, path: Path) -> str:
    name = key.replace("-", "_")
    if name in KEYS:
        return name
    near = get_close_matches(name, KEYS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(KEYS)}"
    raise UsageError(f"config file {path}: unknown key '{key}'", hint=hint)
