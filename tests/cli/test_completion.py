"""The completion scripts of the real program, in real shells, and the lists they ask it for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from echocli.cli.app import COMMANDS
from echocli.cli.completion import FOLDER
from echocli.cli.completion_values import Kind, values
from echocli.environment import Environment
from echocli.models import catalog
from echocli.providers.registry import BUILTIN
from tests import shells
from tests.conftest import ROOT, RunEchocli
from tests.shells import DEFINE, REMOVE, SHELLS, Terminal

pytestmark = pytest.mark.unit

INSTALL = {
    "bash": 'eval "$(echocli completion bash)"',
    "zsh": "autoload -U compinit; compinit -u -D; source =(echocli completion zsh)",
    "fish": "echocli completion fish | source",
}
COMPINIT = {"zsh": "autoload -U compinit; compinit -u -D"}


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run the program as a process: one that lists values ends itself when its time is up."""
    return run_program


@pytest.fixture(params=SHELLS)
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """Return each shell with nothing set up but zsh's completion, and a recording beside it."""
    shells.install(tmp_path)
    (tmp_path / "meeting.flac").touch()
    (tmp_path / "zebra").touch()
    name: str = request.param
    with shells.terminal(name, tmp_path) as opened:
        opened.type(COMPINIT.get(name, "true"))
        yield opened


@pytest.mark.parametrize("name", SHELLS)
def test_what_is_printed_is_the_file_of_the_repository(run_echocli: RunEchocli, name: str) -> None:
    done = run_echocli("completion", name)
    assert done.code == 0
    assert done.stdout == (ROOT / "completions" / f"echocli.{name}").read_text(encoding="utf-8")


