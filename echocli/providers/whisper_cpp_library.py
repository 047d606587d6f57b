"""whisper.cpp as a library: what pywhispercpp binds, and the states that it does not bind.

pywhispercpp knows one state a model. whisper.cpp itself can have several on the same weights, each
of which hears a window of its own and draws from a random generator of its own; only so can windows
be decoded side by side at one thread each (two threads of one window wait for each other at every
node of the graph, and on a busy machine mostly wait) and the same draw be repeated. Those functions
(include/whisper.h of whisper.cpp, all that end in ``_state``) are called in the very library that
pywhispercpp has loaded. Parameters are still set through pywhispercpp, whose setters know where a
field lies in this version, and are handed over as the block of memory they are.
"""

from __future__ import annotations

import ctypes
import logging
from collections import deque
from pathlib import Path
from typing import Any

from echocli.errors import ProviderError
from echocli.heap import give_back_from

_logger = logging.getLogger("echocli.whisper_cpp")

HINT = "install the version this was tested with: pip install pywhispercpp==1.5.1"

LAST_LINES = 60
"""Lines of the library's log that are kept: those of one load."""

_DEBUG = 1
"""``GGML_LOG_LEVEL_DEBUG`` of ggml.h: lines of this level show what is said."""

_LARGE = 2**20
"""Bytes from which on memory goes back to the system as soon as it is free. glibc would hold on to
what a state leaves: 100 MB with two slots after five beams."""

_Pointer = ctypes.c_void_p
_Int = ctypes.c_int


class TokenData(ctypes.Structure):
    """``whisper_token_data``: a token with its probabilities; times are in 10 ms."""

    _fields_ = (
        ("id", ctypes.c_int32),
        ("timestamp", ctypes.c_int32),
        ("probability", ctypes.c_float),
        ("logprob", ctypes.c_float),
        ("timestamp_probability", ctypes.c_float),
        ("timestamps_probability", ctypes.c_float),
        ("start", ctypes.c_int64),
        ("end", ctypes.c_int64),
        ("aligned", ctypes.c_int64),
        ("length", ctypes.c_float),
    )


class ModelBlock(ctypes.Structure):
    """``whisper_context_params``, 48 bytes in whisper.cpp 1.8, and room behind it."""

    _fields_ = (("words", ctypes.c_uint64 * 12),)


class DecodingBlock(ctypes.Structure):
    """``whisper_full_params``, 304 bytes in whisper.cpp 1.8, and what comes behind it.

    The calling conventions of x86-64 and AArch64 put a structure of this size into memory, where a
    longer one does no harm.
    """

    _fields_ = (("words", ctypes.c_uint64 * 56),)


MODEL_BYTES = 48
"""Bytes that are copied from pywhispercpp's parameters of a model."""

_LOG_CALLBACK = ctypes.CFUNCTYPE(None, _Int, ctypes.c_char_p, _Pointer)

_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "whisper_log_set": (None, _LOG_CALLBACK, _Pointer),
    "whisper_init_from_file_with_params_no_state": (_Pointer, ctypes.c_char_p, ModelBlock),
    "whisper_init_state": (_Pointer, _Pointer),
    "whisper_free": (None, _Pointer),
    "whisper_free_state": (None, _Pointer),
    "whisper_full_with_state": (_Int, _Pointer, _Pointer, DecodingBlock, _Pointer, _Int),
    "whisper_full_n_segments_from_state": (_Int, _Pointer),
    "whisper_full_n_tokens_from_state": (_Int, _Pointer, _Int),
    "whisper_full_get_token_data_from_state": (TokenData, _Pointer, _Int, _Int),
    "whisper_pcm_to_mel_with_state": (_Int, _Pointer, _Pointer, _Pointer, _Int, _Int),
    "whisper_encode_with_state": (_Int, _Pointer, _Pointer, _Int, _Int),
    "whisper_decode_with_state": (_Int, _Pointer, _Pointer, _Pointer, _Int, _Int, _Int),
    "whisper_get_logits_from_state": (ctypes.POINTER(ctypes.c_float), _Pointer),
    "whisper_token_to_str": (ctypes.c_char_p, _Pointer, _Int),
    "whisper_is_multilingual": (_Int, _Pointer),
    "whisper_lang_id": (_Int, ctypes.c_char_p),
    "whisper_lang_str": (ctypes.c_char_p, _Int),
    "whisper_n_vocab": (_Int, _Pointer),
    "whisper_model_n_text_layer": (_Int, _Pointer),
    "whisper_token_beg": (_Int, _Pointer),
    "whisper_token_eot": (_Int, _Pointer),
    "whisper_token_lang": (_Int, _Pointer, _Int),
    "whisper_token_nosp": (_Int, _Pointer),
    "whisper_token_not": (_Int, _Pointer),
    "whisper_token_prev": (_Int, _Pointer),
    "whisper_token_sot": (_Int, _Pointer),
    "whisper_token_transcribe": (_Int, _Pointer),
    "whisper_token_translate": (_Int, _Pointer),
}
"""Functions of whisper.h: what they return, and what they take."""


