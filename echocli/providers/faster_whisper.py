"""Whisper on CTranslate2: the weights, tokenizer and features of faster-whisper.

The encoder sees each window at its own length, the decoder windows of like length together. Which
windows there are, whether a text is trusted and how it is decoded again is decided by the caller.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from echocli.errors import EchoError, ModelError, OutOfMemory, ProviderError, UsageError
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
from echocli.providers.memory import is_full, windows_for
from echocli.providers.whisper_alignment import Aligner, mean_logprob
from echocli.providers.whisper_encoding import Encoder, frames_of
from echocli.providers.whisper_generation import (
    Generator,
    alike,
    average_logprob,
    beam_of,
    prompt,
)
from echocli.providers.whisper_tokens import TokenPiece, split_pieces

DOUBT = 0.2
"""No-speech probability from which a text is compared with what silence would give."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The library's model and what works on it."""

    model: Any
    encoder: Encoder
    generator: Generator


SWITCH = 0.8
"""Probability from which another language than that of the text before is believed."""


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
        self._parts: _Loaded | None = None
        self._tokenizers: dict[tuple[str | None, str], Any] = {}

    @property
    def _loaded(self) -> _Loaded:
        assert self._parts is not None
        return self._parts

    def _load(self) -> LoadReport:
        start = time.perf_counter()
        from faster_whisper import WhisperModel

        imported = time.perf_counter()
        model = self._open(WhisperModel)
        loaded = time.perf_counter()
        self._parts = _Loaded(model, Encoder(model), Generator(model, self.spec))
        if model.model.device == "cpu":
            weights = (Path(self.spec.path) / "model.bin").stat().st_size
            self.largest_batch = min(self.largest_batch, windows_for(weights))
        return LoadReport(
            phases_ms={
                "import": (imported - start) * 1000,
                "weights": (loaded - imported) * 1000,
            },
            multilingual=bool(model.model.is_multilingual),
            device=str(model.model.device),
            compute_type=str(model.model.compute_type),
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
            raise self._why_not_open(error) from error

    def _why_not_open(self, error: Exception) -> EchoError:
        if is_full(error):
            return self._no_room(error)
        if "CUDA" in str(error):
            return ProviderError(
                f"faster-whisper cannot use the GPU: {error}", hint="use --device cpu"
            )
        return ModelError(
            f"model '{self.spec.model}' could not be loaded from {self.spec.path}: {error}",
            hint="the file may be damaged; install the model again",
        )

    def _no_room(self, error: Exception) -> OutOfMemory:
        return OutOfMemory(
            f"{self.spec.device} has no room left: {error}", hint="try a smaller --model"
        )

    def _batches(
        self, windows: Sequence[Window], options: DecodeOptions
    ) -> Sequence[Sequence[Window]]:
        """Put windows of like length together, enough batches for all slots.

        CTranslate2 wants prompts of a batch laid out alike; what else is in a batch does not change
        a window's text.
        """
        size = min(max(1, -(-len(windows) // self.spec.slots)), self.largest_batch)
        alike: dict[object, list[Window]] = {}
        for window in windows:
            alike.setdefault(self._layout(window, options), []).append(window)
        batches = [
            group[at : at + size] for group in alike.values() for at in range(0, len(group), size)
        ]
        return sorted(batches, key=_work, reverse=True)

    def _layout(self, window: Window, options: DecodeOptions) -> object:
        alone = window.id if window.temperature > 0 or not self._loaded.encoder.joinable else None
        beam = beam_of(window, options, options.language)
        return frames_of(window), len(window.previous), beam, alone

    def _decode(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        try:
            return self._decode_alike(batch, options)
        except (RuntimeError, MemoryError) as error:
            if is_full(error):
                raise self._no_room(error) from error
            raise

    def _decode_alike(self, batch: Sequence[Window], options: DecodeOptions) -> list[Hypothesis]:
        """Encode each window at its own length, then decode them together."""
        loaded = self._loaded
        encoded = loaded.encoder.encode(batch)
        languages = [
            self._language(sound, window, options)
            for sound, window in zip(encoded, batch, strict=True)
        ]
        tokenizers = [self._tokenizer(language, options) for language, _ in languages]
        prompts = [
            prompt(tokenizer, window, options)
            for tokenizer, window in zip(tokenizers, batch, strict=True)
        ]
        beams = [beam_of(one, options, its[0]) for one, its in zip(batch, languages, strict=True)]
        results: list[Any] = [None] * len(batch)
        for beam, own in alike(beams):
            found = loaded.generator.generate(
                loaded.encoder.join([encoded[index] for index in own]),
                tokenizers[own[0]],
                [prompts[index] for index in own],
                replace(batch[own[0]], beam_size=beam),
                options,
            )
            for index, result in zip(own, found, strict=True):
                results[index] = result
        return [
            self._hypothesis(window, sound, tokenizer, result, language, options)
            for window, sound, tokenizer, result, language in zip(
                batch, encoded, tokenizers, results, languages, strict=True
            )
        ]

    def _hypothesis(
        self,
        window: Window,
        encoded: Any,
        tokenizer: Any,
        result: Any,
        language: tuple[str | None, float],
        options: DecodeOptions,
    ) -> Hypothesis:
        length = len(window.samples)
        split = split_pieces(
            result.sequences_ids[0], tokenizer.timestamp_begin, tokenizer.eot, length
        )
        pieces = _plain_pieces(split, tokenizer)
        inside = sum(piece.start < length - EDGE for piece in split)
        if options.word_timestamps and inside:
            # Alignment would move what is stamped into the silence behind back into the sound.
            view = self._loaded.encoder.join([encoded])
            aligned = Aligner(self._loaded.model, tokenizer, view).align(split[:inside], length)
            pieces = (*aligned, *pieces[inside:])
        return Hypothesis(
            window_id=window.id,
            pieces=pieces,
            consumed=pieces[-1].end if pieces else length,
            avg_logprob=average_logprob(result, options.length_penalty),
            no_speech_prob=float(result.no_speech_prob),
            temperature=window.temperature,
            evidence=self._evidence(encoded, tokenizer, result),
            language=language[0],
            language_probability=language[1],
        )

    def _language(
        self, encoded: Any, window: Window, options: DecodeOptions
    ) -> tuple[str | None, float]:
        if not self._loaded.model.model.is_multilingual:
            return "en", 1.0
        if options.language is not None:
            return options.language, 1.0
        token, probability = self._loaded.model.model.detect_language(
            self._loaded.encoder.join([encoded])
        )[0][0]
        if window.language is not None and probability < SWITCH:
            return window.language, 1.0
        return token[2:-2], float(probability)

    def _tokenizer(self, language: str | None, options: DecodeOptions) -> Any:
        key = (language, str(options.task))
        if key not in self._tokenizers:
            from faster_whisper.tokenizer import Tokenizer

            multilingual = self._loaded.model.model.is_multilingual
            try:
                self._tokenizers[key] = Tokenizer(
                    self._loaded.model.hf_tokenizer,
                    multilingual,
                    task=str(options.task),
                    language=language,
                )
            except ValueError as error:
                raise UsageError(f"unknown language '{language}'") from error
            if language is not None and multilingual and self._tokenizers[key].language is None:
                raise UsageError(f"model '{self.spec.model}' does not know '{language}'")
        return self._tokenizers[key]

    def _evidence(self, encoded: Any, tokenizer: Any, result: Any) -> float | None:
        """Compare the text's probability with this sound and with silence, where there is doubt."""
        text = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        if not text or result.no_speech_prob <= DOUBT:
            return None
        silence = self._loaded.encoder.silence(2 * encoded.shape[1])
        heard, invented = (
            mean_logprob(
                self._loaded.model.model, tokenizer, self._loaded.encoder.join([sound]), text
            )
            for sound in (encoded, silence)
        )
        return heard - invented

    def _unload(self) -> None:
        self._tokenizers.clear()
        self._parts = None


def _work(batch: Sequence[Window]) -> int:
    return sum(len(window.samples) for window in batch)


def _plain_pieces(split: Sequence[TokenPiece], tokenizer: Any) -> tuple[Piece, ...]:
    return tuple(
        Piece(piece.start, piece.end, tokenizer.decode(list(piece.tokens)), piece.tokens)
        for piece in split
    )
