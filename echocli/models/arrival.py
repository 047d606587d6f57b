"""Whether what a pull has brought is a model at all, whatever its source said.

A server that wants a login answers every address with a page, and one that tells no length may stop
anywhere. The weights are looked at by their format, what is JSON is read.
"""

from __future__ import annotations

import json
from pathlib import Path

from echocli.errors import ModelError
from echocli.models.ct2 import WhisperWeights
from echocli.models.found import Found, missing_files, whole_directory, whole_file
from echocli.models.ggml_header import read_header
from echocli.models.sources import Manifest


def whole(manifest: Manifest, directory: Path) -> Found:
    """Return the model whose files lie in ``directory``; raise ``ModelError`` if they are none."""
    if manifest.format == "ct2":
        fault = _fault_of_files(directory)
        found = None if fault else whole_directory(manifest.name, directory, "store")
    else:
        staged = directory / manifest.entry
        found = whole_file(manifest.name, staged, "store")
        fault = "" if found else _fault_of_file(manifest.name, staged)
    if found is None:
        text = f"what {manifest.source} sent is {fault or 'no whole model'}"
        raise ModelError(text, hint="check the name and the source")
    return found


def _fault_of_files(directory: Path) -> str:
    """Return what CTranslate2's files are instead of a model; an empty text if they are one."""
    fault = _fault_within(directory)
    return fault and f"no Whisper model: {fault}"


def _fault_within(directory: Path) -> str:
    if lacking := missing_files(directory):
        return f"it lacks {', '.join(lacking)}"
    for path in sorted(directory.glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return f"its {path.name} is no JSON"
        if path.name in ("config.json", "tokenizer.json") and not isinstance(content, dict):
            return f"its {path.name} is no JSON object"
    weights = directory / "model.bin"
    try:
        WhisperWeights(weights)
    except ModelError as error:
        return str(error).replace(str(weights), weights.name)  # the path will be gone
    return ""


def _fault_of_file(name: str, staged: Path) -> str:
    """Return what a GGML file is instead of the model ``name``."""
    try:
        header = read_header(staged)
    except ModelError as error:  # the path will be gone
        return f"no Whisper model: {str(error).replace(str(staged), 'it')}"
    language = "multilingual" if header.multilingual else "for English only"
    return f"not model '{name}': it is {language} and of size {header.family or 'unknown'}"