class Library:
    """whisper.cpp as it is loaded in this process; its log goes to the logger ``echocli``.

    Raises ``ProviderError`` where pywhispercpp cannot be imported or its whisper.cpp is not the one
    this module knows how to call.
    """

    def __init__(self) -> None:
        try:
            import _pywhispercpp as binding
        except ImportError as error:
            raise ProviderError(f"pywhispercpp cannot be imported: {error}", hint=HINT) from error
        self.binding: Any = binding
        self.c = _library_of(Path(binding.__file__))
        self.log: deque[str] = deque(maxlen=LAST_LINES)
        """Its last lines; nothing that was said is among them."""
        # Whatever whisper.cpp calls must live as long as the process.
        _callbacks.append(_LOG_CALLBACK(self._take_line))
        self.c.whisper_log_set(_callbacks[-1], None)
        self._check()
        give_back_from(_LARGE)

    def block(self, parameters: Any) -> DecodingBlock:
        """Return decoding parameters of pywhispercpp as whisper.cpp takes them.

        What they point to belongs to ``parameters``, which must outlive the call.
        """
        copy = DecodingBlock()
        ctypes.memmove(ctypes.byref(copy), _address(parameters), ctypes.sizeof(copy))
        return copy

    def model_block(self, parameters: Any) -> ModelBlock:
        """Return model parameters of pywhispercpp as whisper.cpp takes them."""
        copy = ModelBlock()
        ctypes.memmove(ctypes.byref(copy), _address(parameters), MODEL_BYTES)
        return copy

    def sampling(self, *, beams: bool) -> Any:
        """Return whisper.cpp's default parameters of a way to decode."""
        ways = self.binding.whisper_sampling_strategy
        way = ways.WHISPER_SAMPLING_BEAM_SEARCH if beams else ways.WHISPER_SAMPLING_GREEDY
        return self.binding.whisper_full_default_params(way)

    def _take_line(self, level: int, text: bytes, _data: object) -> None:
        line = text.decode("utf-8", errors="replace").strip()
        if level > _DEBUG and line:
            self.log.append(line)
            _logger.debug("%s", line)

    def _check(self) -> None:
        """Refuse a pywhispercpp whose parameters do not lie where they are looked for."""
        parameters = self.sampling(beams=False)
        parameters.n_threads, parameters.n_max_text_ctx = 0x1234567, 0x7654321
        head = memoryview(self.block(parameters)).cast("B").cast("i")
        if (head[1], head[2]) != (parameters.n_threads, parameters.n_max_text_ctx):
            raise ProviderError("this version of pywhispercpp is not known", hint=HINT)


_callbacks: list[Any] = []


def _address(parameters: Any) -> int:
    """Return where the C++ object of a pybind11 instance lies.

    Its address is the first word behind Python's own header (``instance`` of pybind11's
    detail/common.h).
    """
    word = _Pointer.from_address(id(parameters) + object.__basicsize__)
    return word.value or 0


def _library_of(extension: Path) -> Any:
    """Return the loaded library with its functions declared."""
    # The loader finds them through the extension, which is linked to the library; Windows does not.
    beside = [*extension.parent.glob("*whisper*.dll"), *extension.parent.glob("*/whisper*.dll")]
    for path in (extension, *beside):
        library = ctypes.CDLL(str(path))
        if hasattr(library, "whisper_full_with_state"):
            break
    try:
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise ProviderError(f"pywhispercpp lacks a function: {error}", hint=HINT) from error
    return library
