"""Look settings up by precedence, and remember where each value comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echocli.config.file import NAME, ConfigFile, load
from echocli.config.keys import KEYS
from echocli.config.values import PATH, TOKENS, shown, spelled
from echocli.config.variables import ALIASES, PROFILE, variable
from echocli.environment import Environment
from echocli.errors import UsageError

FLAG = "flag"
"""Source of what the command line said."""

RECOMMENDATION = "recommendation"
"""Source of what suits the machine."""

DEFAULT = "default"
"""Source of a value about which nobody said anything."""

PROGRAM = "program"
"""Source of a value that code gave."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from.

    The source is :data:`FLAG`, ``env ECHOCLI_MODEL``, ``profile meeting``, ``config PATH``,
    :data:`RECOMMENDATION` or :data:`DEFAULT`.
    """

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says about a setting, as it is written there."""

    key: str
    value: Any
    source: str
    file: ConfigFile | None = None
    """Where it is written, with the type it has there; flags and variables are text."""
    profile: str | None = None
    """The table of the file it is in."""

    @property
    def line(self) -> int | None:
        """Where in the file it is, if that is known."""
        return self.file.line(self.key, self.profile) if self.file else None

    @property
    def written(self) -> str:
        """How the value is spelled there."""
        return spelled(self.value) if self.file else f"'{self.value}'"

    def read(self) -> Setting:
        """Return the value; raise ``UsageError`` naming the source of one that makes no sense."""
        kind = KEYS[self.key].kind
        if self._takes_back:
            return Setting(KEYS[self.key].default, DEFAULT)
        try:
            if self.file is not None and type(self.value) not in kind.types:
                raise ValueError
            return Setting(kind.convert(self.value), self.source)
        except ValueError as error:
            name = called(self.key, FLAG) if self.source == FLAG else self.key
            hint = str(error) or f"{name} takes {kind.says}"
            raise UsageError(f"{self._where()}: {self.written} cannot be used", hint=hint) from None

    @property
    def _takes_back(self) -> bool:
        """Whether it leaves a setting as if nobody had said anything.

        That is the empty text, which is a value of ``suppress_tokens`` only; ``-`` for a path, of
        which an empty one is the working directory.
        """
        kind = KEYS[self.key].kind
        if self.source not in (FLAG, PROGRAM):
            return False
        return str(self.value) == "-" if kind is PATH else self.value == "" and kind is not TOKENS

    def _where(self) -> str:
        file = f" of {self.file.path}" if self.file and self.profile else ""
        line = f", line {self.line}" if self.line else ""
        return f"{called(self.key, self.source)}{file}{line}"


def called(key: str, source: str) -> str:
    """Return how a complaint calls a setting: as it was given."""
    return f"--{key.replace('_', '-')}" if source == FLAG else f"{key} from {source}"


class Chosen(Mapping[str, Any]):
    """Every setting by name, as it was chosen; its value remembers where it comes from."""

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self._settings = dict(settings)

    def __getitem__(self, name: str) -> Any:
        """Return the value of a setting."""
        return self._settings[name].value

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._settings)

    def __len__(self) -> int:
        """Return how many settings there are."""
        return len(self._settings)

    def setting(self, name: str) -> Setting:
        """Return a value with its source."""
        return self._settings[name]

    def given(self, name: str) -> bool:
        """Tell whether somebody said something about it."""
        return self._settings[name].source != DEFAULT

    def named(self, name: str) -> str:
        """Return how a complaint calls a setting: as it was given, with its source."""
        return called(name, self._settings[name].source)

    @contextmanager
    def naming(self, name: str) -> Iterator[None]:
        """Have complaints of the block name a setting as it was given, not by its option."""
        option = called(name, FLAG)
        try:
            yield
        except UsageError as error:
            text = str(error).replace(option, self.named(name))
            raise UsageError(text, hint=error.hint) from error

    def wishing(self, wishes: Mapping[str, object]) -> Chosen:
        """Return the same with what a program says now; raise ``UsageError`` for what is wrong."""
        return self.but(**{name: Said(name, wishes[name], PROGRAM).read().value for name in wishes})

    def but(self, **values: Any) -> Chosen:
        """Return the same with other values, as if somebody had said them."""
        changed = {
            name: Setting(value, self._settings[name].source if self.given(name) else PROGRAM)
            for name, value in values.items()
        }
        return Chosen({**self._settings, **changed})


class Settings:
    """Look settings up: flag, environment, profile, file, and what is handed in as the default.

    ``config_path`` is a file that must exist; without it ``config.toml`` in the platform's config
    directory is read if there is one. ``profile`` is a table of that file; without it the one that
    ``ECHOCLI_PROFILE`` names counts, if it names one. ``source`` is that of flags:
    :data:`PROGRAM` where code gives them. Raises ``UsageError`` for a file that cannot be used and
    for a profile that is not there.
    """

    def __init__(
        self,
        env: Environment,
        config_path: Path | None = None,
        *,
        profile: str | None = None,
        source: str = FLAG,
    ) -> None:
        self._env = env
        self._flags = source
        self.file: ConfigFile = load(config_path or path(env), required=config_path is not None)
        """The config file."""
        named = env.environ.get(PROFILE)
        self.profile: str | None = profile if profile is not None else named or None
        """The profile that counts."""
        by = PROFILE if profile is None else called("profile", source)
        self._profile: Mapping[str, Any] = (
            {} if self.profile is None else self.file.profile(self.profile, by)
        )

    def said(self, key: str, flag: object = None) -> Iterator[Said]:
        """Yield what is said about a setting, the source that wins first."""
        if flag is not None and flag not in ([], ()):
            yield Said(key, flag, self._flags)
        for name in (variable(key), ALIASES.get(key, "")):
            if value := self._env.environ.get(name):
                yield Said(key, value, f"env {name}")
        if key in self._profile:
            source = f"profile {self.profile}"
            yield Said(key, self._profile[key], source, self.file, self.profile)
        if key in self.file.values:
            yield Said(key, self.file.values[key], f"config {self.file.path}", self.file)

    def get(
        self, key: str, flag: object = None, default: object = None, source: str = DEFAULT
    ) -> Setting:
        """Return a setting; ``flag`` is what the command line said, ``None`` if nothing.

        ``default`` and ``source`` (:data:`RECOMMENDATION` or :data:`DEFAULT`) stand where nobody
        said anything. Raises ``UsageError`` naming the source of a value that makes no sense.
        """
        said = next(self.said(key, flag), None)
        return Setting(default, source) if said is None else said.read()

    def choose(self, flags: Mapping[str, object]) -> Chosen:
        """Return every setting; ``flags`` are what the command line said, ``None`` for nothing.

        What is in ``flags`` and is no setting is passed over.
        """
        return Chosen(
            {name: self.get(name, flags.get(name), key.default) for name, key in KEYS.items()}
        )


def chosen_of(values: Mapping[str, object]) -> Chosen:
    """Return every setting: what a program says, else the default; nothing else is read."""
    return Chosen(
        {
            name: Said(name, values[name], PROGRAM).read()
            if name in values
            else Setting(key.default, DEFAULT)
            for name, key in KEYS.items()
        }
    )


def path(env: Environment) -> Path:
    """Return where the config file is, or would be."""
    return env.config_dir / NAME


def describe(chosen: Chosen, leave_out: Collection[str] = ()) -> list[str]:
    """Return a line for each setting that somebody said something about, with its source."""
    return [
        f"{name}: {shown(chosen[name])} [{chosen.setting(name).source}]"
        for name in chosen
        if name not in leave_out and chosen.given(name)
    ]
