"""Commands do as a config file and its profiles say, unless an option says otherwise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from echocli.cli.config_init import template
from tests.cli.configured import PROFILES, written
from tests.cli.conftest import Script
from tests.conftest import ROOT, RunEchocli

pytestmark = pytest.mark.unit


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
