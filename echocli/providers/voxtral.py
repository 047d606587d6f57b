"""Voxtral Realtime 4B through the program voxtral of antirez/voxtral.c, which runs beside us.

It hears one stream and writes while it hears; windows are cut out of that stream by
:mod:`.voxtral_ear`. Its text has no probabilities; its times are those of the sound that went in.
Beam, temperature, prompts and the language it does not know of. It needs 8.9 GB for the weights.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from echocli.errors import ProviderError, TranscriptionError
from echocli.providers.base import (
    Availability,
    DecodeOptions,
    Hypothesis,
    LoadReport,
    LoadSpec,
    Provider,
    ProviderInfo,
    Window,
)
from echocli.providers.voxtral_setup import INSTALL, doctor, find_program
from echocli.types import Task

if TYPE_CHECKING:
    from echocli.providers.voxtral_process import Limits, Process

ATTEMPTS = 3
"""Times a window is given to a program before it is left to whoever asked."""

INTERVALS = (0.5, 2.0)
"""Bounds of the seconds the program works on at once: below them it wastes most of its time, above
them text comes late (README of voxtral.c)."""


STALL_ON_CPU = 120.0
"""Seconds the program may work at once there: with BLAS it takes 335 ms for each token of 80 ms and
8 s to encode 3.6 s (README of voxtral.c), an RTF of 6.4, and that on a fast machine."""


class Voxtral(Provider):
    """Decode with a running program; windows one after the other, whatever the slots."""

    info: ClassVar[ProviderInfo] = ProviderInfo(
        name="voxtral",
        summary="Voxtral Realtime 4B through voxtral.c, for machines with 16 GB and a GPU",
        module="echocli",
        install=INSTALL,
        devices=("metal", "cuda", "cpu"),
        model_format="voxtral",
        word_timestamps=True,
        native_streaming=True,
        experimental=True,
        live_devices=("metal", "cuda"),
        expected_rtf=20.0,
    )

    def __init__(self, spec: LoadSpec, limits: Limits | None = None) -> None:
        from echocli.providers.voxtral_ear import Ear
        from echocli.providers.voxtral_process import Limits

        super().__init__(spec)
        slow = Limits(stall=STALL_ON_CPU) if spec.device == "cpu" else Limits()
        self._limits = limits or slow
        self._ear = Ear(self._start)
        self._one_at_a_time = threading.Lock()

    @classmethod
    def is_available(cls) -> Availability:
        """Tell whether the program is there; weights are looked for when they are loaded."""
        if sys.platform == "win32":
            return Availability(False, "voxtral.c runs on macOS and Linux")
        missing = () if find_program() else doctor("", "")
        if missing:
            return Availability(False, missing[0].what, missing[0].step)
        return Availability(True)

    def _load(self) -> LoadReport:
        from echocli.providers.voxtral_process import Fallen

        missing = doctor(self.spec.program, self.spec.path)
        if missing:
            what = "; ".join(one.what for one in missing)
            raise ProviderError(f"voxtral cannot run: {what}", hint=missing[0].step)
        begun = time.perf_counter()
        try:
            self._ear.open()
        except Fallen as error:
            self._ear.drop()
            raise ProviderError(
                f"voxtral did not load {self.spec.path}: {error}",
                hint=f"try by hand: {find_program(self.spec.program)} -d {self.spec.path} -i F.wav",
            ) from error
        phases = {"model": (time.perf_counter() - begun) * 1000}
        return LoadReport(
            phases, multilingual=True, device=self.spec.device, compute_type="bfloat16"
        )

    def _decode(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        if options.task is Task.TRANSLATE:
            raise ProviderError(
                "voxtral writes what is said and cannot translate",
                hint="--provider faster-whisper translates",
            )
        with self._one_at_a_time:
            if options.chunk_seconds is not None:
                least, most = INTERVALS
                self._ear.interval = min(max(options.chunk_seconds, least), most)
            return [self._hear(window) for window in batch]

    def _hear(self, window: Window) -> Hypothesis:
        """Hear a window, in a fresh program where one falls: all of its sound is here."""
        from echocli.providers.voxtral_process import Fallen
        from echocli.providers.voxtral_stream import pcm

        sound = pcm(window.samples)
        for attempt in range(ATTEMPTS):
            try:
                passage = self._ear.listen(window.start, sound, more=window.goes_on)
                break
            except Fallen as error:
                self._ear.drop()
                if attempt + 1 == ATTEMPTS:
                    raise TranscriptionError(str(error)) from error
        length = len(window.samples)
        pieces = passage.pieces(length)
        return Hypothesis(window.id, pieces, length, no_speech_prob=0.0 if pieces else 1.0)

    def programs(self) -> Sequence[int]:
        """Return the process id of the program: the weights are in its memory."""
        return () if self._ear.pid is None else (self._ear.pid,)

    def _unload(self) -> None:
        self._ear.close()

    def _start(self, interval: float) -> Process:
        from echocli.providers.voxtral_process import Fallen, Process

        program = find_program(self.spec.program)
        if program is None:
            raise Fallen("the program voxtral is not there any more")
        command = [program, "-d", self.spec.path, "--stdin", "-I", f"{interval:g}"]
        try:
            return Process(command, self._limits, threads=self.spec.slots * self.spec.threads)
        except OSError as error:  # no memory or no descriptors: perhaps later
            raise Fallen(f"voxtral cannot be started: {error}") from error
