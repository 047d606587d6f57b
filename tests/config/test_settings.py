"""Precedence, sources and complaints of settings."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.config import (
    ALIASES,
    DEFAULT,
    KEYS,
    Chosen,
    Setting,
    Settings,
    chosen_of,
    describe,
    shown,
)
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


OLDER = [
    ("provider", "faster_whisper", "faster-whisper"),
    ("provider", "whisper_cpp", "whisper-cpp"),
    ("provider", "voxtral_realtime", "voxtral"),
    ("provider", "auto", "auto"),
    ("model", "base.en", "base.en"),
    ("chunk_seconds", "4", 4.0),
    ("compute_type", "fp16", "float16"),
    ("compute_type", "INT8_FLOAT32", "int8_float32"),
    ("compute_type", "q5_1", "q5_1"),
    ("compute_type", "int8", "int8"),
    ("compute_type", "bf16", "bfloat16"),
    ("device", "mps", "metal"),
    ("vad", "1", True),
    ("vad", "0", False),
    ("model_dir", "/models", Path("/models")),
]


@pytest.mark.parametrize(("key", "text", "value"), OLDER)
def test_the_older_variables_work_with_their_spelling(
    tmp_path: Path, key: str, text: str, value: object
) -> None:
    older = ALIASES[key]
    assert settings(tmp_path, **{older: text}).get(key) == Setting(value, f"env {older}")


def test_every_older_variable_is_tested_above() -> None:
    assert set(ALIASES) == {case[0] for case in OLDER}


@pytest.mark.parametrize(("key", "older"), ALIASES.items())
def test_our_variable_wins_over_the_older_one(tmp_path: Path, key: str, older: str) -> None:
    ours = f"ECHOCLI_{key.upper()}"
    text = next(text for name, text, _ in OLDER if name == key)
    both = settings(tmp_path, **{ours: text, older: "no such thing"})
    assert both.get(key).source == f"env {ours}"
    assert [said.source for said in both.said(key)] == [f"env {ours}", f"env {older}"]


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
    "toml",
    [
        "threads = true",
        'threads = "4"',
        "threads = 1.5",
        "threads = 0",
        "model = 3",
        "model = [1]",
        "vad = 1",
        'vad = "yes"',
        "temperature = 2",
        "temperature = nan",
        "patience = inf",
        "chunk_seconds = [1]",
        "[model]",
        "output_format = 3",
        "output_format = [true]",
        "suppress_tokens = [1.5]",
        'suppress_tokens = "a"',
        "output_dir = 2026-01-01",
    ],
)
def test_a_bad_value_in_the_file_names_file_line_and_what_it_takes(
    tmp_path: Path, toml: str
) -> None:
    key = toml.strip("[]").partition(" ")[0]
    with pytest.raises(UsageError, match=rf"{key} from config .*config\.toml, line 2: ") as caught:
        settings(tmp_path, f"\n{toml}").choose({})
    assert caught.value.hint == f"{key} takes {KEYS[key].kind.says}"


@pytest.mark.parametrize(
    ("toml", "value"),
    [
        ('output_format = ["srt", "vtt"]', ("srt", "vtt")),
        ('output_format = "srt, vtt"', ("srt", "vtt")),
        ('input_device = "Card (hw:1,0)"', ("Card (hw:1,0)",)),
        ("input_device = 1", ("1",)),
        ('input_device = ["USB", 2]', ("USB", "2")),
        ("suppress_tokens = [-1, 50257]", "-1,50257"),
        ("suppress_tokens = -1", "-1"),
        ('suppress_tokens = ""', ""),
        ("stop_after = 30", "30"),
        ('stop_after = "1:30"', "1:30"),
        ("temperature_increment_on_fallback = 0.5", "0.5"),
        ('temperature_increment_on_fallback = "None"', "None"),
        ("chunk_seconds = 3", 3.0),
        ("vad = false", False),
        ("verbose = 2", 2),
    ],
)
def test_lists_numbers_and_words_are_taken(tmp_path: Path, toml: str, value: object) -> None:
    assert settings(tmp_path, toml).choose({})[toml.partition(" ")[0]] == value


def test_a_variable_may_hold_a_list(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        ECHOCLI_OUTPUT_FORMAT="srt, vtt",
        ECHOCLI_INPUT_DEVICE="Card (hw:1,0); 2",
    ).choose({})
    assert found["output_format"] == ("srt", "vtt")
    assert found["input_device"] == ("Card (hw:1,0)", "2")


def test_dashes_and_underscores_are_the_same_in_the_file(tmp_path: Path) -> None:
    assert settings(tmp_path, "beam-size = 3").get("beam_size").value == 3


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path)})
    with pytest.raises(UsageError, match="no config file"):
        Settings(env, tmp_path / "other.toml")


def test_every_setting_is_chosen_and_only_what_was_said_is_given(tmp_path: Path) -> None:
    found = settings(tmp_path, "jobs = 3").choose({"vad": False, "model": None, "mic": True})
    assert set(found) == set(KEYS)
    assert {name for name in found if found.given(name)} == {"vad", "jobs"}
    assert (found["vad"], found["jobs"], found["best_of"]) == (False, 3, 5)


def test_an_empty_list_of_flags_says_nothing(tmp_path: Path) -> None:
    found = settings(tmp_path, 'output_format = ["srt"]').choose({"output_format": []})
    assert found["output_format"] == ("srt",)


def test_every_default_and_every_example_makes_sense() -> None:
    for name, key in KEYS.items():
        if key.default not in (None, ""):
            assert key(key.default) == key.default, name
        assert (key.default, key.example) != (None, None), name
        if key.example is not None:
            assert type(key.example) in key.kind.types, name
            key(key.example)


def test_what_was_said_is_described_with_its_source(tmp_path: Path) -> None:
    found = settings(tmp_path, "vad = false", ECHOPANEL_WHISPER_MODEL="base").choose(
        {"output_format": ["srt", "vtt"]}
    )
    assert describe(found) == [
        "model: base [env ECHOPANEL_WHISPER_MODEL]",
        f"vad: false [config {tmp_path / 'config.toml'}]",
        "output_format: srt, vtt [flag]",
    ]
    assert describe(found, leave_out={"model", "vad", "output_format"}) == []


def test_a_changed_choice_counts_as_said() -> None:
    changed = chosen_of({"beam_size": 1}).but(beam_size=2, model="base")
    assert changed.setting("beam_size") == Setting(2, "program")
    assert changed.setting("model") == Setting("base", "program")
    assert isinstance(changed, Chosen)
    assert shown(changed["model"]) == "base"


def test_what_a_program_says_is_checked_too() -> None:
    with pytest.raises(UsageError, match="beam_size from program: '0' cannot be used"):
        chosen_of({"beam_size": 0})


@given(key=st.sampled_from(sorted(KEYS)), value=st.text() | st.integers() | st.floats())
def test_a_value_is_converted_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    home = tmp_path_factory.getbasetemp()
    with suppress(UsageError):
        source = settings(home).get(key, value).source
        assert source == ("default" if value in ("", "-") and source == "default" else "flag")


@pytest.mark.parametrize("name", ["stop_after", "model", "chunk_seconds", "language", "task"])
def test_an_empty_text_that_is_typed_takes_a_setting_back(tmp_path: Path, name: str) -> None:
    text = {"stop_after": "9", "model": "base", "language": "de", "task": "translate"}
    (tmp_path / "config.toml").write_text(f"{name} = '{text.get(name, 3)}'\n")
    found = Settings(Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path)})).choose({name: ""})
    assert found.setting(name) == Setting(KEYS[name].default, DEFAULT)
    assert chosen_of({name: ""}).setting(name) == Setting(KEYS[name].default, DEFAULT)


def test_a_dash_that_is_typed_takes_a_path_back(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("output_dir = 'out'\n")
    settings = Settings(Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path)}))
    assert settings.choose({"output_dir": Path("-")})["output_dir"] is None
    assert settings.choose({})["output_dir"] == Path("out")


def test_no_token_is_a_value() -> None:
    assert chosen_of({"suppress_tokens": ""}).setting("suppress_tokens").value == ""
