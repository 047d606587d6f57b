"""What whisper.cpp hears in one window: its tokens, the language, and whether there is speech."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from echocli.errors import UsageError
from echocli.providers.base import DecodeOptions, Window
from echocli.providers.whisper_cpp_library import TokenData
from echocli.providers.whisper_cpp_limits import MOST_DECODERS
from echocli.providers.whisper_cpp_model import KEYS_GRID, Model, State
from echocli.providers.whisper_cpp_scores import log_softmax, mean_logprob, rescore
from echocli.providers.whisper_cpp_text import Vocabulary
from echocli.providers.whisper_generation import MAX_CONTEXT, beam_of
from echocli.types import SAMPLE_RATE, Samples, Task

if TYPE_CHECKING:
    from echocli.providers.whisper_cpp_model import Logits

SHORTEST = SAMPLE_RATE
"""Samples of a window at least; a shorter one is followed by silence.

whisper.cpp hears nothing in less than 100 ms.
"""

SAMPLES_PER_POSITION = SAMPLE_RATE // 50
"""Samples in one position of the encoder's output (``audio_ctx``)."""

LONGEST_TAIL = SAMPLE_RATE * 4
"""Samples of silence behind a window that are of use.

With 7 s the word errors are the same (8.0 % of 637 and 6.0 % of 554 words, tiny.en), at up to a
tenth more work and up to 100 MB more memory.
"""

ALL_POSITIONS = 1500
"""Positions of a full 30 s."""

FEWEST_BEAMS = 5
"""Beams from which on there are any; fewer are greedy.

whisper.cpp draws the candidates of each beam at random (``whisper_sample_token_topk``). On 24
recordings (637 words, tiny.en) greedy had 8.0 % word errors, two beams 8.3 and five 7.8, at 1.4 and
1.2 times the work.
"""

DOUBT = 0.2
"""No-speech probability from which a text is compared with what silence would give."""

COMPARED = 32
"""Tokens of a text that are compared at most: they are read one by one."""

SWITCH = 0.8
"""Probability from which another language than that of the text before is believed."""

_NEVER = 2.0
"""A probability that nothing exceeds."""

COOL = 0.5
"""Temperature from which on nothing is read before a window
(``WHISPER_HISTORY_CONDITIONING_TEMP_CUTOFF``)."""

_AVERAGE = -1.0
"""``length_penalty`` that stands for the plain average."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one window gave."""

    tokens: tuple[TokenData, ...]
    """As the decoder wrote them, timestamps and, if it got there, the end token included."""
    no_speech: float
    language: str | None
    language_probability: float
    evidence: float | None


