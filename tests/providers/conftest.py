"""What the providers hear, and the weights of whisper.cpp: made once in a process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from echocli.models.converted import ggml_of
from echocli.types import Samples
from tests.sounds import read


@pytest.fixture(scope="session")
def weights(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundled tiny.en as a GGML file of eight bits."""
    return _eight_bits(tiny_model, "tiny.en", tmp_path_factory)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the multilingual base as a GGML file of eight bits, or skip without it."""
    folder = os.environ.get("ECHOCLI_TEST_MODELS")
    source = Path(folder or ".") / "base"
    if not folder or not (source / "model.bin").is_file():
        pytest.skip("ECHOCLI_TEST_MODELS names no folder with the base model")
    return _eight_bits(source, "base", tmp_path_factory)


@pytest.fixture(scope="session")
def kettle(samples: Path) -> Samples:
    """Return six seconds: "The kettle is on, so please make yourself comfortable."."""
    return read(samples / "pauses.flac", end=6)


@pytest.fixture(scope="session")
def meeting(samples: Path) -> Samples:
    """Return all of the meeting."""
    return read(samples / "meeting.flac")


def _eight_bits(source: Path, model: str, places: pytest.TempPathFactory) -> Path:
    pytest.importorskip("_pywhispercpp", reason="the extra `whisper-cpp` is not installed")
    return ggml_of(source, model, places.mktemp("store"), quantisation="q8_0")
