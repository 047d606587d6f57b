"""``echocli config``, and a config file, a profile and variables in the installed program."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from echocli.cli.config_init import template
from echocli.config import KEYS, Settings
from echocli.environment import Environment
from tests.cli.conftest import Script
from tests.conftest import ROOT, RunEchocli

pytestmark = pytest.mark.unit

PROFILES = """\
model = "base"
vad = false
[profile.meeting]
beam_size = 3
[profile.other]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the directory of settings of :func:`run_echocli`, which is not there yet."""
    return tmp_path / "echocli-config"


def written(home: Path, toml: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(toml, encoding="utf-8")
    return home / "config.toml"


class TestPath:
    def test_prints_where_the_file_would_be(self, run_echocli: RunEchocli, home: Path) -> None:
        done = run_echocli("config", "path")
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout == f"{home / 'config.toml'}\n"

    def test_does_so_for_a_file_that_is_broken(self, run_echocli: RunEchocli, home: Path) -> None:
        written(home, "model = ")
        assert run_echocli("config", "path", env={"ECHOCLI_PROFILE": "none"}).code == 0


class TestInit:
    def test_writes_a_file_that_says_nothing_yet(self, run_echocli: RunEchocli, home: Path) -> None:
        nested = home / "a" / "b"
        done = run_echocli("config", "init", env={"ECHOCLI_CONFIG_DIR": str(nested)})
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout == f"{nested / 'config.toml'}\n"
        assert [one.name for one in nested.iterdir()] == ["config.toml"]
        chosen = Settings(Environment(environ={"ECHOCLI_CONFIG_DIR": str(nested)})).choose({})
        assert not any(map(chosen.given, chosen))

    def test_never_replaces_a_file_unless_told_to(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        path = written(home, "vad = true\n")
        done = run_echocli("config", "init")
        assert (done.code, done.stdout) == (2, "")
        assert "--force" in done.stderr
        assert path.read_text() == "vad = true\n"
        assert run_echocli("config", "init", "--force").code == 0
        assert path.read_text() == template()

    def test_writes_through_a_link(
        self, run_echocli: RunEchocli, home: Path, tmp_path: Path
    ) -> None:
        home.mkdir()
        (home / "config.toml").symlink_to(tmp_path / "kept.toml")
        assert run_echocli("config", "init").code == 0
        assert (home / "config.toml").is_symlink()
        assert (tmp_path / "kept.toml").read_text() == template()

    @pytest.mark.parametrize("force", [(), ("--force",)])
    def test_a_place_that_cannot_be_written_is_named(
        self, run_echocli: RunEchocli, home: Path, force: tuple[str, ...]
    ) -> None:
        home.write_text("a file where the directory should be")
        done = run_echocli("config", "init", *force)
        assert done.code == 1
        assert str(home / "config.toml") in done.stderr
        assert "Traceback" not in done.stderr


class TestTemplate:
    def test_every_setting_is_in_it_with_an_explanation_above(self) -> None:
        lines = template().splitlines()
        for name in KEYS:
            (place,) = [at for at, line in enumerate(lines) if line.startswith(f"# {name} = ")][:1]
            assert re.fullmatch(r"## \S.*", lines[place - 1]), name

    def test_loads_with_every_line_uncommented(self, home: Path) -> None:
        written(home, re.sub("^# ?", "", template(), flags=re.MULTILINE))
        env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(home)})
        for profile in (None, "meeting"):
            chosen = Settings(env, profile=profile).choose({})
            assert all(map(chosen.given, KEYS))
        for name, key in KEYS.items():
            if key.example is None:
                assert chosen[name] == key.default or name == "word_timestamps"

    def test_loads_with_any_one_line_uncommented(self, home: Path) -> None:
        env = Environment(environ={"ECHOCLI_CONFIG_DIR": str(home)})
        for name in KEYS:
            toml = re.sub(f"^# {name} =", f"{name} =", template(), count=1, flags=re.MULTILINE)
            written(home, toml)
            chosen = Settings(env).choose({})
            assert {one for one in KEYS if chosen.given(one)} == {name}


def shown(run_echocli: RunEchocli, *args: str, **env: str) -> dict[str, Any]:
    done = run_echocli("config", "show", "--json", *args, env=env)
    assert (done.code, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class TestShow:
    def test_without_a_file_there_are_recommendations_and_defaults(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        found = shown(run_echocli)
        assert (found["path"], found["exists"]) == (str(home / "config.toml"), False)
        assert list(found["settings"]) == list(KEYS)
        for name in ("provider", "model", "device", "compute_type", "threads"):
            assert found["settings"][name]["source"] == "recommendation"
        assert {row["source"] for row in found["settings"].values()} == {
            "recommendation",
            "default",
        }

    def test_recommends_what_detect_does(self, run_echocli: RunEchocli) -> None:
        env = {"ECHOCLI_DEVICE": "cpu"}
        advice = json.loads(run_echocli("detect", "--json", env=env).stdout)["recommendation"]
        found = shown(run_echocli, **env)["settings"]
        assert found["provider"]["value"] == advice["provider"]
        assert found["model"]["value"] == (advice["usable_model"] or advice["model"])
        assert found["compute_type"]["value"] == advice["compute_type"]
        assert found["device"] == {
            "value": "cpu", "source": "env ECHOCLI_DEVICE", "line": None, "default": None,
            "overridden": [],
        }  # fmt: skip

    def test_tells_every_source_and_what_it_stands_before(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        path = written(home, PROFILES.replace("vad", "beam_size = 1\nvad"))
        found = shown(run_echocli, "--profile", "meeting", ECHOPANEL_ASR_VAD="1")
        assert (found["profile"], found["profiles"]) == ("meeting", ["meeting", "other"])
        file = f"config {path}"
        assert found["settings"]["beam_size"] == {
            "value": 3, "source": "profile meeting", "line": 5, "default": None,
            "overridden": [{"value": 1, "source": file, "line": 2}],
        }  # fmt: skip
        assert found["settings"]["vad"] == {
            "value": True, "source": "env ECHOPANEL_ASR_VAD", "line": None, "default": True,
            "overridden": [{"value": False, "source": file, "line": 3}],
        }  # fmt: skip
        assert found["settings"]["model"]["source"] == file

    def test_what_is_left_to_the_recommendation_is_shown_as_that(
        self, run_echocli: RunEchocli
    ) -> None:
        row = shown(run_echocli, ECHOCLI_PROVIDER="auto")["settings"]["provider"]
        assert row["value"] != "auto"
        assert row["source"] == "recommendation"
        assert row["overridden"] == [
            {"value": "auto", "source": "env ECHOCLI_PROVIDER", "line": None}
        ]

    def test_tells_which_variables_count(self, run_echocli: RunEchocli) -> None:
        found = shown(
            run_echocli,
            ECHOCLI_MODEL="tiny.en",
            ECHOPANEL_WHISPER_MODEL="base.en",
            ECHOPANEL_ASR_VAD="0",
            ECHOPANEL_DEBUG="1",
            ECHOCLI_BEAMSIZE="1",
            ECHOCLI_OFFLINE="",
        )
        said = {it["name"]: (it["setting"], it["used"], it["note"]) for it in found["variables"]}
        assert said == {
            "ECHOCLI_MODEL": ("model", True, "counts"),
            "ECHOPANEL_WHISPER_MODEL": ("model", False, "env ECHOCLI_MODEL wins"),
            "ECHOPANEL_ASR_VAD": ("vad", True, "counts"),
            "ECHOPANEL_DEBUG": (None, False, "not read"),
            "ECHOCLI_BEAMSIZE": (None, False, "unknown; did you mean ECHOCLI_BEAM_SIZE?"),
            "ECHOCLI_OFFLINE": ("offline", False, "is empty and says nothing"),
            "ECHOCLI_CONFIG_DIR": (None, True, "counts"),
            "ECHOCLI_DATA_DIR": (None, True, "counts"),
        }

    def test_people_see_what_was_said_and_all_if_they_ask(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        written(home, PROFILES)
        env = {"ECHOCLI_PROFILE": "meeting", "ECHOCLI_BEAM_SIZE": "2"}
        done = run_echocli("config", "show", env=env)
        assert (done.code, done.stderr) == (0, "")
        lines = [re.sub("  +", " | ", line) for line in done.stdout.splitlines()]
        assert lines[:3] == [
            f"config file: {home / 'config.toml'}",
            "profile: meeting",
            "other profiles: other",
        ]
        assert "beam_size | 2 | env ECHOCLI_BEAM_SIZE | 3 (profile meeting, line 4)" in lines
        assert "model | base | config file, line 1" in lines
        assert "ECHOCLI_PROFILE |  | counts" in lines or "ECHOCLI_PROFILE | counts" in lines
        assert "patience" not in done.stdout
        everything = run_echocli("config", "show", "--all", env=env).stdout
        assert all(f"\n{name} " in everything for name in KEYS)

    def test_without_a_word_config_is_config_show(self, run_echocli: RunEchocli) -> None:
        assert run_echocli("config").stdout == run_echocli("config", "show").stdout

    def test_shows_the_settings_where_nothing_can_be_recommended(
        self, run_echocli: RunEchocli
    ) -> None:
        done = run_echocli("config", "show", env={"ECHOCLI_PROVIDER": "no-such-provider"})
        assert done.code == 0
        assert "no-such-provider" in done.stdout
        assert "nothing can be recommended" in done.stderr

    def test_a_terminal_is_not_written_to_by_a_value(
        self, run_echocli: RunEchocli, home: Path
    ) -> None:
        written(home, 'hotwords = "\\u001b[31mred\\nline"')
        done = run_echocli("config", "show")
        assert "\x1b" not in done.stdout
        assert "red line" in done.stdout


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("vad = ", "is not valid TOML"),
        ('modle = "x"', "did you mean model?"),
        ("[profile.x]\nmodle = 1", "did you mean model?"),
        ("\nbeam_size = true", "beam_size takes a whole number from 1"),
    ],
)
@pytest.mark.parametrize("command", [("config", "show"), ("transcribe", "a.wav")])
def test_a_bad_file_ends_every_command_that_reads_it(
    run_echocli: RunEchocli, home: Path, toml: str, message: str, command: tuple[str, ...]
) -> None:
    path = written(home, toml)
    done = run_echocli(*command)
    assert (done.code, done.stdout) == (2, "")
    assert str(path) in done.stderr
    assert message in done.stderr


def test_a_directory_in_place_of_the_file_is_a_usage_error(
    run_echocli: RunEchocli, home: Path
) -> None:
    (home / "config.toml").mkdir(parents=True)
    done = run_echocli("config")
    assert done.code == 2
    assert "cannot be read" in done.stderr


def test_transcribe_does_as_file_and_profile_say(
    run_echocli: RunEchocli, home: Path, script: Script, samples: Path
) -> None:
    _, provider, _, path = script("Hello there.")
    written(
        home,
        f"provider = '{provider}'\nmodel = '{path}'\noutput_format = ['srt']\n"
        "[profile.tables]\noutput_format = ['tsv']\n",
    )
    sound = samples / "meeting.flac"
    assert " --> " in run_echocli("transcribe", sound).stdout
    tables = run_echocli("transcribe", sound, "--profile", "tables", "-v")
    assert tables.code == 0, tables.stderr
    assert tables.stdout.startswith("start\tend\ttext")
    assert re.search(r"output_format: .*tsv.* \[profile tables\]", tables.stderr)
    assert "provider: scripted [config " in tables.stderr
    assert run_echocli("transcribe", sound, "--profile", "tables", "-f", "txt").stdout.startswith(
        "Hello there."
    )


def test_an_unknown_profile_is_a_usage_error_with_those_there_are(
    run_echocli: RunEchocli, home: Path
) -> None:
    written(home, PROFILES)
    done = run_echocli("transcribe", "a.wav", "--profile", "meting")
    assert done.code == 2
    assert "there are: meeting, other" in done.stderr
    assert "did you mean meeting?" in done.stderr


def documented() -> str:
    """Return the config file that docs/configuration.md shows."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    return text.split("```toml\n")[1].split("```")[0]


