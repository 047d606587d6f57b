"""Which weights a command loads, and from where; what was pinned is refused if it is another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from echocli.api.listener import Listener
from echocli.capability.advice import Recommendation, kind_of
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import ModelError, ProviderError, UsageError
from echocli.models import identity
from echocli.models.languages import AUTO, LANGUAGES
from echocli.models.records import read_record
from echocli.models.store import Found, Store
from echocli.providers import registry
from echocli.providers.base import DecodeOptions, LoadSpec

STREAMED = "voxtral"
"""Format of the weights of Voxtral: a directory that its program reads itself."""

VOXTRAL_MODEL = "voxtral-mini-4b-realtime"
"""What the one model of voxtral.c is called."""

VOXTRAL_WEIGHTS = "consolidated.safetensors"
"""File without which a directory is none of Voxtral's."""


@dataclass(frozen=True, slots=True)
class Pins:
    """Which weights and no others may serve; ``None`` asks for nothing."""

    revision: str | None = None
    sha256: str | None = None

    def __bool__(self) -> bool:
        """Tell whether anything is pinned."""
        return self.revision is not None or self.sha256 is not None

    def require(self, found: Found, store: Path) -> None:
        """Raise ``ModelError`` for other weights."""
        identity.require_pinned(found, self.revision, self.sha256, store)

    def allow(self, found: Found, store: Path) -> bool:
        """Tell whether weights may serve."""
        try:
            self.require(found, store)
        except ModelError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Source:
    """Where weights may come from, as the settings say."""

    environment: Environment
    chosen: Chosen
    listener: Listener
    downloads: bool = True
    """Whether a model that was named and is not here is downloaded."""

    @property
    def pins(self) -> Pins:
        """Which weights may serve."""
        return Pins(self.chosen["model_revision"], self.chosen["model_sha256"])

    @property
    def store(self) -> Store:
        """The store that the settings name."""
        return Store(self.environment, self.chosen["model_dir"])

    def spec(self, advice: Recommendation, named: str | None) -> tuple[LoadSpec, Found | None]:
        """Return how to load what was ``named``, else what is advised, and the model in the store.

        Only a model that was named is downloaded. Raises ``ModelError`` for one that is not here,
        or not of the revision or digest that was pinned.
        """
        spec = LoadSpec(
            provider=advice.provider,
            model=named or "",
            path=named or "",
            device=advice.device,
            compute_type=advice.compute_type,
            slots=advice.slots,
            threads=advice.threads,
        )
        kind = registry.get(advice.provider).info.model_format
        if kind == "none":
            return spec, None
        if kind == STREAMED:
            if self.pins:
                raise ModelError(
                    f"the weights of provider '{spec.provider}' cannot be pinned",
                    hint="leave --model-revision and model_sha256 out",
                )
            return streamed(spec, named, self.chosen), None
        found = self._found(advice, named, kind)
        identity.ensure(found, self.environment)
        return with_model(spec, found, self.environment), found

    def _found(self, advice: Recommendation, named: str | None, kind: str) -> Found:
        # What is pinned is the weights as they came, not a copy made here.
        compute = None if self.pins else advice.compute_type
        if named is not None:
            found = self._fetched(named, kind, compute)
        elif advice.usable_model is None:
            raise no_model(advice, self.chosen)
        else:
            found = self.store.require(advice.usable_model, kind, compute_type=compute)
        self.pins.require(found, self.store.directory)
        return found

    def _fetched(self, named: str, kind: str, compute: str | None) -> Found:
        """Return a model that was named, and show it coming if it is not here."""
        here = self.store.find(named, kind, compute_type=compute)
        if here is not None or not self.downloads:
            return self.store.require(named, kind, compute_type=compute)
        with self.listener.downloading(named) as progress:
            return self.store.fetch(
                named,
                offline=self.chosen["offline"],
                format=kind,
                compute_type=compute,
                progress=progress,
                notice=self.listener.notice,
            )


def no_model(advice: Recommendation, chosen: Chosen) -> ModelError:
    """Return the error for a machine on which no model is installed that could be used."""
    language = chosen["language"]
    plain = language in (None, AUTO, "en")
    lacks = "can be used here" if plain else f"knows {LANGUAGES[language].capitalize()}"
    return ModelError(
        f"no installed model {lacks}; recommended: {advice.model}",
        hint=f"run: {advice.run_to_install}" if advice.run_to_install else None,
    )


def streamed(spec: LoadSpec, named: str | None, chosen: Chosen) -> LoadSpec:
    """Return how to run Voxtral; raise ``ProviderError`` where its model is not known."""
    directory = voxtral_directory(chosen, named)
    if directory is None:
        raise ProviderError(
            f"provider '{spec.provider}' does not know where its model is",
            hint="run voxtral.c's download_model.sh, then name the directory: --voxtral-model",
        )
    program = voxtral_program(chosen)
    if program is not None and program.exists():
        program = program.absolute()  # a name alone would be looked for on the PATH
    model = VOXTRAL_MODEL if (directory / VOXTRAL_WEIGHTS).is_file() else str(directory)
    return replace(spec, model=model, path=str(directory), program=str(program or ""))


def voxtral_program(chosen: Chosen) -> Path | None:
    """Return the program of voxtral.c that was named, if any."""
    program: Path | None = chosen["voxtral_binary"]
    return program


def require_provider(name: str, chosen: Chosen) -> None:
    """Raise ``ProviderError`` for a provider that cannot run here, with what would help.

    A program that was named need not be where others are looked for.
    """
    streams = registry.get(name).info.model_format == STREAMED
    if not streams or voxtral_program(chosen) is None:
        registry.require(name)


def voxtral_directory(chosen: Chosen, named: str | None) -> Path | None:
    """Return the directory of Voxtral's model, whether or not there is one."""
    if named not in (None, VOXTRAL_MODEL):
        return Path(str(named)).expanduser()
    found: Path | None = chosen["voxtral_model"]
    return found


def refuse_too_slow(spec: LoadSpec) -> None:
    """Raise ``ProviderError`` where a provider cannot keep up with speech on the device."""
    able = registry.get(spec.provider).info.live_devices
    if able is None or kind_of(spec.device) in able:
        return
    raise ProviderError(
        f"provider '{spec.provider}' cannot keep up with speech on {spec.device}: it needs "
        + " or ".join(able),
        hint="use it for recordings (echocli transcribe), or leave --provider out",
    )


def refuse_ignored(spec: LoadSpec, options: DecodeOptions) -> None:
    """Raise ``UsageError`` for options that the provider would go without."""
    if ignored := registry.get(spec.provider).ignored(options):
        raise UsageError(
            f"provider '{spec.provider}' cannot do {', '.join(ignored)}",
            hint="leave it out, or choose --provider faster-whisper",
        )


def with_model(spec: LoadSpec, found: Found, environment: Environment) -> LoadSpec:
    """Return how to load another model in the same way.

    A conversion goes by the digest of the weights it was made from: those are what can be pinned.
    """
    known = _identity(found, environment)
    record = read_record(found.path)
    made_from = record.made_from if record is not None and record.is_conversion else None
    return replace(
        spec,
        model=found.name,
        path=str(found.path),
        revision=known.revision,
        sha256=made_from or known.sha256,
    )


_known: dict[tuple[Found, Path], identity.Identity] = {}


def _identity(found: Found, environment: Environment) -> identity.Identity:
    """Return the same answer for as long as the program runs: a spec is also a key."""
    key = (found, environment.data_dir)
    if key not in _known:
        _known[key] = identity.identity(found, environment)
    return _known[key]
