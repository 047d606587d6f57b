"""The options several commands share, each defined once with its help text.

Names are those users of whisper and whisper-ctranslate2 know; see :mod:`echocli.cli.arguments` for
the spellings that are accepted besides.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

MODEL = "Model and machine"
DECODING = "Decoding"
VOICE = "Voice detection"
OUTPUT = "Output"
INPUT = "Input"


def option(panel: str, *names: str, help: str, **more: Any) -> Any:
    """Make a Typer option that is listed under ``panel``."""
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False, **more)


def finite(value: float | None) -> float | None:
    """Return a number of the command line; refuse ``nan`` and ``inf``, which pass every range."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


def positive(value: float) -> float:
    """Return a finite number above 0."""
    finite(value)
    if value <= 0:
        raise typer.BadParameter(f"{value} is not above 0.")
    return value


Profile = Annotated[
    str | None,
    option(MODEL, "--profile", metavar="NAME", help="Settings of [profile.NAME] in config.toml."),
]
Model = Annotated[
    str | None,
    option(MODEL, "--model", "-m", help="Model name or path [default: what suits this machine]."),
]
ModelDir = Annotated[
    Path | None, option(MODEL, "--model-dir", help="Look for models in this directory first.")
]
ModelRevision = Annotated[
    str | None,
    option(MODEL, "--model-revision", metavar="COMMIT", help="Refuse any other revision."),
]
ModelSha256 = Annotated[
    str | None,
    option(MODEL, "--model-sha256", metavar="DIGEST", help="Refuse weights of any other digest."),
]
VoxtralBinary = Annotated[
    Path | None, option(MODEL, "--voxtral-binary", help="Program of voxtral.c [default: voxtral].")
]
VoxtralModel = Annotated[
    Path | None, option(MODEL, "--voxtral-model", help="Directory with the weights of Voxtral.")
]
Provider = Annotated[
    str | None, option(MODEL, "--provider", "-p", help="Inference library [default: auto].")
]
Device = Annotated[
    str | None, option(MODEL, "--device", help="auto, cpu, cuda, cuda:N or metal [default: auto].")
]
ComputeType = Annotated[
    str | None,
    option(MODEL, "--compute-type", help="int8, float16, float32, … [default: int8 on a CPU]."),
]
Threads = Annotated[
    int | None,
    option(MODEL, "--threads", "-t", min=1, help="CPU threads [default: the physical cores]."),
]
Offline = Annotated[
    bool | None, option(MODEL, "--offline/--no-offline", help="Never download a model.")
]

Language = Annotated[
    str | None,
    option(DECODING, "--language", "-l", help="Code or name; 'auto' listens [default: auto]."),
]
TaskName = Annotated[
    str | None,
    option(DECODING, "--task", help="transcribe, or translate into English [default: transcribe]."),
]
PresetName = Annotated[
    str | None,
    option(DECODING, "--preset", help="fast, balanced or accurate [default: balanced]."),
]
BeamSize = Annotated[
    int | None,
    option(DECODING, "--beam-size", min=1, help="Beams; 1 is greedy [default: the preset's]."),
]
BestOf = Annotated[
    int | None, option(DECODING, "--best-of", min=1, help="Candidates when sampling [default: 5].")
]
Patience = Annotated[
    float,
    option(
        DECODING,
        "--patience",
        callback=positive,
        help="Beam search patience, above 0 [default: 1].",
    ),
]
LengthPenalty = Annotated[
    float,
    option(
        DECODING, "--length-penalty", callback=finite, help="Exponent of the length [default: 1]."
    ),
]
Temperature = Annotated[
    float,
    option(
        DECODING,
        "--temperature",
        min=0.0,
        max=1.0,
        callback=finite,
        help="First temperature [default: 0].",
    ),
]
TemperatureStep = Annotated[
    str,
    option(
        DECODING,
        "--temperature-increment-on-fallback",
        help="Step of the next tries up to 1; 'None' tries once [default: 0.2].",
    ),
]
ConditionOnPreviousText = Annotated[
    bool,
    option(
        DECODING,
        "--condition-on-previous-text/--no-condition-on-previous-text",
        help="Give the text so far as context; slow [default: no].",
    ),
]
InitialPrompt = Annotated[
    str | None, option(DECODING, "--initial-prompt", help="Text that sets style and spelling.")
]
Hotwords = Annotated[
    str | None, option(DECODING, "--hotwords", help="Words to expect, such as names.")
]
SuppressTokens = Annotated[
    str,
    option(DECODING, "--suppress-tokens", help="Token ids never written [default: -1, symbols]."),
]
WordTimestamps = Annotated[
    bool | None,
    option(
        DECODING, "--word-timestamps/--no-word-timestamps", help="Time every word [default: no]."
    ),
]
CompressionRatioThreshold = Annotated[
    float,
    option(
        DECODING,
        "--compression-ratio-threshold",
        callback=finite,
        help="Text that compresses better is a loop [default: 2.4].",
    ),
]
LogProbThreshold = Annotated[
    float,
    option(
        DECODING,
        "--log-prob-threshold",
        callback=finite,
        help="Average below which text is not believed [default: -1].",
    ),
]
NoSpeechThreshold = Annotated[
    float,
    option(
        DECODING,
        "--no-speech-threshold",
        callback=finite,
        help="Probability that counts as none [default: 0.6].",
    ),
]