def test_a_wheel_has_the_scripts(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed: nothing builds a wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    with ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        for name in SHELLS:
            text = wheel.read(f"echocli/{FOLDER}/echocli.{name}").decode()
            assert text == (ROOT / "completions" / f"echocli.{name}").read_text(encoding="utf-8")


def test_no_shell_is_a_usage_error(run_echocli: RunEchocli) -> None:
    done = run_echocli("completion")
    assert (done.code, done.stdout) == (2, "")
    assert "Choose from: bash, zsh, fish" in done.stderr


def test_tab_completes_the_program(plain: Terminal) -> None:
    plain.type(INSTALL[plain.name])
    assert plain.press_tab("echocli trans") == "echocli transcribe "
    assert plain.press_tab("echocli transcribe --pres").rstrip("= ") == (
        "echocli transcribe --preset"
    )
    assert plain.press_tab("echocli transcribe --preset acc") == (
        "echocli transcribe --preset accurate "
    )
    assert plain.press_tab("echocli models pu") == "echocli models pull "
    assert plain.press_tab("echocli models pull distil-large-v3.") == (
        "echocli models pull distil-large-v3.5 "
    )
    assert plain.press_tab("echocli transcribe mee") == "echocli transcribe meeting.flac "


def test_tab_asks_the_program_for_models_and_providers(plain: Terminal) -> None:
    plain.type(INSTALL[plain.name])
    assert plain.press_tab("echocli transcribe -m distil-large-v3.") == (
        "echocli transcribe -m distil-large-v3.5 "
    )
    assert plain.press_tab("echocli live -p faster") == "echocli live -p faster-whisper "


def test_a_file_as_the_first_word_is_completed_as_for_transcribe(plain: Terminal) -> None:
    plain.type(INSTALL[plain.name])
    assert plain.press_tab("echocli meet") == "echocli meeting.flac "
    assert plain.press_tab("echocli meeting.flac --skip-e") == (
        "echocli meeting.flac --skip-existing "
    )


def test_tab_completes_the_function_and_the_program_with_nothing_else_installed(
    plain: Terminal,
) -> None:
    plain.type(DEFINE[plain.name])
    assert plain.press_tab("echo trans") == "echo transcribe "
    assert plain.press_tab("echo transcribe --preset acc") == "echo transcribe --preset accurate "
    assert plain.press_tab("echo transcribe mee") == "echo transcribe meeting.flac "
    assert plain.press_tab("echocli trans") == "echocli transcribe "


def test_other_words_of_echo_are_completed_as_files(plain: Terminal) -> None:
    plain.type(DEFINE[plain.name])
    assert plain.press_tab("echo zeb") == "echo zebra "
    assert plain.press_tab("echo hello zeb") == "echo hello zebra "
    assert plain.press_tab("echo hello trans").rstrip() == "echo hello trans"
    plain.type(REMOVE[plain.name])
    assert plain.press_tab("echo trans").rstrip() == "echo trans"
    assert plain.press_tab("echo zeb") == "echo zebra "


def test_a_function_of_another_name_is_completed(plain: Terminal) -> None:
    plain.type(
        DEFINE[plain.name]
        .replace(" | source", " --cmd hark | source")
        .replace(')"', ' --cmd hark)"')
    )
    assert plain.press_tab("hark trans") == "hark transcribe "
    assert plain.press_tab("hark --vers").rstrip() == "hark --version"


BROKEN = {
    "fails": "echo '$(touch pwned) `touch pwned`' >&2; exit 1",
    "is a stranger": "echo '$(touch pwned)'; echo '`touch pwned`'; echo \"a'b\\\"c\"; exit 3",
    "waits for a line": "read -r line; exit 1",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_program_does_not_break_tab(plain: Terminal, text: str) -> None:
    plain.type(INSTALL[plain.name])
    shells.install(plain.folder, text)
    assert plain.press_tab("echocli live -p faster").rstrip() == "echocli live -p faster"
    assert plain.press_tab("echocli trans") == "echocli transcribe "
    assert plain.output("builtin echo fine") == "fine\n"
    assert not (plain.folder / "pwned").exists()


def test_a_program_that_is_gone_does_not_break_tab(plain: Terminal) -> None:
    plain.type(DEFINE[plain.name])
    (plain.folder / "bin" / "echocli").unlink()
    assert plain.press_tab("echo zeb") == "echo zebra "
    assert plain.output("builtin echo fine") == "fine\n"


@pytest.mark.parametrize("kind", Kind)
def test_lists_are_printed_with_nothing_else(run_echocli: RunEchocli, kind: Kind) -> None:
    done = run_echocli("completion", "--values", kind)
    assert (done.code, done.stderr) == (0, "")
    assert all(line and not line.startswith(" ") for line in done.stdout.splitlines())


def test_a_broken_configuration_leaves_what_needs_none(
    run_echocli: RunEchocli, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("model_dir = [\n")
    env = {"ECHOCLI_CONFIG_DIR": str(tmp_path), "ECHOCLI_MODEL_DIR": "/no/such/directory"}
    for kind, least in [("models", "tiny.en"), ("providers", "whisper-cpp"), ("installed", "")]:
        done = run_echocli("completion", "--values", kind, env=env)
        assert (done.code, done.stderr) == (0, "")
        assert least in done.stdout


def test_the_lists_hold_what_there_is(tmp_path: Path) -> None:
    environment = Environment(environ={"ECHOCLI_DATA_DIR": str(tmp_path)})
    assert set(catalog.MODELS) | set(catalog.ALIASES) <= set(values(Kind.MODELS, environment))
    assert set(BUILTIN) | {"auto"} <= set(values(Kind.PROVIDERS, environment))
    assert values(Kind.STORED, environment) == []


def test_what_may_be_removed_is_what_the_store_has(tmp_path: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "models" / "mine")
    environment = Environment(environ={"ECHOCLI_DATA_DIR": str(tmp_path)})
    assert values(Kind.STORED, environment) == ["mine"]
    assert "mine" in values(Kind.INSTALLED, environment)
    assert values(Kind.MODELS, environment).count("tiny.en") == 1


def test_a_list_that_takes_too_long_ends_the_process_quietly() -> None:
    code = (
        "import threading; from echocli.cli.completion_values import leave_in_time;"
        "leave_in_time(0.1); threading.Event().wait(); print('never')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, timeout=60, cwd=ROOT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", SHELLS)
def test_every_command_is_in_the_script(name: str) -> None:
    text = (ROOT / "completions" / f"echocli.{name}").read_text(encoding="utf-8")
    assert all(command in text for command in COMMANDS)
