"""A loaded GGML model and the states that work on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from echocli.errors import ModelError, OutOfMemory, TranscriptionError
from echocli.providers.memory import is_full
from echocli.providers.whisper_cpp_library import Library, TokenData
from echocli.types import Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Logits: TypeAlias = "NDArray[np.float32]"

_NO_CACHE = -7
"""``whisper_full`` had no room for the decoder's keys and values, and has freed the state."""

_DISTILLED = 2
"""Layers of the decoder of distil-whisper."""

_VERSION_3 = 51_866
"""Tokens of large-v3 and what was made of it."""

KEYS_GRID = 256
"""Positions of the encoder's output to which flash attention rounds up (``GGML_PAD``).

whisper.cpp 1.8 leaves in the positions beyond the window what was there before: keys of other
windows, which then are attended to. A length on this grid has none; for all others the state must
be new, whose positions are zero.
"""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Ids of a model's special tokens."""

    sot: int
    end: int
    first_timestamp: int
    no_timestamps: int
    no_speech: int
    previous: int
    """Comes before text of earlier windows."""
    first_language: int
    languages: int
    """How many languages there are."""
    transcribe: int
    translate: int


class Model:
    """The weights of one GGML file, shared by all states on them."""

    def __init__(self, library: Library, path: Path, name: str, gpu: int | None) -> None:
        self.library = library
        self._open = self._context(path, name, gpu)
        self.room = threading.Lock()
        """Held by the one state that has several decoders."""
        self.multilingual = bool(library.c.whisper_is_multilingual(self._open))
        self.tokens = self._special()
        self.vocabulary = int(library.c.whisper_n_vocab(self._open))
        layers = int(library.c.whisper_model_n_text_layer(self._open))
        self.timestamps = layers != _DISTILLED or self.vocabulary == _VERSION_3
        """Whether it is asked for times; whisper.cpp knows distilled models that have none."""

    @property
    def context(self) -> int:
        """What whisper.cpp knows the model by."""
        assert self._open is not None
        return self._open

    def bytes_of(self, token: int) -> bytes:
        """Return what a token stands for; a character may take several."""
        text: bytes = self.library.c.whisper_token_to_str(self.context, token)
        return text

    def close(self) -> None:
        """Free the weights; no state may be left on them."""
        if self._open is not None:
            self.library.c.whisper_free(self._open)
            self._open = None

    def _context(self, path: Path, name: str, gpu: int | None) -> int | None:
        binding = self.library.binding
        wanted = binding.whisper_context_default_params()
        wanted.use_gpu = gpu is not None
        wanted.gpu_device = gpu or 0
        # Half the memory and a tenth less time, on a processor too.
        wanted.flash_attn = True
        block = self.library.model_block(wanted)
        found: int | None = self.library.c.whisper_init_from_file_with_params_no_state(
            str(path).encode(), block
        )
        if found is None:
            raise self._refusal(f"model '{name}' could not be loaded from {path}")
        return found

    def _refusal(self, what: str) -> ModelError | OutOfMemory:
        why = "; ".join(list(self.library.log)[-2:])
        if is_full(RuntimeError(why)):
            return OutOfMemory(f"{what}: {why}", hint="try a smaller --model")
        return ModelError(f"{what}: {why}", hint="the file may be damaged; install it again")

    def _special(self) -> Tokens:
        c, context = self.library.c, self.context
        first = int(c.whisper_token_lang(context, 0))
        translate = int(c.whisper_token_translate(context))
        return Tokens(
            sot=int(c.whisper_token_sot(context)),
            end=int(c.whisper_token_eot(context)),
            first_timestamp=int(c.whisper_token_beg(context)),
            no_timestamps=int(c.whisper_token_not(context)),
            no_speech=int(c.whisper_token_nosp(context)),
            previous=int(c.whisper_token_prev(context)),
            first_language=first,
            # The token behind the languages is that of the first task.
            languages=min(translate, int(c.whisper_token_transcribe(context))) - first,
            transcribe=int(c.whisper_token_transcribe(context)),
            translate=translate,
        )