Vad = Annotated[
    bool | None,
    option(VOICE, "--vad/--no-vad", help="Decode only where somebody speaks [default: yes]."),
]
VadThreshold = Annotated[
    float | None,
    option(
        VOICE,
        "--vad-threshold",
        min=0.0,
        max=1.0,
        callback=finite,
        help="Speech probability [default: 0.5].",
    ),
]
VadMinSpeech = Annotated[
    int | None,
    option(VOICE, "--vad-min-speech-ms", min=0, help="Shorter speech is noise [default: 100]."),
]
VadMinSilence = Annotated[
    int | None,
    option(VOICE, "--vad-min-silence-ms", min=0, help="Shorter pauses are speech [default: 300]."),
]
VadHangover = Annotated[
    int | None,
    option(VOICE, "--vad-min-silence-ms", min=0, help="Silence that ends speech [default: 500]."),
]
VadPad = Annotated[
    int | None,
    option(VOICE, "--vad-pad-ms", min=0, help="Sound kept on both sides [default: 400]."),
]

Channel = Annotated[
    int | None,
    option(
        INPUT, "--channel", min=1, help="Use this channel only, 1 is left [default: all mixed]."
    ),
]
Raw = Annotated[
    str | None,
    option(
        INPUT, "--raw", metavar="FORMAT,RATE,CHANNELS", help="Headerless sound, as s16le,16000,1."
    ),
]
Clip = Annotated[
    list[str] | None,
    option(
        INPUT,
        "--clip",
        metavar="START-END",
        help="Only this part, as 90-120, 1:30- or -2:00; may be repeated [default: all].",
    ),
]
ClipTimestamps = Annotated[
    str | None,
    option(
        INPUT,
        "--clip-timestamps",
        metavar="START,END,...",
        help="The same as whisper spells it; without the last END up to the end.",
    ),
]

OutputDir = Annotated[
    Path | None,
    option(OUTPUT, "--output-dir", "-o", help="Write files here [default: standard output]."),
]
OutputFormat = Annotated[
    list[str] | None,
    option(
        OUTPUT,
        "--output-format",
        "-f",
        help="txt, srt, vtt, tsv, json, jsonl, lrc, html or all (every one but html); may be"
        " repeated [default: txt].",
    ),
]
MaxLineWidth = Annotated[
    int | None, option(OUTPUT, "--max-line-width", min=1, help="Characters a subtitle line has.")
]
MaxLineCount = Annotated[
    int | None, option(OUTPUT, "--max-line-count", min=1, help="Lines a subtitle has.")
]
MaxWordsPerLine = Annotated[
    int | None, option(OUTPUT, "--max-words-per-line", min=1, help="Words a subtitle line has.")
]
SkipExisting = Annotated[
    bool,
    option(
        OUTPUT, "--skip-existing/--no-skip-existing", help="Leave inputs whose files are there."
    ),
]
Json = Annotated[bool, option(OUTPUT, "--json", help="Print JSON.")]
Quiet = Annotated[
    bool, option(OUTPUT, "--quiet/--no-quiet", "-q", help="No progress and no notices.")
]
Verbose = Annotated[
    int, option(OUTPUT, "--verbose", "-v", count=True, help="Say more: settings and their sources.")
]
