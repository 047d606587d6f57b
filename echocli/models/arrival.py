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
        fault = "" if found else _fault_of_file(staged)
    if found is None:
        text = f"{manifest.source} has no model '{manifest.name}': {fault}"
        raise ModelError(text, hint="check the name and the source")
    return found


def _fault_of_files(directory: Path) -> str:
    """Return what is wrong with a CTranslate2 model; an empty text if nothing is."""
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


def _fault_of_file(staged: Path) -> str:
    """Return what is wrong with a GGML file."""
    try:
        header = read_header(staged)
    except ModelError as error:
        return str(error).replace(str(staged), staged.name)
    language = "multilingual" if header.multilingual else "for English only"
    return f"what it has is {language} and of size {header.family}"
