"""From encoded sound to tokens: the prompt, beam search, and sampling that can be repeated."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from echocli.errors import UsageError
from echocli.providers.base import DecodeOptions, LoadSpec, Window

MAX_CONTEXT = 223
"""Tokens of previous text the decoder takes: 448 // 2 - 1 (openai/whisper, ``sample_len``)."""

MAX_INITIAL_TIMESTAMP = 50
"""First timestamp at most 1.0 s, in steps of 20 ms (openai/whisper's default)."""


class Generator:
    """Let faster-whisper's model write the tokens of windows that are laid out alike."""

    def __init__(self, model: Any, spec: LoadSpec) -> None:
        self._model = model
        self._spec = spec
        self._sampling = threading.Lock()

    def generate(
        self,
        encoded: Any,
        tokenizer: Any,
        prompts: list[list[int]],
        window: Window,
        options: DecodeOptions,
    ) -> list[Any]:
        """Decode windows together; ``window`` stands for what they have in common."""
        common = self._common(tokenizer, options)
        try:
            if window.temperature > 0:
                return [self._sample(encoded, prompts, window, options, common)]
            beam = window.beam_size or options.beam_size
            found: list[Any] = self._model.model.generate(
                encoded, prompts, beam_size=beam, patience=options.patience, **common
            )
        except ValueError as error:
            # Trying again would not make the setting better.
            raise UsageError(f"faster-whisper refused a decoding option: {error}") from error
        return found

    def _common(self, tokenizer: Any, options: DecodeOptions) -> dict[str, Any]:
        from faster_whisper.transcribe import get_suppressed_tokens

        return {
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
            return self._second().generate(
                encoded,
                prompts,
                beam_size=1,
                num_hypotheses=options.best_of,
                sampling_topk=0,
                sampling_temperature=window.temperature,
                **common,
            )[0]

    def _second(self) -> Any:
        """Load the model once more, or return the one there is.

        Where a second has no room, a draw that cannot be repeated beats none.
        """
        import ctranslate2

        try:
            return ctranslate2.models.Whisper(
                self._spec.path,
                device=self._model.model.device,
                device_index=self._model.model.device_index,
                compute_type=self._spec.compute_type,
                intra_threads=self._spec.threads,
            )
        except (RuntimeError, MemoryError):
            return self._model.model


def prompt(tokenizer: Any, window: Window, options: DecodeOptions) -> list[int]:
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


def average_logprob(result: Any, length_penalty: float) -> float:
    """Undo the length penalty of CTranslate2's score; the +1 is the end token, as in Whisper."""
    length = len(result.sequences_ids[0])
    return float(result.scores[0] * length**length_penalty / (length + 1))


def beam_of(window: Window, options: DecodeOptions, language: str | None) -> int:
    """Return the beams of a window; they pay more in other languages than English."""
    foreign = language not in (None, "en") and options.foreign_beam_size
    return window.beam_size or foreign or options.beam_size


def alike(beams: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Return each number of beams with the places it is at: CTranslate2 takes one a call."""
    return [
        (beam, [place for place, wanted in enumerate(beams) if wanted == beam])
        for beam in dict.fromkeys(beams)
    ]
