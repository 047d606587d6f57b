"""Precedence, sources and complaints of settings."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.config import ALIASES, KEYS, Setting, Settings
from echocli.environment import Environment
from echocli.errors import UsageError

pytestmark = pytest.mark.unit


def settings(home: Path, toml: str | None = None, **variables: str) -> Settings:
    if toml is not None:
        (home / "config.toml").write_text(toml)
    return Settings(Environment(environ={"ECHOCLI_CONFIG_DIR": str(home), **variables}))


def test_flag_beats_environment_beats_file_beats_recommendation(tmp_path: Path) -> None:
    file = f"config {tmp_path / 'config.toml'}"
    full = settings(tmp_path, 'model = "base"', ECHOCLI_MODEL="small")
    assert full.get("model", "tiny") == Setting("tiny", "flag")
    assert full.get("model") == Setting("small", "env ECHOCLI_MODEL")
    assert settings(tmp_path).get("model") == Setting("base", file)
    (tmp_path / "config.toml").unlink()
    given_by_tier = settings(tmp_path).get("model", None, "base.en", "recommendation")
    assert given_by_tier == Setting("base.en", "recommendation")
    assert settings(tmp_path).get("model") == Setting(None, "default")


def test_a_flag_that_says_no_is_a_flag(tmp_path: Path) -> None:
    assert settings(tmp_path, "vad = true").get("vad", False) == Setting(False, "flag")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("provider", "faster_whisper", "faster-whisper"),
        ("provider", "whisper_cpp", "whisper-cpp"),
        ("provider", "voxtral_realtime", "voxtral"),
        ("model", "base.en", "base.en"),
        ("chunk_seconds", "4", 4.0),
        ("compute_type", "fp16", "float16"),
        ("compute_type", "INT8_FLOAT32", "int8_float32"),
        ("compute_type", "q5_1", "q5_1"),
        ("device", "mps", "metal"),
        ("vad", "1", True),
        ("vad", "0", False),
        ("model_dir", "/models", Path("/models")),
    ],
)
def test_the_older_variables_work_with_their_spelling(
    tmp_path: Path, key: str, text: str, value: object
) -> None:
    older = ALIASES[key]
    assert settings(tmp_path, **{older: text}).get(key) == Setting(value, f"env {older}")


def test_our_variable_wins_over_the_older_one(tmp_path: Path) -> None:
    both = settings(tmp_path, ECHOCLI_MODEL="a", ECHOPANEL_WHISPER_MODEL="b")
    assert both.get("model").value == "a"


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    assert settings(tmp_path, ECHOCLI_MODEL="").get("model").source == "default"


@pytest.mark.parametrize("word", ["true", "Yes", "ON", "1"])
def test_booleans_have_many_words(tmp_path: Path, word: str) -> None:
    assert settings(tmp_path, ECHOCLI_OFFLINE=word).get("offline").value is True


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("vad", "maybe"),
        ("threads", "0"),
        ("threads", "1.5"),
        ("threads", "many"),
        ("threads", "inf"),
        ("chunk_seconds", "-1"),
        ("chunk_seconds", "nan"),
        ("chunk_seconds", "inf"),
        ("compute_type", "int3"),
        ("compute_type", "q9_0"),
        ("task", "sing"),
        ("device", "gpu"),
        ("language", "klingon"),
        ("model", "  "),
        ("model_dir", "~nobody-of-this-name/models"),
    ],
)
def test_a_bad_value_names_its_source(tmp_path: Path, key: str, text: str) -> None:
    variable = f"ECHOCLI_{key.upper()}"
    with pytest.raises(UsageError, match=f"{key} from env {variable}") as caught:
        settings(tmp_path, **{variable: text}).get(key)
    assert caught.value.hint
    with pytest.raises(UsageError, match=f"--{key.replace('_', '-')}: "):
        settings(tmp_path).get(key, text)


@pytest.mark.parametrize(
    ("toml", "key"),
    [("threads = true", "threads"), ("model = 3", "model"), ("[model]", "model"),
     ("chunk_seconds = [1]", "chunk_seconds")],
)  # fmt: skip
def test_a_bad_value_in_the_file_names_the_file(tmp_path: Path, toml: str, key: str) -> None:
    found = settings(tmp_path, toml)
    with pytest.raises(UsageError, match=r"config\.toml"):
        found.get(key)


def test_an_unknown_key_in_the_file_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown key 'modle'") as caught:
        settings(tmp_path, 'modle = "x"')
    assert caught.value.hint == "did you mean model?"


def test_dashes_and_underscores_are_the_same_in_the_file(tmp_path: Path) -> None:
    assert settings(tmp_path, "beam-size = 3").get("beam_size").value == 3


@pytest.mark.parametrize("content", [b"model = ", b"\xff\xfe", b"[[[["])
def test_a_broken_file_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(UsageError, match="not valid TOML"):
        settings(tmp_path)


def test_a_directory_in_place_of_the_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        settings(tmp_path)


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path)})
    with pytest.raises(UsageError, match="no config file"):
        Settings(env, tmp_path / "other.toml")


@given(key=st.sampled_from(sorted(KEYS)), value=st.text() | st.integers() | st.floats())
def test_a_value_is_converted_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    home = tmp_path_factory.getbasetemp()
    with suppress(UsageError):
        assert settings(home).get(key, value).source == "flag"
