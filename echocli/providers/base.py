"""The contract between the program and an inference library.

A provider describes itself (:class:`ProviderInfo`), says whether it could run without importing its
library, and then serves ``load`` → ``decode`` … → ``unload`` inside a worker process. An adapter
writes ``_load``, ``_decode`` and ``_unload``; timing, counting and spreading windows over slots is
done here, once.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import ClassVar

from echocli.errors import OutOfMemory
from echocli.types import SAMPLE_RATE, Samples, Task

EDGE = SAMPLE_RATE // 20
"""Samples before the end of a window from which on a text lies in the silence behind it."""

MOST_WINDOWS = 8
"""Windows in a batch on a processor: more save little time and delay the text."""

MOST_ON_ACCELERATOR = 32
"""Windows in a batch elsewhere: a GPU is busy only with many."""


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """What a provider is and can do."""

    name: str
    summary: str
    module: str
    """Top-level module of the library; looked for, never imported, to tell availability."""
    install: str
    """Command that installs the library."""
    devices: tuple[str, ...] = ("cpu",)
    model_format: str = "ct2"
    """Format of the weights it reads: ``ct2``, ``ggml`` or ``none``."""
    word_timestamps: bool = False
    native_streaming: bool = False
    prompt_may_crash: bool = False
    """Whether text given before the first word is known to end the process at times."""
    experimental: bool = False
    """Never chosen unless it was asked for."""
    live_devices: tuple[str, ...] | None = None
    """Devices on which it keeps up with speech; ``None``: all of :attr:`devices`."""
    expected_rtf: float = 0.5
    """RTF that its slowest device may need: requests have time for it until one is measured."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a provider could run here, and if not, why and what to do."""

    available: bool
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """Everything a worker needs to load one model."""

    provider: str
    model: str
    """Name shown to people, such as ``tiny.en``."""
    path: str
    """Directory or file of the weights; for ``scripted`` the script."""
    device: str = "cpu"
    compute_type: str = "int8"
    slots: int = 1
    """Windows decoded side by side."""
    threads: int = 1
    """Threads of each slot; 0 lets the library choose."""
    program: str = ""
    """Executable that the provider runs, where it runs one; empty: looked for on the PATH."""
    revision: str | None = None
    """Of the weights, as far as it is known."""
    sha256: str | None = None
    """Of the file of weights: as computed here, else as its source says it must be."""


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to decode; the same for every window of a request."""

    language: str | None = None
    """Language code; ``None`` asks the model (multilingual models only)."""
    task: Task = Task.TRANSCRIBE
    beam_size: int = 1
    foreign_beam_size: int | None = None
    """Beams in other languages than English; ``None``: the same."""
    best_of: int = 5
    """Candidates sampled when the window's temperature is above zero."""
    patience: float = 1.0
    """Beam search patience, factor of arXiv:2204.05424."""
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    initial_prompt: str | None = None
    hotwords: str | None = None
    suppress_tokens: tuple[int, ...] = (-1,)
    """Token ids never written; -1 stands for the model's list of non-speech symbols."""
    word_timestamps: bool = True
    """Align words with the sound, which also tells how far the text really reaches."""
    chunk_seconds: float | None = None
    """Interval at which open speech is decoded; what streams by itself may go by it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of sound the model sees at once, at most 30 s.

    ``start`` is its position in the input in samples; it also seeds sampling, so that the same file
    gives the same text twice. ``previous`` holds token ids of the text before it, of the same
    vocabulary; the parent owns them.
    """

    id: int
    start: int
    samples: Samples
    previous: tuple[int, ...] = ()
    temperature: float = 0.0
    tail: int | None = None
    """Samples of silence the model hears behind the sound at least; ``None``: up to 30 s."""
    language: str | None = None
    """Language of this window where the options leave it open."""
    beam_size: int | None = None
    """Beam of this window instead of that of the options."""
    goes_on: bool = False
    """Whether more of it will come: what is shown of speech that is not over."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word with sample positions relative to its window."""

    start: int
    end: int
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A timed bit of a hypothesis; positions are samples relative to the window."""

    start: int
    end: int
    text: str
    tokens: tuple[int, ...] = ()
    words: tuple[TimedWord, ...] | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the model heard in one window.

    ``consumed`` is the number of samples the text accounts for.
    """

    window_id: int
    pieces: tuple[Piece, ...]
    consumed: int
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0
    temperature: float = 0.0
    evidence: float | None = None
    """How much likelier the text is with this sound than with silence, in nats a token; only where
    the provider had a doubt."""
    language: str | None = None
    language_probability: float = 1.0
    decode_ms: float = 0.0

    @property
    def text(self) -> str:
        """All pieces joined as the model wrote them."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What loading gave: times per phase in milliseconds, and facts about the model."""

    phases_ms: Mapping[str, float] = field(default_factory=dict)
    multilingual: bool = False
    device: str = "cpu"
    compute_type: str = ""
    notices: tuple[str, ...] = ()
    largest_batch: int = MOST_WINDOWS
    """Windows that go through the model together at most."""


