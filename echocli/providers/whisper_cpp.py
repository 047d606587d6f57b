"""Whisper on whisper.cpp: GGML weights, also on the GPUs of Macs.

Each slot has a state of its own on the same weights; more than two become threads of these two. A
window is one call of ``whisper_full`` at the window's own length, without whisper.cpp's own
windows, thresholds and temperatures: which windows there are, whether a text is trusted and how it
is decoded again is decided by the caller.
"""

from __future__ import annotations

import os
import queue
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar

from echocli.environment import Environment
from echocli.errors import ModelError
from echocli.providers.base import (
    EDGE,
    DecodeOptions,
    Hypothesis,
    LoadReport,
    LoadSpec,
    Piece,
    Provider,
    ProviderInfo,
    Window,
)
from echocli.providers.whisper_cpp_hearing import Heard, Hearing
from echocli.providers.whisper_cpp_library import Library, TokenData
from echocli.providers.whisper_cpp_limits import unsupported
from echocli.providers.whisper_cpp_model import Model, State, Tokens
from echocli.providers.whisper_cpp_text import Vocabulary
from echocli.providers.whisper_cpp_words import GuessedToken, timed_words
from echocli.providers.whisper_tokens import SAMPLES_PER_TIMESTAMP, TokenPiece, split_pieces

if TYPE_CHECKING:
    from echocli.models.ggml_header import Header

_USES_GPU = re.compile(r"whisper_backend_init_gpu: using .+ backend")
_GPU_FAILED = re.compile(r"whisper_backend_init_gpu: failed")

_DEFAULT_THREADS = 4
"""Threads that whisper.cpp uses at most where nobody says how many."""

MOST_STATES = 2
"""Windows side by side at most: each state takes 80 to 100 MB at work (base)."""


