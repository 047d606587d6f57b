"""Transcribe files with ``faster_whisper`` as one calls it from Python, int8 on the CPU.

Only what the options name differs from the library's defaults: sequential and without voice
detection, or with ``--batch-size`` its batched pipeline, which detects voice by default.
"""

from __future__ import annotations

from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.runners.protocol import Word, parser, say_end, say_final


def words_of(segment: Any) -> list[Word] | None:
    """Return the words of a segment, ``None`` when they were not asked for."""
    if segment.words is None:
        return None
    return [(float(word.start), float(word.end), word.word) for word in segment.words]


def main() -> None:
    """Load the model once and transcribe one file after the other."""
    options = parser(str(__doc__))
    options.add_argument("--batch-size", type=int)
    options.add_argument("--word-timestamps", action="store_true")
    given = options.parse_args()
    model: Any = WhisperModel(
        given.model, device="cpu", compute_type="int8", cpu_threads=given.threads
    )
    more = {"word_timestamps": True} if given.word_timestamps else {}
    if given.batch_size:
        model = BatchedInferencePipeline(model=model)
        more["batch_size"] = given.batch_size
    language = None if given.language == "auto" else given.language
    for file in given.files:
        segments, _ = model.transcribe(file, language=language, beam_size=given.beam_size, **more)
        for segment in segments:
            say_final(segment.text, words_of(segment))
        say_end()


if __name__ == "__main__":
    main()
