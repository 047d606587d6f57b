"""A provider driven by a script file: texts, delays, crashes, hangs, full memory on demand.

It serves demonstrations and tests of everything that happens around a provider. The script is a
JSON object; every key is optional::

    {
      "load_ms": 0,                  time loading takes
      "load_error": "out of memory", loading fails with this
      "multilingual": false,
      "texts": ["one", "two"],       text of window 0, 1, … (by order of first sight), repeated
      "delay_ms": 0,                 time each decode takes
      "consumed": null,              seconds of the window its text accounts for (null: all)
      "steps": {"3": "crash"},
      "room": {"cuda": 0, "cpu": 2}, windows at once that a device has memory for (absent: any)
      "no_room_to_load": ["cuda"]    devices without memory for the model
    }

A step fires on the n-th decode of this run, counted over restarts in ``<script>.state``: ``crash``
(SIGKILL), ``exit``, ``hang``, ``error`` (the provider raises), ``full`` (memory runs out) or
``silence``. A run is what one parent process does. ``"crash_on": "text"`` kills the worker each
time the window whose turn has that text is decoded, ``"crash_on_prompt": true`` each time there is
a prompt. With ``room``, windows are decoded in batches; the batches that were too large are listed
in ``<script>.state``.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from echocli.errors import ModelError, OutOfMemory
from echocli.providers.base import (
    Availability,
    DecodeOptions,
    Hypothesis,
    LoadReport,
    LoadSpec,
    Piece,
    Provider,
    ProviderInfo,
    Window,
)
from echocli.types import to_samples

REMEMBERED = 256
"""Windows whose turn is kept, in case they come again."""


class Scripted(Provider):
    """Play a script instead of listening."""

    info: ClassVar[ProviderInfo] = ProviderInfo(
        name="scripted",
        summary="plays a script file; for tests and demonstrations",
        module="echocli",
        install="",
        model_format="none",
        prompt_may_crash=True,
    )

    def __init__(self, spec: LoadSpec) -> None:
        super().__init__(spec)
        self._script: dict[str, Any] = {}
        self._state = Path(spec.path + ".state")
        self._counting = threading.Lock()

    @classmethod
    def is_available(cls) -> Availability:
        """Return that it is here: it needs nothing."""
        return Availability(True)

    def _load(self) -> LoadReport:
        try:
            self._script = json.loads(Path(self.spec.path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"the script {self.spec.path} cannot be read: {error}",
                hint="--provider scripted wants --model SCRIPT.json",
            ) from error
        if not isinstance(self._script, dict):
            raise ModelError(f"the script {self.spec.path} is no JSON object")
        time.sleep(self._script.get("load_ms", 0) / 1000)
        if message := self._script.get("load_error"):
            raise ModelError(message)
        if self.spec.device in self._script.get("no_room_to_load", []):
            raise OutOfMemory(f"the script says that {self.spec.device} has no room for the model")
        return LoadReport(
            multilingual=bool(self._script.get("multilingual")),
            device=self.spec.device,
            compute_type=self.spec.compute_type,
        )

    def _batches(
        self, windows: Sequence[Window], options: DecodeOptions
    ) -> Sequence[Sequence[Window]]:
        if "room" not in self._script:
            return super()._batches(windows, options)
        size = self.largest_batch
        return [windows[at : at + size] for at in range(0, len(windows), size)]

    def _decode(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        self._fit(len(batch))
        return [self._play(window, options) for window in batch]

    def _fit(self, windows: int) -> None:
        room = self._script.get("room", {}).get(self.spec.device)
        if room is None or windows <= room:
            return
        with self._counting:
            state = self._counted()
            state["too_large"].append(windows)
            self._keep(state)
        raise OutOfMemory(f"the script says that {self.spec.device} has no room for {windows}")

    def _play(self, window: Window, options: DecodeOptions) -> Hypothesis:
        count, turn = self._count(window)
        texts = self._script.get("texts", [""])
        text = texts[turn % len(texts)]
        time.sleep(self._script.get("delay_ms", 0) / 1000)
        action = self._script.get("steps", {}).get(str(count), "")
        if text and text == self._script.get("crash_on"):
            action = "crash"
        prompt = options.initial_prompt or options.hotwords or window.previous
        if prompt and self._script.get("crash_on_prompt"):
            action = "crash"
        if action == "silence":
            text = ""
        self._act(action)
        length = len(window.samples)
        secs = self._script.get("consumed")
        consumed = length if secs is None else min(to_samples(secs), length)
        pieces = (Piece(0, consumed, text),) if text else ()
        language = options.language or window.language or "en"
        silent = 0.0 if text else 1.0
        return Hypothesis(
            window.id,
            pieces,
            consumed,
            no_speech_prob=silent,
            avg_logprob=-2 * silent,
            language=language,
        )

    def _count(self, window: Window) -> tuple[int, int]:
        """Count decodes and give each window its turn; both survive a restart of the worker."""
        with self._counting:
            state = self._counted()
            state["count"] += 1
            turns = state["turns"]
            if (turn := turns.pop(str(window.id), None)) is None:
                turn, state["seen"] = state["seen"], state["seen"] + 1
            turns[str(window.id)] = turn
            state["turns"] = dict(list(turns.items())[-REMEMBERED:])
            self._keep(state)
            return state["count"], turn

    def _keep(self, state: dict[str, Any]) -> None:
        """Write the counts whole or not at all: another slot may kill this process meanwhile."""
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(state), encoding="utf-8")
        fresh.replace(self._state)

    def _counted(self) -> dict[str, Any]:
        """Return the counts of this run, or fresh ones where the file is another run's."""
        run = os.getppid()
        if self._state.exists():
            state: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
            if state["run"] == run:
                return state
        return {"run": run, "count": 0, "seen": 0, "turns": {}, "too_large": []}

    def _act(self, action: str) -> None:
        if action == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "exit":
            os._exit(3)
        elif action == "hang":
            time.sleep(3600)
        elif action == "error":
            raise RuntimeError("the script says that decoding fails")
        elif action == "full":
            raise OutOfMemory("the script says that memory runs out")

    def _unload(self) -> None:
        self._script = {}
