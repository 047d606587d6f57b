"""Whisper on CTranslate2: the weights, tokenizer and features of faster-whisper.

One window is one call of the encoder and one of the decoder; which window comes next, whether its
text is trusted and at which temperature it is decoded again is decided by the caller.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

from echocli.errors import ModelError, ProviderError, UsageError
from echocli.providers.base import (
    DecodeOptions,
    Hypothesis,
    LoadReport,
    LoadSpec,
    Piece,
    Provider,
    ProviderInfo,
    Window,
)
from echocli.providers.whisper_alignment import FRAME_SAMPLES, Aligner, mean_logprob
from echocli.providers.whisper_tokens import TokenPieces, split_pieces
from echocli.types import Samples

MAX_CONTEXT = 223
"""Tokens of previous text the decoder takes: 448 // 2 - 1 (openai/whisper, ``sample_len``)."""

MAX_INITIAL_TIMESTAMP = 50
"""First timestamp at most 1.0 s, in steps of 20 ms (openai/whisper's default)."""

FRAMES = 3000
"""Mel frames of a full 30 s window."""

DOUBT = 0.3
"""No-speech probability from which a text is compared with what silence would give."""


class FasterWhisper(Provider):
    """Decode windows with faster-whisper's model on CPU or CUDA."""

    info: ClassVar[ProviderInfo] = ProviderInfo(
        name="faster-whisper",
        summary="Whisper on CTranslate2: the fastest on CPUs and NVIDIA GPUs",
        module="faster_whisper",
        install="pip install faster-whisper",
        devices=("cpu", "cuda"),
        model_format="ct2",
        word_timestamps=True,
    )

    def __init__(self, spec: LoadSpec) -> None:
        super().__init__(spec)
        self._model: Any = None
        self._tokenizers: dict[tuple[str | None, str], Any] = {}
        self._encoded: OrderedDict[int, Any] = OrderedDict()
        self._sampling = threading.Lock()

    def _load(self) -> LoadReport:
        start = time.perf_counter()
        from faster_whisper import WhisperModel

        imported = time.perf_counter()
        self._model = self._open(WhisperModel)
        loaded = time.perf_counter()
        return LoadReport(
            phases_ms={
                "import": (imported - start) * 1000,
                "weights": (loaded - imported) * 1000,
            },
            multilingual=bool(self._model.model.is_multilingual),
            device=str(self._model.model.device),
            compute_type=str(self._model.model.compute_type),
        )

    def _open(self, factory: Any) -> Any:
        device, _, index = self.spec.device.partition(":")
        # The tokenizer is required: without it the library would ask a hub for one.
        for name in ("model.bin", "config.json", "tokenizer.json"):
            if not (Path(self.spec.path) / name).is_file():
                raise ModelError(
                    f"model '{self.spec.model}' is not whole: {self.spec.path} has no {name}",
                    hint="install the model again",
                )
        try:
            return factory(
                self.spec.path,
                device=device,
                device_index=int(index or 0),
                compute_type=self.spec.compute_type,
                cpu_threads=self.spec.threads,
                num_workers=self.spec.slots,
                local_files_only=True,
            )
        except ValueError as error:
            raise ProviderError(f"faster-whisper refused the settings: {error}") from error
        except Exception as error:  # tokenizers raises plain Exception for a damaged file
            if "CUDA" in str(error):
                raise ProviderError(
                    f"faster-whisper cannot use the GPU: {error}", hint="use --device cpu"
                ) from error
            raise ModelError(
                f"model '{self.spec.model}' could not be loaded from {self.spec.path}: {error}",
                hint="the file may be damaged; install the model again",
            ) from error

    def _decode(self, window: Window, options: DecodeOptions) -> Hypothesis:
        encoded = self._encode(window)
        language, probability = self._language(encoded, options)
        tokenizer = self._tokenizer(language, options)
        result = self._generate(encoded, tokenizer, window, options)
        tokens = result.sequences_ids[0]
        split = split_pieces(tokens, tokenizer.timestamp_begin, len(window.samples))
        consumed, pieces = split.consumed, _plain_pieces(split, tokenizer)
        if options.word_timestamps:
            aligned = Aligner(self._model, tokenizer, encoded).align(split, len(window.samples))
            consumed, pieces = aligned.consumed, aligned.pieces
        return Hypothesis(
            window_id=window.id,
            pieces=pieces,
            consumed=consumed,
            avg_logprob=_average_logprob(result, options.length_penalty),
            no_speech_prob=float(result.no_speech_prob),
            temperature=window.temperature,
            evidence=self._evidence(encoded, tokenizer, result, len(window.samples)),
            language=language,
            language_probability=probability,
        )

    def _encode(self, window: Window) -> Any:
        """Encode a window padded to 30 s; kept for a while, since a guard may ask again."""
        if (cached := self._encoded.get(window.id)) is not None:
            return cached
        from faster_whisper.audio import pad_or_trim

        frames = -(-len(window.samples) // FRAME_SAMPLES)
        features = self._model.feature_extractor(window.samples)[:, :frames]
        encoded = self._model.encode(pad_or_trim(features, FRAMES))
        self._encoded[window.id] = encoded
        while len(self._encoded) > 2 * self.spec.slots:
            self._encoded.popitem(last=False)
        return encoded

    def _language(self, encoded: Any, options: DecodeOptions) -> tuple[str | None, float]:
        if not self._model.model.is_multilingual:
            return "en", 1.0
        if options.language is not None:
            return options.language, 1.0
        token, probability = self._model.model.detect_language(encoded)[0][0]
        return token[2:-2], float(probability)

    def _tokenizer(self, language: str | None, options: DecodeOptions) -> Any:
        key = (language, str(options.task))
        if key not in self._tokenizers:
            from faster_whisper.tokenizer import Tokenizer

            try:
                self._tokenizers[key] = Tokenizer(
                    self._model.hf_tokenizer,
                    self._model.model.is_multilingual,
                    task=str(options.task),
                    language=language,
                )
            except ValueError as error:
                raise UsageError(f"unknown language '{language}'") from error
        return self._tokenizers[key]

    def _generate(
        self, encoded: Any, tokenizer: Any, window: Window, options: DecodeOptions
    ) -> Any:
        from faster_whisper.transcribe import get_suppressed_tokens

        common = {
            "length_penalty": options.length_penalty,
            "repetition_penalty": options.repetition_penalty,
            "no_repeat_ngram_size": options.no_repeat_ngram_size,
            "max_length": self._model.max_length,
            "return_scores": True,
            "return_no_speech_prob": True,
            "suppress_blank": True,
            "suppress_tokens": get_suppressed_tokens(tokenizer, list(options.suppress_tokens)),
            "max_initial_timestamp_index": MAX_INITIAL_TIMESTAMP,
        }
        prompts = [_prompt(tokenizer, window, options)]
        try:
            if window.temperature == 0:
                return self._model.model.generate(
                    encoded,
                    prompts,
                    beam_size=options.beam_size,
                    patience=options.patience,
                    **common,
                )[0]
            return self._sample(encoded, prompts, window, options, common)
        except ValueError as error:
            # Trying again would not make the setting better.
            raise UsageError(f"faster-whisper refused a decoding option: {error}") from error

    def _sample(
        self,
        encoded: Any,
        prompts: list[list[int]],
        window: Window,
        options: DecodeOptions,
        common: dict[str, Any],
    ) -> Any:
        """Sample with a generator seeded by the window's position.

        CTranslate2 seeds its generator once in the life of a decoding thread (src/random.cc), so a
        repeatable draw needs a new thread, and that needs a new instance of the model. Sampling
        happens only when a guard has fired, a few times an hour.
        """
        import ctranslate2

        with self._sampling:
            ctranslate2.set_random_seed(window.start % 2**32)
            try:
                model = ctranslate2.models.Whisper(
                    self.spec.path,
                    device=self._model.model.device,
                    device_index=self._model.model.device_index,
                    compute_type=self.spec.compute_type,
                    intra_threads=self.spec.threads,
                )
            except RuntimeError:
                # No room for a second instance: a draw that cannot be repeated beats none.
                model = self._model.model
            return model.generate(
                encoded,
                prompts,
                beam_size=1,
                num_hypotheses=options.best_of,
                sampling_topk=0,
                sampling_temperature=window.temperature,
                **common,
            )[0]

    def _evidence(self, encoded: Any, tokenizer: Any, result: Any, length: int) -> float | None:
        """Compare the text's probability with this sound and with silence, where there is doubt."""
        text = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        if not text or result.no_speech_prob <= DOUBT:
            return None
        silence = self._encode(Window(-length, 0, _silence(length)))
        heard, invented = (
            mean_logprob(self._model.model, tokenizer, sound, text) for sound in (encoded, silence)
        )
        return heard - invented

    def _unload(self) -> None:
        self._encoded.clear()
        self._tokenizers.clear()
        self._model = None


def _prompt(tokenizer: Any, window: Window, options: DecodeOptions) -> list[int]:
    """Build ``<|startofprev|> hotwords, initial prompt, previous text <|startoftranscript|> …``.

    What the user asked for stays; previous text gives way when all does not fit.
    """
    fixed: list[int] = []
    for text in (options.hotwords, options.initial_prompt):
        if text and text.strip():
            fixed += tokenizer.encode(" " + text.strip())
    fixed = fixed[:MAX_CONTEXT]
    room = MAX_CONTEXT - len(fixed)
    context = fixed + (list(window.previous[-room:]) if room else [])
    head = [tokenizer.sot_prev, *context] if context else []
    return [*head, *tokenizer.sot_sequence]


def _silence(length: int) -> Samples:
    import numpy as np

    return np.zeros(length, np.float32)


def _average_logprob(result: Any, length_penalty: float) -> float:
    """Undo the length penalty of CTranslate2's score; the +1 is the end token, as in Whisper."""
    length = len(result.sequences_ids[0])
    return float(result.scores[0] * length**length_penalty / (length + 1))


def _plain_pieces(split: TokenPieces, tokenizer: Any) -> tuple[Piece, ...]:
    return tuple(
        Piece(piece.start, piece.end, tokenizer.decode(list(piece.tokens)), piece.tokens)
        for piece in split.pieces
    )
