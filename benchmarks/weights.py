"""Find the weights to compare with, and convert them once for whisper.cpp."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.configurations import Weights
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.models import ggml
from echocli.models.store import Store

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".benchmarks"
"""Joined recordings and converted weights; may be deleted at any time."""


def add_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the options that say which models, where they are and where work goes."""
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help=f"model as echocli names it, may be repeated [default: {default}]",
    )
    parser.add_argument("--model-dir", type=Path, metavar="DIR", help="look for models here first")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR", help="where work goes")
    parser.set_defaults(default_model=default)


def chosen(arguments: argparse.Namespace) -> list[str]:
    """Return the models that were asked for."""
    return list(arguments.model or [arguments.default_model])


def locate(name: str, model_dir: Path | None) -> Path:
    """Return the directory of a model that is here; end with one line when it is not."""
    try:
        found = Store(Environment(), model_dir).fetch(name, offline=True)
    except EchoError as error:
        raise SystemExit("; ".join(filter(None, [str(error), error.hint]))) from error
    return found.path.resolve()


def prepare(name: str, model_dir: Path | None, cache: Path) -> Weights:
    """Return a model in both formats; the converted one is kept for the next time."""
    path = locate(name, model_dir)
    target = cache / f"ggml-{name}-{(path / 'model.bin').stat().st_size}.bin"
    try:
        if not target.is_file():
            cache.mkdir(parents=True, exist_ok=True)
            ggml.convert(path, target)
    except EchoError as error:
        return Weights(name, path, None, f"the weights could not be converted: {error}")
    return Weights(name, path, target)
