"""A program that behaves as voxtral.c does with ``--stdin``, and misbehaves as it is told.

``voxtral_standin.py SCRIPT -d DIR --stdin -I SECS``. It hears words in sound made by
:func:`spoken`: a steady level of ``n * STEP`` is the n-th word of the script, said where it ends.
The script is a JSON object; every key is optional::

    {
      "words": ["one", "two"],
      "load_ms": 0, "never_loads": false, "refuses": "message",
      "interval_ms": 0,            time the work on each interval takes
      "halves": true,              writes characters in pieces
      "piece_ms": 0,               time between them
      "silent": true,              hears nothing
      "keeps": 1,                  words kept back until the input ends
      "crashes": [second, times],  dies when it has heard so much, in so many of its runs
      "hangs": [second, times],    or stops reading
      "stays": true,               does not end
      "resets": 160                second of sound at which the decoder swallows the next 4 s
    }

Each run leaves a line in ``SCRIPT.log`` when it starts, and one when it ends or falls.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

RATE = 16_000
STEP = 300
DELAY = RATE * 480 // 1000
FIRST = RATE * 560 // 1000
SHORTEST = RATE // 10
PADDING = 17 * 1280
BLOCK_BYTES = 8192
THREADS = "OPENBLAS_NUM_THREADS"
SWALLOWED = 4 * RATE


def spoken(*numbers: int, gap: float = 0.1, last: float = 0.2) -> list[float]:
    """Return sound of words, 0.4 s each, with pauses between them and silence at the end."""
    sound: list[float] = []
    for number in numbers:
        sound += [number * STEP / 32768] * (RATE * 2 // 5) + [0.0] * round(gap * RATE)
    return sound + [0.0] * round((last - gap) * RATE)


class Standin:
    """The program."""

    def __init__(self, path: Path, interval: float) -> None:
        self.script: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        self.log_path = path.with_suffix(".log")
        self.run = self.log(
            "start", interval=interval, arguments=sys.argv[2:], threads=os.environ.get(THREADS)
        )
        self.interval = round(interval * RATE)
        self.heard = 0
        self.worked = 0
        self.level = self.since = 0
        self.waiting: list[tuple[int, str]] = []
        self.begun = False

    def log(self, what: str, **facts: object) -> int:
        """Write a line; return how many runs there have been."""
        with self.log_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "pid": os.getpid(), **facts}) + "\n")
        return self.log_path.read_text(encoding="utf-8").count('"start"')

    def load(self) -> int:
        """Load the model; return the exit status where that fails."""
        print("Loading weights...", file=sys.stderr, flush=True)
        time.sleep(self.script.get("load_ms", 0) / 1000)
        if self.script.get("never_loads"):
            time.sleep(3600)
        if message := self.script.get("refuses"):
            print(f"vox_load: {message}", file=sys.stderr)
            return 1
        print("Model loaded.", file=sys.stderr, flush=True)
        return 0

    def listen(self, stdin: BinaryIO) -> None:
        """Take the header, then blocks, and work on each before the next is taken."""
        if stdin.read(4) == b"RIFF":
            raise SystemExit("this is no raw sound")
        while data := stdin.read(BLOCK_BYTES):
            self.hear(struct.unpack(f"<{len(data) // 2}h", data))
            self.fall("crashes", lambda: os._exit(9))
            self.fall("hangs", lambda: time.sleep(3600))
            if self.heard >= FIRST and self.heard - self.worked >= self.interval:
                self.work(self.heard - DELAY)

    def hear(self, block: Sequence[int]) -> None:
        """Find the words whose sound ends in a block."""
        if not self.level and not any(block):
            self.heard += len(block)
            return
        for value in block:
            if value != self.level:
                self.note()
                self.level, self.since = value, self.heard
            self.heard += 1

    def note(self) -> None:
        """Take the sound that ends here for a word if it is one."""
        words = self.script.get("words", [])
        number, rest = divmod(self.level, STEP)
        if self.heard - self.since >= SHORTEST and not rest and 1 <= number <= len(words):
            self.waiting.append((self.heard, words[number - 1]))

    def fall(self, key: str, how: Any) -> None:
        """Fall where and as often as the script says."""
        second, times = self.script.get(key, (0, 0))
        if self.run <= times and self.heard >= second * RATE:
            self.log(key, heard=self.heard / RATE)
            how()

    def work(self, reached: int) -> None:
        """Say what is due."""
        time.sleep(self.script.get("interval_ms", 0) / 1000)
        self.worked = self.heard
        due = [one for one in self.waiting if one[0] <= reached]
        kept = self.script.get("keeps", 0)
        due = due[: max(0, len(self.waiting) - kept)]
        self.waiting = self.waiting[len(due) :]
        self.say(due)

    def say(self, due: Sequence[tuple[int, str]]) -> None:
        """Write words, in one go for an interval; without a space before the very first."""
        reset = self.script.get("resets", 1e9) * RATE
        words = [word for at, word in due if not reset <= at < reset + SWALLOWED]
        if not words or self.script.get("silent"):
            return
        text = " ".join(words) if not self.begun else "".join(f" {word}" for word in words)
        self.begun = True
        data = text.encode()
        pieces = [data[at : at + 1] for at in range(len(data))] if self.script.get("halves") else []
        for piece in pieces or [data]:
            os.write(1, piece)
            time.sleep(self.script.get("piece_ms", 0) / 1000)

    def finish(self) -> None:
        """Say the rest and a newline, then end, or not."""
        self.script["keeps"] = 0
        self.work(self.heard + PADDING)
        os.write(1, b"\n")
        self.log("end", heard=self.heard / RATE)
        if self.script.get("stays"):
            time.sleep(3600)


def main() -> int:
    """Run as the arguments and the script say."""
    directory = Path(sys.argv[sys.argv.index("-d") + 1])
    standin = Standin(Path(sys.argv[1]), float(sys.argv[sys.argv.index("-I") + 1]))
    if not (directory / "consolidated.safetensors").exists() or "--stdin" not in sys.argv:
        print(f"Failed to load model from {directory}", file=sys.stderr)
        return 1
    if status := standin.load():
        return status
    standin.listen(sys.stdin.buffer)
    standin.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
