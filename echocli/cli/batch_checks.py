"""What a run refuses before its first input, found out without a model being loaded."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from echocli.api.decoding import word_timing
from echocli.api.setup import Setup, prepare
from echocli.api.survey import survey
from echocli.api.weights import STREAMED, no_model, refuse_ignored, require_provider
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import ModelError, OutputError, ProviderError
from echocli.models.store import Store, install_command
from echocli.output.console import Console
from echocli.output.files import output_error
from echocli.providers import registry

METRICS_FILE = "--metrics-file"


@dataclass(frozen=True, slots=True)
class Choice:
    """What would transcribe."""

    provider: str
    model: str
    device: str
    compute_type: str
    installed: bool
    """Whether the model is here; it would be downloaded otherwise."""


def choose(
    environment: Environment, console: Console, chosen: Chosen, formats: Sequence[str] | None
) -> Choice:
    """Return what would write ``formats``; raise the error with which a run would end before it.

    ``None`` is a run that has nothing to do, and that nothing is asked of. Of a model that would be
    downloaded is said what can be said without it.
    """
    advice = survey(environment, chosen).recommendation
    require_provider(advice.provider, chosen)
    setting = chosen.setting("model")
    named = str(setting.value) if chosen.given("model") and setting.value != "auto" else None
    if named is None and advice.usable_model is None:
        raise no_model(advice, chosen)
    model = named or str(advice.usable_model)
    here = named is None or _is_here(
        Store(environment, chosen["model_dir"]), model, advice.provider
    )
    if not here and chosen["offline"]:
        raise ModelError(f"model '{model}' is not installed", hint=f"run: {install_command(model)}")
    if formats is not None:
        _check_keeping_up(environment, chosen)
    if here and formats is not None:
        setup = prepare(environment, chosen.but(offline=True), console)
        setup.announce(console)
        _check_setup(environment, setup, formats)
        spec = setup.spec
        return Choice(spec.provider, spec.model, spec.device, spec.compute_type, installed=True)
    for notice in advice.notices:
        console.notice(notice.message, notice.code)
    return Choice(advice.provider, model, advice.device, advice.compute_type, here)


def _is_here(store: Store, model: str, provider: str) -> bool:
    """Tell whether a model need not be downloaded; providers with a format of their own do not."""
    kind = registry.get(provider).info.model_format
    return kind not in ("ct2", "ggml") or store.find(model, kind) is not None


def _check_setup(environment: Environment, setup: Setup, formats: Sequence[str]) -> None:
    """Raise what the options of decoding and the models to go on with are refused for."""
    from echocli.api.fallbacks import standins
    from echocli.api.options import offline_options

    timing = word_timing(formats, setup.chosen["word_timestamps"])
    refuse_ignored(setup.spec, offline_options(setup, timing).decode)
    standins(setup, environment, english=setup.writes_english)
    if registry.get(setup.spec.provider).info.model_format == STREAMED:
        from echocli.providers.voxtral_setup import doctor

        if missing := doctor(setup.spec.program, setup.spec.path):
            what = "; ".join(one.what for one in missing)
            raise ProviderError(f"{setup.spec.provider} cannot run: {what}", hint=missing[0].step)


def _check_keeping_up(environment: Environment, chosen: Chosen) -> None:
    from echocli.api.keeping import ladder_of
    from echocli.runtime.slowdown import Slowdown

    ladder_of(chosen)
    if chosen["simulate_load"] is not None:
        Slowdown.parse(chosen["simulate_load"], environment.clock)
    if chosen["metrics_file"] is not None:
        check_writable(chosen["metrics_file"], METRICS_FILE, makes_parents=False)


def check_writable(path: Path, option: str, *, makes_parents: bool = True) -> None:
    """Raise ``OutputError`` where a file can surely not be made; nothing is tried."""

    def refusal(code: int) -> OutputError:
        return output_error(OSError(code, os.strerror(code)), path, option)

    if path.is_dir():
        raise refusal(errno.EISDIR)
    parent = next(place for place in path.absolute().parents if os.path.lexists(place))
    if not parent.is_dir():
        raise refusal(errno.ENOTDIR)
    if not makes_parents and parent != path.absolute().parent:
        raise refusal(errno.ENOENT)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise refusal(errno.EACCES)
