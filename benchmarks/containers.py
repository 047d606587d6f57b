"""How many entries every container has that can be reached from some objects."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sized
from queue import SimpleQueue
from typing import Any

import numpy as np

OURS = "echocli"
"""Only objects of this package are looked into."""

DEEPEST = 12


def sizes(roots: Mapping[str, object]) -> dict[str, int]:
    """Return the size of each list, queue, mapping, set and array by its path of attributes.

    Entries of one container share a path, and what lies there is added up. Every object counts
    once, where it is met first.
    """
    found: dict[str, int] = {}
    seen: set[int] = set()
    waiting: deque[tuple[str, object, int]] = deque((name, root, 0) for name, root in roots.items())
    while waiting:
        path, value, depth = waiting.popleft()
        if id(value) in seen or depth > DEEPEST or isinstance(value, str | bytes | int | float):
            continue
        seen.add(id(value))
        count = _size(value)
        if count is not None:
            found[path] = found.get(path, 0) + count
        waiting.extend((path + step, part, depth + 1) for step, part in _parts(value))
    return found


def _size(value: object) -> int | None:
    if isinstance(value, SimpleQueue):
        return value.qsize()
    kinds = (list, tuple, deque, dict, set, np.ndarray)
    return len(value) if isinstance(value, kinds) and isinstance(value, Sized) else None


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield what an object holds; entries of a container without a step of their own."""
    if isinstance(value, dict):
        yield from (("", entry) for entry in list(value.values()))
    elif isinstance(value, list | tuple | deque | set):
        yield from (("", entry) for entry in list(value))
    elif type(value).__module__.partition(".")[0] == OURS and not isinstance(
        value, threading.Thread
    ):
        yield from ((f".{name}", part) for name, part in _attributes(value))


def _attributes(value: object) -> Iterator[tuple[str, Any]]:
    yield from list(getattr(value, "__dict__", {}).items())
    for kind in type(value).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name != "__dict__" and hasattr(value, name):
                yield name, getattr(value, name)
