"""A server as one writes it in an afternoon: ``faster_whisper`` behind a lock, one at a time.

It answers ``POST /v1/audio/transcriptions`` with JSON and ``GET /health``; everything the options
do not name is the library's default.
"""

from __future__ import annotations

import argparse
from threading import Lock
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Form, UploadFile
from faster_whisper import WhisperModel


def make_app(model: WhisperModel, beams: int) -> FastAPI:
    """Return the application; requests wait in threads for the one before."""
    app, lock = FastAPI(), Lock()

    def transcribe(file: UploadFile, language: Annotated[str, Form()] = "en") -> dict[str, str]:
        with lock:
            segments, _ = model.transcribe(file.file, language=language, beam_size=beams)
            return {"text": "".join(segment.text for segment in segments).strip()}

    def health() -> dict[str, str]:
        return {"status": "ok"}

    # The annotations are strings here: resolve them for FastAPI, which looks in this module.
    app.post("/v1/audio/transcriptions")(transcribe)
    app.get("/health")(health)
    return app


def main() -> None:
    """Load the model, then serve."""
    parser = argparse.ArgumentParser(description="One request at a time.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--beam-size", type=int, default=5)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    model = WhisperModel(given.model, device="cpu", compute_type="int8", cpu_threads=given.threads)
    uvicorn.run(make_app(model, given.beam_size), host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
