"""Made-up models for tests: whole by their form, without a weight that makes sense."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from echocli.models.ggml import MAGIC, tensors


def make_model(path: Path, *, without: str = "", tokens: int = 3, weights: str = "weights") -> Path:
    """Make the directory of a CTranslate2 model, of which one file may be left out."""
    path.mkdir(parents=True)
    files = {
        "model.bin": weights,
        "config.json": "{}",
        "tokenizer.json": "{}",
        "vocabulary.json": json.dumps([str(number) for number in range(tokens)]),
    }
    for name, text in files.items():
        if name != without:
            (path / name).write_text(text)
    return path


def make_ggml(
    path: Path, *, layers: int = 6, vocabulary: int = 51865, ftype: int = 1, mels: int = 80
) -> Path:
    """Make a GGML file with every tensor of a model, each of one number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = (MAGIC, vocabulary, 1500, 64, 1, layers, 448, 64, 1, layers, mels, ftype)
    content = struct.pack("<12i", *head)
    content += struct.pack("<2i", mels, 3) + bytes(4 * mels * 3)
    content += struct.pack("<i", 2) + struct.pack("<i", 1) + b"a" + struct.pack("<i", 0)
    for tensor in tensors(layers, layers):
        name = tensor.name.encode()
        content += struct.pack("<4i", 1, len(name), 0, 1) + name + bytes(4)
    path.write_bytes(content)
    return path