def uncommented() -> str:
    """Return the profile at the end of the file that ``config init`` writes."""
    tail = template().split("## ---- Profiles")[1].split("\n", 1)[1]
    return tail.replace("# ", "")


@pytest.mark.parametrize(
    ("toml", "profile"), [(documented(), "drafts"), (uncommented(), "meeting")]
)
@pytest.mark.parametrize("command", [("transcribe",), ("live", "--file")])
def test_formats_that_are_configured_are_for_files(
    run_echocli: RunEchocli,
    home: Path,
    script: Script,
    samples: Path,
    tmp_path: Path,
    toml: str,
    profile: str,
    command: tuple[str, ...],
) -> None:
    written(home, toml)
    words = [*command, samples / "meeting.flac", "--profile", profile, *script("Hello there.")]
    plain = run_echocli(*words)
    assert plain.code == 0, plain.stderr
    assert plain.stdout.startswith("Hello there.")
    typed = run_echocli(*words, "-f", "txt", "-f", "srt")
    assert (typed.code, "takes one format" in typed.stderr) == (2, True)
    if command == ("transcribe",):
        out = tmp_path / "out"
        assert run_echocli(*words, "-o", out).code == 0
        assert sorted(path.suffix for path in out.iterdir()) == [".srt", ".txt"]