class State:
    """One window at work: its sound, what the decoder keeps of it, its random generator.

    The generator is seeded when a state is made; beam search draws from it too. A new state takes
    15 to 25 ms, and gives the memory of the old one back.
    """

    def __init__(self, model: Model, threads: int) -> None:
        self.model = model
        self._threads = threads
        self._c = model.library.c
        self._handle: int | None = None
        self._used = False
        self._large = False
        """Whether it holds the room there is for several decoders."""
        self._renew()

    def full(self, parameters: Any, samples: Samples, *, draws: bool) -> list[TokenData]:
        """Decode one window, whatever was decoded before; ``draws`` says that chance takes part.

        What draws has several decoders, whose keys and values need more memory than the window:
        the states of a model do that one after the other, each until :meth:`rest`.

        Raises ``OutOfMemory``, and ``TranscriptionError`` for what whisper.cpp cannot do.
        """
        if draws and not self._large:
            self._large = self.model.room.acquire()
        if self._used and (draws or parameters.audio_ctx % KEYS_GRID):
            self._renew()
        self._used = True
        parameters.n_threads = self._threads
        block = self.model.library.block(parameters)
        code = self._c.whisper_full_with_state(
            self.model.context, self._state, block, samples.ctypes.data, len(samples)
        )
        if code == _NO_CACHE:
            self._handle = None
            raise OutOfMemory("no room for the beams", hint="use fewer beams")
        self._expect(code == 0, f"whisper.cpp could not decode (error {code})")
        return self._tokens()

    def logits(self, tokens: list[int], past: int) -> Logits:
        """Let the decoder read tokens after the first ``past``; what it expects next."""
        import numpy as np

        ids = np.asarray(tokens, np.int32)
        code = self._c.whisper_decode_with_state(
            self.model.context, self._state, ids.ctypes.data, len(ids), past, self._threads
        )
        self._expect(code == 0, "whisper.cpp could not decode")
        size = self.model.vocabulary
        rows = self._c.whisper_get_logits_from_state(self._state)
        found: Logits = np.ctypeslib.as_array(rows, (len(ids) * size,))[-size:].copy()
        return found

    def listen(self, samples: Samples) -> None:
        """Encode other sound, at the length of the window before."""
        c, threads = self._c, self._threads
        context, state = self.model.context, self._state
        code = c.whisper_pcm_to_mel_with_state(
            context, state, samples.ctypes.data, len(samples), threads
        ) or c.whisper_encode_with_state(context, state, 0, threads)
        self._expect(code == 0, "whisper.cpp could not encode")

    def rest(self) -> None:
        """Give back what several decoders took; to be called after each window."""
        if self._large:
            self.close()
            self._large = False
            self.model.room.release()

    def close(self) -> None:
        """Let go of its memory."""
        if self._handle is not None:
            self._c.whisper_free_state(self._handle)
            self._handle = None

    @property
    def _state(self) -> int:
        if self._handle is None:
            self._renew()
        assert self._handle is not None
        return self._handle

    def _renew(self) -> None:
        self.close()
        self._handle = self._c.whisper_init_state(self.model.context)
        self._used = False
        if self._handle is None:
            raise OutOfMemory("no room to decode in", hint="try a smaller --model")

    def _tokens(self) -> list[TokenData]:
        c, state = self._c, self._state
        return [
            c.whisper_full_get_token_data_from_state(state, segment, place)
            for segment in range(c.whisper_full_n_segments_from_state(state))
            for place in range(c.whisper_full_n_tokens_from_state(state, segment))
        ]

    def _expect(self, went_well: bool, what: str) -> None:
        if not went_well:
            raise TranscriptionError(f"{what}: {' '.join(list(self.model.library.log)[-1:])}")
