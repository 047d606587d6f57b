"""What to do instead of options of other tools that are not there.

``whisper``, ``whisper-ctranslate2`` and the program of whisper.cpp have them; the option that is
spelt most like one of them is rarely what was meant.
"""

from __future__ import annotations

_SPEAKERS = "who speaks is not told apart; one channel of a recording: --channel N"
_PUNCTUATION = "punctuation stays with its word; leave it out"
_LOOPS = "text that repeats itself is decoded again by itself; leave it out"
_PART = "a part of the recording: --clip START-END"
_SURE = "-f html makes a page that shows how sure the model is of each word"
_PLAYED = "-f html makes a page that marks each word while it is said"

HINTS: dict[str, str] = {
    "--batch-size": "batches are made by themselves; leave it out",
    "--highlight-words": _PLAYED,
    "--output-words": _PLAYED,
    "--print-colors": _SURE,
    "--print-confidence": _SURE,
    "--pretty-json": "-f json is laid out for people; leave it out",
    "--live-transcribe": "that is another command: echocli live --mic",
    "--live-input-device": "echocli live --input-device NAME; for the names: echocli devices",
    "--live-volume-threshold": "speech is told from noise, not loud from soft: --vad-threshold",
    "--device-index": "the device and its number are one option: --device cuda:N",
    "--repetition-penalty": _LOOPS,
    "--no-repeat-ngram-size": _LOOPS,
    "--hallucination-silence-threshold": "silence is not decoded; leave it out",
    "--suppress-blank": "an empty beginning is always suppressed; leave it out",
    "--prepend-punctuations": _PUNCTUATION,
    "--append-punctuations": _PUNCTUATION,
    "--multilingual": "without --language each window may have its own; leave it out",
    "--hf-token": _SPEAKERS,
    "--diarize": _SPEAKERS,
    "--tinydiarize": _SPEAKERS,
    "--speaker-name": _SPEAKERS,
    "--speaker-num": _SPEAKERS,
    "--vad-max-speech-duration-s": "long speech is cut at pauses by itself; leave it out",
    "--vad-model": "the model of voice detection is part of the program; leave it out",
    "--prefix": "text that sets style and spelling: --initial-prompt",
    "--prompt": "text that sets style and spelling: --initial-prompt",
    "--translate": "into English: --task translate",
    "--file": "files need no option: echocli transcribe FILE...",
    "--output-file": "-o DIR writes DIR/<name of the input>.<format>",
    "--output-txt": "-f txt",
    "--output-vtt": "-f vtt",
    "--output-srt": "-f srt",
    "--output-lrc": "-f lrc",
    "--output-csv": "-f tsv has the same columns",
    "--output-json": "-f json",
    "--output-json-full": "-f json --word-timestamps",
    "--no-prints": "standard output is the text alone; -q leaves notices out too",
    "--no-timestamps": "-f txt has no times; leave it out",
    "--max-len": "characters of a line of subtitles: --max-line-width",
    "--split-on-word": "subtitles are always cut between words; leave it out",
    "--offset-t": _PART,
    "--duration": _PART,
    "--processors": "every core is used by itself; leave it out",
    "--no-gpu": "--device cpu",
    "--no-fallback": "one try for each window: --temperature-increment-on-fallback None",
}
"""Name (with dashes) → what does the same here, or why nothing is needed for it."""