def test_a_format_that_inputs_cannot_share_gives_way_to_text(
    run_echocli: RunEchocli, home: Path, script: Script, samples: Path
) -> None:
    written(home, "output_format = 'srt'\n")
    sounds = [samples / "meeting.flac", samples / "pauses.flac"]
    done = run_echocli("transcribe", *sounds, *script("Hello there."))
    assert done.code == 0, done.stderr
    assert " --> " not in done.stdout


def test_a_flag_takes_back_what_is_configured(
    run_echocli: RunEchocli, home: Path, script: Script, samples: Path, tmp_path: Path
) -> None:
    written(home, f"quiet = true\noutput_dir = '{tmp_path / 'out'}'\nstop_after = '1'\n")
    words = ["transcribe", samples / "meeting.flac", "-o", "-", *script("Hello there.")]
    assert run_echocli(*words).stdout.startswith("Hello there.")
    assert "model:" in run_echocli(*words, "-v").stderr
    assert "model:" not in run_echocli(*words, "-v", "-q").stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option", ["--dry-run", "--json", "--recursive", "--jobs=2", "--skip-existing"]
)
def test_a_microphone_refuses_what_is_for_files(run_echocli: RunEchocli, option: str) -> None:
    done = run_echocli("transcribe", "--mic", option)
    assert (done.code, done.stdout) == (2, "")
    assert f"{option.split('=')[0]} and --mic" in done.stderr


