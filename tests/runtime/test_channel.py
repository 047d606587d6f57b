from __future__ import annotations

import io
import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import ModelError, UsageError
from echocli.runtime.channel import Channel

pytestmark = pytest.mark.unit

values = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(max_size=5000) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(values, max_size=5))
def test_values_arrive_whole_and_in_order(messages: list[object]) -> None:
    pipe = io.BytesIO()
    for message in messages:
        Channel(io.BytesIO(), pipe).send(message)
    reader = Channel(io.BytesIO(pipe.getvalue()), io.BytesIO())
    assert [reader.receive() for _ in messages] == messages
    with pytest.raises(EOFError):
        reader.receive()


@given(values, st.data())
def test_a_cut_message_is_the_end_and_never_half_a_value(
    value: object, data: st.DataObject
) -> None:
    pipe = io.BytesIO()
    Channel(io.BytesIO(), pipe).send(value)
    whole = pipe.getvalue()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(EOFError):
        Channel(io.BytesIO(whole[:cut]), io.BytesIO()).receive()


def test_sound_larger_than_a_pipe_arrives_unchanged() -> None:
    sound = np.random.default_rng(1).random(30 * 16_000).astype(np.float32)
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb") as writer:
        sender = threading.Thread(target=Channel(reader, writer).send, args=(sound,))
        sender.start()
        assert np.array_equal(Channel(reader, writer).receive(), sound)
        sender.join()


def test_writers_in_many_threads_do_not_mix_their_messages() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb") as writer:
        channel = Channel(reader, writer)
        threads = [threading.Thread(target=channel.send, args=([n] * 50_000,)) for n in range(8)]
        for thread in threads:
            thread.start()
        received = [channel.receive() for _ in threads]
        for thread in threads:
            thread.join()
    assert sorted(message[0] for message in received) == list(range(8))
    assert all(message == message[:1] * 50_000 for message in received)


def test_sending_to_an_end_that_is_gone_raises() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    writer = os.fdopen(write_end, "wb")
    with pytest.raises(OSError, match="Broken pipe"):
        Channel(io.BytesIO(), writer).send("hello")
    with pytest.raises(OSError, match="Broken pipe"):
        writer.close()


@pytest.mark.parametrize("error", [ModelError("broken", hint="mend it"), UsageError("no")])
def test_errors_keep_their_hint(error: ModelError | UsageError) -> None:
    pipe = io.BytesIO()
    Channel(io.BytesIO(), pipe).send(error)
    copy = Channel(io.BytesIO(pipe.getvalue()), io.BytesIO()).receive()
    assert (type(copy), str(copy), copy.hint) == (type(error), str(error), error.hint)
