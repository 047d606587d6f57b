"""Arrays as a source, and what is said of what is none."""

from __future__ import annotations

import numpy as np
import pytest

from echocli.audio.array import ArraySource
from echocli.errors import InputError

pytestmark = pytest.mark.unit


def test_the_bytes_of_a_file_are_told_where_they_go() -> None:
    with pytest.raises(InputError, match="sound: int is no array of samples") as caught:
        list(ArraySource(b"RIFF").blocks())  # type: ignore[arg-type]
    assert "io.BytesIO" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (np.array(["a"]), "<U1 of shape 1 is no sound"),
        (np.zeros((2, 2, 2)), "float64 of shape 2×2×2 is no sound"),
        (np.zeros(3, np.int8), "whole numbers of 16 or 32 bits, not int8"),
    ],
)
def test_an_array_of_something_else_is_no_sound(piece: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(ArraySource([piece]).blocks())