class WhisperCpp(Provider):
    """Decode windows with whisper.cpp."""

    info: ClassVar[ProviderInfo] = ProviderInfo(
        name="whisper-cpp",
        summary="Whisper on whisper.cpp: little memory, and the GPUs of Macs",
        module="_pywhispercpp",
        install="pip install pywhispercpp==1.5.1",
        devices=("cpu", "metal", "cuda"),
        model_format="ggml",
        word_timestamps=True,
        prompt_may_crash=True,
    )

    def __init__(self, spec: LoadSpec) -> None:
        super().__init__(_within_memory(spec))
        self._model: Model | None = None
        self._hearing: Hearing | None = None
        self._states: queue.SimpleQueue[State] = queue.SimpleQueue()

    @classmethod
    def ignored(cls, options: DecodeOptions) -> list[str]:
        """Return what whisper.cpp has no way to do."""
        return unsupported(options)

    def _load(self) -> LoadReport:
        start = time.perf_counter()
        with ExitStack() as until_loaded:
            path = self._file(until_loaded)
            header = self._header(path)
            converted = time.perf_counter()
            library = Library()
            imported = time.perf_counter()
            self._model = Model(library, path, self.spec.model, self._gpu)
        self._hearing = Hearing(
            self._model, Vocabulary(self._model.bytes_of, self._model.tokens.end)
        )
        for _ in range(self.spec.slots):
            self._states.put(State(self._model, self._threads))
        loaded = time.perf_counter()
        device, notices = self._device(library)
        return LoadReport(
            phases_ms={
                "convert": (converted - start) * 1000,
                "import": (imported - converted) * 1000,
                "weights": (loaded - imported) * 1000,
            },
            multilingual=self._model.multilingual,
            device=device,
            compute_type=header.quantisation,
            notices=notices,
        )

    @property
    def _gpu(self) -> int | None:
        """Number of the GPU to use; ``None`` for the processor."""
        device, _, index = self.spec.device.partition(":")
        return None if device == "cpu" else int(index or 0)

    @property
    def _threads(self) -> int:
        whole = min(os.cpu_count() or 1, _DEFAULT_THREADS)
        return self.spec.threads or max(1, whole // self.spec.slots)

    def _file(self, until_loaded: ExitStack) -> Path:
        """Return the GGML file, which is made if there is only a directory of CTranslate2.

        Where the store cannot be written, as in many a container, it is made anew each time.
        """
        path = Path(self.spec.path)
        if not path.is_dir():
            return path
        try:
            return self._converted(path, Environment().data_dir / "models")
        except ModelError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            folder = TemporaryDirectory(prefix="echocli-", ignore_cleanup_errors=True)
            return self._converted(path, Path(until_loaded.enter_context(folder)))

    def _converted(self, path: Path, store: Path) -> Path:
        from echocli.models.converted import QUANTISATIONS, ggml_of
        from echocli.models.ggml_header import NEAREST

        wanted = NEAREST.get(self.spec.compute_type, self.spec.compute_type)
        return ggml_of(
            path,
            self.spec.model,
            store,
            quantisation=wanted if wanted in QUANTISATIONS else "float16",
            revision=self.spec.revision,
        )

    def _header(self, path: Path) -> Header:
        """Return what the file is; whisper.cpp would abort the process for some that are not."""
        from echocli.models.ggml_header import read_header

        return read_header(path)

    def _device(self, library: Library) -> tuple[str, tuple[str, ...]]:
        """Return where it decodes, and what to say about it: whisper.cpp tells only its log."""
        if self._gpu is None:
            return "cpu", ()
        log = "\n".join(library.log)
        if _USES_GPU.search(log) and not _GPU_FAILED.search(log):
            return self.spec.device, ()
        return "cpu", ("whisper.cpp found no GPU that it can use: decoding on the processor",)

    def _decode(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        assert self._hearing is not None
        found: list[Hypothesis] = []
        for window in batch:
            with self._state() as state:
                heard = self._hearing.hear(state, window, options)
            found.append(self._hypothesis(window, heard, options))
        return found

    @contextmanager
    def _state(self) -> Iterator[State]:
        """Lend a state to one window."""
        state = self._states.get()
        try:
            yield state
        finally:
            state.rest()
            self._states.put(state)

    def _hypothesis(self, window: Window, heard: Heard, options: DecodeOptions) -> Hypothesis:
        length = len(window.samples)
        known = self._loaded.tokens
        ids = [token.id for token in heard.tokens]
        split = split_pieces(ids, known.first_timestamp, known.end, length)
        return Hypothesis(
            window_id=window.id,
            pieces=self._pieces(split, heard, length, options),
            # A last word cut short is no reason to listen to the rest again.
            consumed=split[-1].end if split else length,
            avg_logprob=_mean([token.logprob for token in heard.tokens]),
            no_speech_prob=heard.no_speech,
            temperature=window.temperature,
            evidence=heard.evidence,
            language=heard.language,
            language_probability=heard.language_probability,
        )

    @property
    def _loaded(self) -> Model:
        assert self._model is not None
        return self._model

    def _pieces(
        self, split: Sequence[TokenPiece], heard: Heard, length: int, options: DecodeOptions
    ) -> tuple[Piece, ...]:
        known = self._loaded.tokens
        text = (token for token in _guessed(heard.tokens, known) if token.id < known.end)
        out: list[Piece] = []
        for part in split:
            own = [next(text) for token in part.tokens if token < known.end]
            timed = options.word_timestamps and part.start < length - EDGE
            out.append(self._piece(part, own if timed else None, heard.language))
        return tuple(out)

    def _piece(
        self, split: TokenPiece, tokens: Sequence[GuessedToken] | None, language: str | None
    ) -> Piece:
        vocabulary = self._vocabulary
        text = vocabulary.decode(split.tokens)
        if tokens is None:
            return Piece(split.start, split.end, text, split.tokens)
        words = timed_words(tokens, vocabulary.bytes_of, language, split.start, split.end)
        return Piece(words[0].start, words[-1].end, text, split.tokens, words)

    @property
    def _vocabulary(self) -> Vocabulary:
        assert self._hearing is not None
        return self._hearing.vocabulary

    def _unload(self) -> None:
        while not self._states.empty():
            self._states.get().close()
        if self._model is not None:
            self._model.close()
            self._model = self._hearing = None


def _within_memory(spec: LoadSpec) -> LoadSpec:
    """Return fewer slots with more threads where there would be too many."""
    slots = min(spec.slots, MOST_STATES)
    return replace(spec, slots=slots, threads=spec.threads * spec.slots // slots)


def _guessed(tokens: Sequence[TokenData], known: Tokens) -> Iterator[GuessedToken]:
    """Yield tokens with their ends, which whisper.cpp tells with the token behind each."""
    for token, following in zip_longest(tokens, tokens[1:]):
        stamp = following.timestamp - known.first_timestamp if following is not None else -1
        end = stamp * SAMPLES_PER_TIMESTAMP if stamp >= 0 else None
        yield GuessedToken(token.id, end, token.probability)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
