"""Transcribe files with whisper.cpp through ``pywhispercpp``: greedy, or with that many beams.

Sound is decoded by PyAV as faster-whisper does it and handed over as float32. Inputs shorter than
1.1 s are padded with silence, because whisper.cpp gives no text below one second.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from faster_whisper.audio import decode_audio
from pywhispercpp.model import Model

from benchmarks.runners.protocol import parser, say_end, say_final

SHORTEST = int(1.1 * 16_000)


def load(path: str, threads: int, language: str, beams: int) -> Any:
    """Return the model; its log goes to standard error, progress nowhere."""
    search: dict[str, Any] = (
        {"beam_search": {"beam_size": beams, "patience": -1.0}} if beams > 1 else {}
    )
    return Model(
        path,
        params_sampling_strategy=int(beams > 1),
        redirect_whispercpp_logs_to=sys.stderr,
        n_threads=threads,
        language=language,
        print_progress=False,
        **search,
    )


def main() -> None:
    """Load the model once and transcribe one file after the other."""
    given = parser(str(__doc__)).parse_args()
    model = load(given.model, given.threads, given.language, given.beam_size)
    for file in given.files:
        sound = decode_audio(file)
        padding = max(0, SHORTEST - len(sound))
        model.transcribe(
            np.pad(sound, (0, padding)),
            new_segment_callback=lambda segment: say_final(segment.text),
        )
        say_end()


if __name__ == "__main__":
    main()