class Provider(ABC):
    """Serve one model to one worker process."""

    info: ClassVar[ProviderInfo]

    def __init__(self, spec: LoadSpec) -> None:
        self.spec = spec
        self.largest_batch = MOST_WINDOWS if spec.device == "cpu" else MOST_ON_ACCELERATOR
        """Windows that go through the model together at most; falls where memory is short."""
        self._pool: ThreadPoolExecutor | None = None

    @classmethod
    def is_available(cls) -> Availability:
        """Tell whether the library is installed, without importing it."""
        if find_spec(cls.info.module) is not None:
            return Availability(True)
        return Availability(False, f"{cls.info.module} is not installed", cls.info.install)

    @classmethod
    def ignored(cls, options: DecodeOptions) -> list[str]:
        """Return the options it would go without, as they are written on the command line."""
        del options
        return []

    def load(self) -> LoadReport:
        """Load the model; raise ``ProviderError`` or ``ModelError`` if that cannot work.

        ``OutOfMemory`` says that it might on another device.
        """
        try:
            report = self._load()
        except MemoryError as error:
            raise _no_room(error) from error
        if self.spec.slots > 1:
            self._pool = ThreadPoolExecutor(self.spec.slots, thread_name_prefix="slot")
        return replace(report, largest_batch=self.largest_batch)

    def decode(self, windows: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        """Decode windows, side by side where there are slots; results are in their order."""
        batches = self._batches(windows, options)

        def run(batch: Sequence[Window]) -> list[Hypothesis]:
            return self._timed(batch, options)

        done = map(run, batches) if self._pool is None else self._pool.map(run, batches)
        found = {hypothesis.window_id: hypothesis for group in done for hypothesis in group}
        return [found[window.id] for window in windows]

    def programs(self) -> Sequence[int]:
        """Return the process ids of the programs it runs: their memory counts too."""
        return ()

    def unload(self) -> None:
        """Let go of the model; calling it twice is harmless."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self._unload()

    def _timed(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        start = time.perf_counter()
        found = self._smaller_if_full(batch, options)
        each = (time.perf_counter() - start) * 1000 / len(batch)
        return [replace(hypothesis, decode_ms=each) for hypothesis in found]

    def _smaller_if_full(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        """Decode a batch; halve it while memory does not suffice."""
        try:
            return self._decode(batch, options)
        except OutOfMemory:
            if len(batch) == 1:
                raise
        except MemoryError as error:
            if len(batch) == 1:
                raise _no_room(error) from error
        half = len(batch) // 2
        self.largest_batch = max(1, min(self.largest_batch, half))
        parts = (batch[:half], batch[half:])
        return [found for part in parts for found in self._smaller_if_full(part, options)]

    def _batches(
        self, windows: Sequence[Window], options: DecodeOptions
    ) -> Sequence[Sequence[Window]]:
        """Return which windows go through the model together; one by one unless overridden."""
        del options
        return [[window] for window in windows]

    @abstractmethod
    def _load(self) -> LoadReport:
        """Load the model; raise ``OutOfMemory`` where the device has no room for it."""

    @abstractmethod
    def _decode(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        """Decode windows together; raise ``OutOfMemory`` where fewer of them would fit."""

    @abstractmethod
    def _unload(self) -> None: ...


def _no_room(error: MemoryError) -> OutOfMemory:
    return OutOfMemory(f"MemoryError: {error}" if str(error) else "MemoryError")
