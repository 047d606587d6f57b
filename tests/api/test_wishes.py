"""Settings as keyword arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from echocli.api.sounds import open_sound
from echocli.api.transcriber import Transcriber
from echocli.api.wishes import Wishes, choose
from echocli.config import KEYS, PROGRAM, Settings
from echocli.environment import Environment
from echocli.errors import UsageError

pytestmark = pytest.mark.unit

OF_COMMANDS = {
    *("output_dir", "output_format", "max_line_width", "max_line_count", "max_words_per_line"),
    *("skip_existing", "recursive", "jobs", "quiet", "verbose", "log_level", "log_file"),
    *("remote", "ca_file", "retries", "spool_mb"),
    *("host", "port", "token_file", "insecure", "ssl_certfile", "ssl_keyfile"),
    *("allow_origin", "forwarded_allow_ips"),
    *("query_token", "max_sessions", "max_requests", "max_upload_mb", "max_audio_seconds"),
    *("session_seconds", "idle_seconds", "keep_seconds", "rate_limit", "warmup_level"),
}
"""Settings of what a command prints, writes and logs, and of server and client."""


def home(tmp_path: Path, **variables: str) -> Environment:
    return Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path), **variables})


def test_every_setting_about_transcribing_is_an_argument() -> None:
    assert set(Wishes.__annotations__) == set(KEYS) - OF_COMMANDS


def test_what_is_asked_for_is_taken_and_the_rest_is_default(tmp_path: Path) -> None:
    chosen = choose({"beam_size": 3}, home(tmp_path), config=False, profile=None)
    assert (chosen["beam_size"], chosen.setting("beam_size").source) == (3, PROGRAM)
    assert not chosen.given("best_of")


def test_environment_and_file_count_only_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("best_of = 7\n[profile.talk]\nbest_of = 9\n")
    env = home(tmp_path, ECHOCLI_BEAM_SIZE="4")
    alone = choose({}, env, config=False, profile=None)
    assert (alone["beam_size"], alone["best_of"]) == (None, 5)
    configured = choose({"beam_size": 2}, env, config=True, profile=None)
    assert (configured["beam_size"], configured["best_of"]) == (2, 7)
    assert choose({}, env, config=False, profile="talk")["best_of"] == 9


def test_none_says_nothing(tmp_path: Path) -> None:
    assert not choose({"model": None}, home(tmp_path), config=False, profile=None).given("model")


@pytest.mark.parametrize(
    ("name", "value"),
    [("beam_size", 0), ("language", "xx-none"), ("vad", "perhaps"), ("temperature", 2)],
)
def test_what_makes_no_sense_names_the_argument(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        choose({name: value}, home(tmp_path), config=False, profile=None)


def test_an_unknown_name_is_a_type_error_as_elsewhere() -> None:
    unknown: dict[str, Any] = {"beams": 2}
    with pytest.raises(TypeError, match="beams"):
        Transcriber(**unknown)


def test_a_path_is_a_model_too(tmp_path: Path) -> None:
    found = choose({"model": tmp_path / "m"}, home(tmp_path), config=False, profile=None)
    assert found["model"] == str(tmp_path / "m")


@pytest.mark.parametrize("config", [False, True])
def test_what_code_says_comes_from_the_program(tmp_path: Path, config: bool) -> None:
    chosen = choose({"beam_size": 3}, home(tmp_path), config=config, profile=None)
    assert chosen.setting("beam_size").source == PROGRAM
    with pytest.raises(UsageError, match="beam_size from program"):
        choose({"beam_size": 0}, home(tmp_path), config=config, profile=None)


def test_what_is_found_wrong_later_names_where_it_comes_from(tmp_path: Path) -> None:
    env = home(tmp_path, ECHOCLI_RAW="s16le")
    configured = choose({}, env, config=True, profile=None)
    with pytest.raises(UsageError, match="raw from env ECHOCLI_RAW s16le: needs"):
        open_sound("x.wav", configured, env)
    with pytest.raises(UsageError, match="raw from program s16le: needs"):
        open_sound("x.wav", choose({"raw": "s16le"}, env, config=False, profile=None), env)
    flags = Settings(env).choose({"raw": "s16le"})
    with pytest.raises(UsageError, match="--raw s16le: needs"):
        open_sound("x.wav", flags, env)
