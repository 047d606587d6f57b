"""Variables of a ``model.bin``, which CTranslate2 itself has written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.errors import ModelError
from echocli.models.ct2 import WhisperWeights, is_cut
from tests.models.made_up_whisper import STATE, made_up, save

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a made-up model in float32."""
    return save(made_up(), tmp_path_factory.mktemp("made-up") / "model")


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_weights_cut_anywhere_are_never_taken_for_whole(
    model: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = (model / "model.bin").read_bytes()
    # Most of it is the embeddings; the structure is at the ends.
    length = data.draw(
        st.integers(0, len(whole) - 1)
        | st.integers(0, 400)
        | st.integers(1, 5000).map(lambda left: len(whole) - left)
    )
    file = tmp_path_factory.getbasetemp() / "cut-model.bin"
    file.write_bytes(whole[:length])
    with pytest.raises(ModelError, match=r"cut short|empty"):
        WhisperWeights(file)


def test_variables_come_as_they_were_written(model: Path) -> None:
    weights, spec = WhisperWeights(model / "model.bin"), made_up()
    embeddings = weights.stored("decoder/embeddings/weight")
    assert np.array_equal(embeddings, spec.decoder.embeddings.weight)
    assert weights.stored("encoder/num_heads") == spec.encoder.num_heads
    assert weights.shape("encoder/conv2/weight", 3) == (STATE, STATE, 3)


def test_a_second_name_stands_for_the_same_variable(model: Path) -> None:
    weights = WhisperWeights(model / "model.bin")
    assert {"decoder/projection/weight", "decoder/embeddings/weight"} <= weights.names
    projection = weights.stored("decoder/projection/weight")
    assert np.shares_memory(projection, weights.stored("decoder/embeddings/weight"))


def test_weights_that_shrink_while_they_are_read_are_an_error(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes((model / "model.bin").read_bytes())
    weights = WhisperWeights(file)
    with file.open("r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(ModelError, match="cut short while it was read"):
        weights.stored("decoder/embeddings/weight")


@pytest.mark.parametrize(
    ("content", "cut"),
    [(b"weights", False), (b"", False), ("whole", False), ("half", True), ("start", True)],
)
def test_what_is_cut_is_told_from_what_is_something_else(
    model: Path, tmp_path: Path, content: bytes | str, cut: bool
) -> None:
    whole = (model / "model.bin").read_bytes()
    ends = {"whole": len(whole), "half": len(whole) // 2, "start": 18}
    file = tmp_path / "model.bin"
    file.write_bytes(content if isinstance(content, bytes) else whole[: ends[content]])
    assert is_cut(file) is cut


def test_what_is_not_there_is_named(model: Path) -> None:
    with pytest.raises(ModelError, match="it has no encoder/whatever"):
        WhisperWeights(model / "model.bin").stored("encoder/whatever")
