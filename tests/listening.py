"""``python -m tests.listening DEVICE...``: capture, print each item as JSON, end with stdin.

One device is called ``mic``; several are called by their own names.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from dataclasses import asdict
from queue import SimpleQueue

from echocli.audio.capture import Captured, Item, Over
from echocli.audio.microphone import Microphone
from echocli.clock import SystemClock


def line(name: str, item: Item) -> str:
    """Return an item as JSON; samples as base64 of little-endian float32."""
    facts = {"name": name, "item": type(item).__name__}
    if isinstance(item, Captured):
        data = base64.b64encode(item.samples.tobytes()).decode()
        return json.dumps({**facts, "samples": len(item.samples), "time": item.time, "data": data})
    if isinstance(item, Over):
        return json.dumps({**facts, "error": item.error and repr(item.error)})
    return json.dumps({**facts, **asdict(item)})


def main(devices: list[str]) -> None:
    """Capture until standard input ends."""
    items: SimpleQueue[tuple[str, Item]] = SimpleQueue()
    names = devices if len(devices) > 1 else ["mic"]
    wanted: list[str | None] = [*devices] or [None]
    found = [
        Microphone(device, name=name, clock=SystemClock())
        for device, name in zip(wanted, names, strict=True)
    ]
    for microphone in found:
        microphone.start(lambda item, name=microphone.name: items.put((name, item)))  # type: ignore[misc]
    threading.Thread(target=stop_with_stdin, args=(found,), daemon=True).start()
    over = 0
    while over < len(found):
        name, item = items.get()
        print(line(name, item), flush=True)
        over += isinstance(item, Over)


def stop_with_stdin(microphones: list[Microphone]) -> None:
    """Wait for the end of standard input, then stop."""
    sys.stdin.read()
    for microphone in microphones:
        microphone.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
