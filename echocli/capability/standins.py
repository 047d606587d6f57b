"""Which other models can stand in for one: smaller ones under load, the next one after a failure.

Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from echocli.models import catalog
from echocli.models.store import Found
from echocli.providers.base import LoadSpec


def smaller(spec: LoadSpec, installed: Collection[Found], *, english: bool) -> tuple[LoadSpec, ...]:
    """Return how to load the installed models of a smaller size, the next one first.

    ``english`` says that English is all that is written, so that models that know nothing else may
    stand in, and of two of one size are preferred. Nobody knows the size of a model that is not in
    the catalogue: it has none. Revision and digest of what is returned are not filled in.
    """
    model = catalog.known(spec.model)
    if model is None:
        return ()
    rank = model.rank
    here = {found.name: found for found in installed}
    rows = [(known, here[name]) for name in here if (known := catalog.known(name))]
    fitting = [
        (known, found)
        for known, found in rows
        if known.rank < rank and (english or not known.english_only)
    ]
    best = {}
    for known, found in sorted(fitting, key=lambda row: (row[0].english_only, row[0].parameters)):
        best[known.rank] = found
    return tuple(
        replace(spec, model=best[rank].name, path=str(best[rank].path), revision=None, sha256=None)
        for rank in sorted(best, reverse=True)
    )


def is_faster(spec: LoadSpec, than: LoadSpec) -> bool:
    """Predict whether a model is faster than another: a smaller one with the same library is."""
    one, other = catalog.known(spec.model), catalog.known(than.model)
    same = (spec.provider, spec.device) == (than.provider, than.device)
    if one is None or other is None:
        return False
    return same and one.parameters < other.parameters