@dataclass(frozen=True, slots=True)
class Hearing:
    """Let a model hear windows the way the options say."""

    model: Model
    vocabulary: Vocabulary

    def hear(self, state: State, window: Window, options: DecodeOptions) -> Heard:
        """Decode one window on a state that no one else uses."""
        sound = _padded(window.samples)
        asks = self.model.multilingual and options.language is None
        language = self._first_language(window, options)
        tokens = self._decode(state, sound, window, options, language)
        # Whisper tells both from what it expects right behind <|startoftranscript|>, which costs
        # one step of the decoder while the sound is still encoded.
        first = log_softmax(state.logits([self.model.tokens.sot], 0))
        spoken, probability = self._spoken(first) if asks else (language, 1.0)
        if window.language is not None and asks and probability < SWITCH:
            spoken, probability = window.language, 1.0
        if spoken != language:
            tokens = self._decode(state, sound, window, options, spoken)
        if window.temperature > 0:
            rescore(state, self._before(window, options, spoken), tokens)
        no_speech = float(_exp(first[self.model.tokens.no_speech]))
        return Heard(
            tokens=tuple(tokens),
            no_speech=no_speech,
            language=spoken,
            language_probability=probability,
            evidence=self._evidence(state, tokens, no_speech, spoken, options),
        )

    def _first_language(self, window: Window, options: DecodeOptions) -> str:
        """Return the language to decode in first; where nothing is known, the most common one."""
        if not self.model.multilingual:
            return "en"
        wanted = options.language or window.language or "en"
        self._language_token(wanted)
        return wanted

    def _decode(
        self,
        state: State,
        sound: Samples,
        window: Window,
        options: DecodeOptions,
        language: str,
    ) -> list[TokenData]:
        wanted = min(beam_of(window, options, language), MOST_DECODERS)
        beams = 1 if window.temperature > 0 or wanted < FEWEST_BEAMS else wanted
        parameters = self._parameters(window, options, beams)
        parameters.language = language
        return state.full(parameters, sound, draws=window.temperature > 0 or beams > 1)

    def _parameters(self, window: Window, options: DecodeOptions, beams: int) -> Any:
        hot = window.temperature > 0
        it = self.model.library.sampling(beams=beams > 1)
        it.beam_search = {"beam_size": beams, "patience": -1.0}
        it.greedy = {"best_of": min(options.best_of, MOST_DECODERS) if hot else 1}
        it.audio_ctx = positions_of(window)
        it.translate = options.task is Task.TRANSLATE
        it.suppress_nst = -1 in options.suppress_tokens
        it.prompt_tokens = self._prompt(window, options) or None
        it.no_context = True
        # Otherwise a second window would begin where the text ends.
        it.single_segment = True
        it.temperature = window.temperature
        it.temperature_inc = 0.0
        it.entropy_thold = 0.0
        it.no_speech_thold = _NEVER
        # Whisper's formula is (5 + length) / 6 to this power; 1 is what the average comes to.
        it.length_penalty = _AVERAGE if options.length_penalty == 1 else options.length_penalty
        it.print_progress = False
        return it

    def _prompt(self, window: Window, options: DecodeOptions) -> list[int]:
        """Return what comes before the window's text, as whisper_generation.prompt does."""
        fixed: list[int] = []
        for text in (options.hotwords, options.initial_prompt):
            if text and text.strip():
                fixed += self._encoded(text.strip())
        fixed = fixed[:MAX_CONTEXT]
        room = MAX_CONTEXT - len(fixed)
        # What was heard before may come from a model that knows more: an unknown id is the end.
        before = [token for token in window.previous if token < self.model.vocabulary]
        return fixed + (before[-room:] if room else [])

    def _encoded(self, text: str) -> list[int]:
        return _encode(self.vocabulary, text)

    def _language_token(self, language: str) -> int:
        number = int(self.model.library.c.whisper_lang_id(language.encode()))
        if number < 0:
            raise UsageError(f"unknown language '{language}'")
        if number >= self.model.tokens.languages:
            raise UsageError(f"the model does not know '{language}'")
        return self.model.tokens.first_language + number

    def _spoken(self, first: Logits) -> tuple[str, float]:
        """Return the language that is spoken most probably."""
        begin = self.model.tokens.first_language
        among = log_softmax(first[begin : begin + self.model.tokens.languages])
        best = int(among.argmax())
        name: bytes = self.model.library.c.whisper_lang_str(best)
        return name.decode(), float(_exp(among[best]))

    def _evidence(
        self,
        state: State,
        tokens: Sequence[TokenData],
        no_speech: float,
        language: str,
        options: DecodeOptions,
    ) -> float | None:
        """Compare the text's probability with this sound and with silence, where there is doubt."""
        text = [token.id for token in tokens if token.id < self.model.tokens.end][:COMPARED]
        if not text or no_speech <= DOUBT:
            return None
        head = self._head(language, options)
        heard = mean_logprob(state, head, text)
        state.listen(_padded(_silence()))
        return heard - mean_logprob(state, head, text)

    def _before(self, window: Window, options: DecodeOptions, language: str) -> list[int]:
        """Return what the decoder had read when it wrote the first token."""
        head = self._head(language, options)
        if self.model.timestamps:
            head.pop()
        context = self._prompt(window, options) if window.temperature < COOL else []
        return [self.model.tokens.previous, *context, *head] if context else head

    def _head(self, language: str, options: DecodeOptions) -> list[int]:
        known = self.model.tokens
        head = [known.sot]
        if self.model.multilingual:
            task = known.translate if options.task is Task.TRANSLATE else known.transcribe
            head += [self._language_token(language), task]
        return [*head, known.no_timestamps]


def positions_of(window: Window) -> int:
    """Return how many positions the encoder sees: the window and its silence, on a grid."""
    if window.tail is None:
        return ALL_POSITIONS
    heard = max(len(window.samples), SHORTEST) + min(window.tail, LONGEST_TAIL)
    needed = -(-heard // SAMPLES_PER_POSITION)
    return min(ALL_POSITIONS, -(-needed // KEYS_GRID) * KEYS_GRID)


def _exp(value: Any) -> float:
    import math

    return math.exp(float(value))


@functools.lru_cache(maxsize=8)
def _encode(vocabulary: Vocabulary, text: str) -> list[int]:
    # whisper.cpp's own way from text to tokens runs out of stack on 60,000 letters without a space
    # (std::regex recurses on each), which ends the process.
    return list(itertools.islice(vocabulary.encode(f" {text}"), MAX_CONTEXT))


def _padded(samples: Samples) -> Samples:
    import numpy as np

    sound: Samples = np.ascontiguousarray(samples, np.float32)
    if len(sound) >= SHORTEST:
        return sound
    return np.concatenate([sound, np.zeros(SHORTEST - len(sound), np.float32)])


def _silence() -> Samples:
    import numpy as np

    return np.zeros(SHORTEST, np.float32)