@pytest.mark.parametrize("toml", ["quiet = true\n", "[profile.still]\nquiet = true\n"])
@pytest.mark.parametrize("command", ["update", "verify"])
def test_quiet_is_a_setting_of_the_commands_about_models_too(
    run_echocli: RunEchocli, home: Path, toml: str, command: str
) -> None:
    written(home, toml)
    profile = ("--profile", "still") if "still" in toml else ()
    loud = run_echocli("models", command, "--no-quiet", *profile)
    still = run_echocli("models", command, *profile)
    assert loud.stdout + loud.stderr
    assert (still.code, still.stdout, still.stderr) == (0, "", "")


def test_where_no_file_can_be_written_the_hint_is_about_that_directory(
    run_echocli: RunEchocli, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = run_echocli("config", "init", env={"ECHOCLI_CONFIG_DIR": str(tmp_path / "file" / "x")})
    assert "ECHOCLI_CONFIG_DIR" in done.stderr
    assert "--output-dir" not in done.stderr


@pytest.mark.parametrize("command", [("bench",), ("bench", "--live")])
def test_bench_hears_what_transcribe_hears(
    run_echocli: RunEchocli,
    home: Path,
    script: Script,
    samples: Path,
    command: tuple[str, ...],
) -> None:
    written(home, "channel = 5\n")
    done = run_echocli(*command, samples / "meeting.flac", *script("Hello there."))
    assert done.code != 0
    assert "channel 5" in done.stderr
