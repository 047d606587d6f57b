from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from echocli.errors import ModelError, OutOfMemory
from echocli.providers.base import DecodeOptions, Hypothesis, LoadSpec, Window
from echocli.providers.scripted import Scripted

pytestmark = pytest.mark.unit

Play: TypeAlias = Callable[..., Scripted]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def write(slots: int = 1, device: str = "cpu", **keys: Any) -> Scripted:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(keys))
        provider = Scripted(LoadSpec("scripted", "m", str(path), device, slots=slots))
        provider.load()
        return provider

    return write


def decode(provider: Scripted, *numbers: int, language: str | None = None) -> list[Hypothesis]:
    windows = [Window(n, 0, np.zeros(32_000, np.float32)) for n in numbers]
    return provider.decode(windows, DecodeOptions(language=language))


def test_texts_are_said_in_turn_and_repeated(play: Play) -> None:
    provider = play(texts=["one", "two"])
    assert [found.text for found in decode(provider, 7, 3, 9)] == ["one", "two", "one"]


def test_a_window_keeps_its_text_over_restarts(play: Play) -> None:
    decode(play(texts=["one", "two"]), 7)
    restarted = play(texts=["one", "two"])
    assert [found.text for found in decode(restarted, 3, 7)] == ["two", "one"]


def test_text_accounts_for_the_whole_window_or_as_much_as_the_script_says(play: Play) -> None:
    assert decode(play(texts=["a"]), 1)[0].consumed == 32_000
    assert decode(play(texts=["a"], consumed=0.5), 1)[0].consumed == 8_000
    assert decode(play(texts=["a"], consumed=99), 1)[0].consumed == 32_000


def test_steps_count_decodes(play: Play) -> None:
    provider = play(texts=["a"], steps={"2": "silence", "3": "error"})
    assert [found.text for found in decode(provider, 1, 2)] == ["a", ""]
    with pytest.raises(RuntimeError, match="the script says"):
        decode(provider, 3)
    assert decode(provider, 3)[0].text == "a"


def test_counts_of_another_run_are_forgotten(play: Play, tmp_path: Path) -> None:
    (tmp_path / "script.json.state").write_text('{"run": -1, "count": 50, "turns": {"1": 1}}')
    assert decode(play(texts=["one", "two"]), 1)[0].text == "one"


def test_slots_do_not_confuse_the_count(play: Play, tmp_path: Path) -> None:
    provider = play(slots=4, texts=[str(n) for n in range(40)])
    texts = [found.text for found in decode(provider, *range(40))]
    assert sorted(texts, key=int) == [str(n) for n in range(40)]
    assert json.loads((tmp_path / "script.json.state").read_text())["count"] == 40
    provider.unload()


def test_the_language_is_what_was_asked_for_or_english(play: Play) -> None:
    provider = play(texts=["a"], multilingual=True)
    assert decode(provider, 1)[0].language == "en"
    assert decode(provider, 1, language="de")[0].language == "de"


def test_loading_fails_as_scripted(play: Play) -> None:
    with pytest.raises(ModelError, match="out of memory"):
        play(load_error="out of memory")


@pytest.mark.parametrize("content", [None, "{", "[]", "\xff"])
def test_a_script_that_cannot_be_read_is_a_model_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "script.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(ModelError, match=r"script\.json"):
        Scripted(LoadSpec("scripted", "m", str(path))).load()


def test_a_folder_is_no_script(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Scripted(LoadSpec("scripted", "m", str(tmp_path))).load()


def test_memory_runs_out_for_batches_above_the_room_of_the_device(
    play: Play, tmp_path: Path
) -> None:
    provider = play(texts=["a", "b", "c", "d", "e"], room={"cpu": 2})
    assert [found.text for found in decode(provider, *range(5))] == ["a", "b", "c", "d", "e"]
    state = json.loads((tmp_path / "script.json.state").read_text())
    assert state["too_large"] == [5, 3]
    assert [found.text for found in decode(provider, 5)] == ["a"]


def test_a_device_without_room_decodes_nothing_and_another_all(play: Play) -> None:
    keys = {"texts": ["a", "b"], "room": {"cuda": 0}}
    with pytest.raises(OutOfMemory, match="cuda has no room for 1"):
        decode(play(device="cuda", **keys), 1, 2)
    assert [found.text for found in decode(play(**keys), 1, 2)] == ["a", "b"]


def test_memory_can_run_out_at_a_step(play: Play) -> None:
    provider = play(texts=["a"], steps={"1": "full"})
    with pytest.raises(OutOfMemory, match="runs out"):
        decode(provider, 1)
    assert decode(provider, 1)[0].text == "a"


def test_loading_finds_no_room_on_the_devices_the_script_names(play: Play) -> None:
    with pytest.raises(OutOfMemory, match="cuda has no room for the model"):
        play(device="cuda", no_room_to_load=["cuda"])
    assert decode(play(texts=["a"], no_room_to_load=["cuda"]), 1)[0].text == "a"


def test_it_is_always_here() -> None:
    assert Scripted.is_available().available
