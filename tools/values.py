"""The words an option takes, read from where the program itself looks them up.

For options that are plain text to the parser because their values come from a registry. What other
packages add through entry points is left out: completions must not depend on the machine that
wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache


@cache
def known_values() -> Mapping[str, tuple[str, ...]]:
    """Return the name of an option or argument → its words, in the order a menu shows them."""
    from echocli.cli.models_convert import Quantisation
    from echocli.decoding.presets import Preset
    from echocli.log import LEVELS
    from echocli.models.catalog import ALIASES, MODELS
    from echocli.models.languages import AUTO, LANGUAGES
    from echocli.output.writers import FORMATS
    from echocli.providers.registry import BUILTIN
    from echocli.runtime.backfill import DropPolicy
    from echocli.types import Task

    models = (*MODELS, *ALIASES)
    return {
        "model": models,
        "models": models,
        "--compute-type": (
            "int8",
            "int8_float16",
            "int8_float32",
            "float16",
            "bfloat16",
            "float32",
        ),
        "--device": (AUTO, "cpu", "cuda", "metal"),
        "--drop-policy": tuple(DropPolicy),
        "--language": (AUTO, *LANGUAGES),
        "--level": ("1", "2", "3"),
        "--log-level": tuple(LEVELS),
        "--model": models,
        "--output-format": (*FORMATS, "all"),
        "--preset": tuple(Preset),
        "--provider": (AUTO, *BUILTIN),
        "--quantize": tuple(Quantisation),
        "--source": ("hf", "pypi"),
        "--task": tuple(Task),
    }
