from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from echocli.errors import EchoError, ModelError, OutOfMemory, ProviderError, TranscriptionError
from echocli.providers.base import DecodeOptions, LoadSpec
from echocli.runtime.spawning import KEPT_BYTES
from echocli.runtime.worker import Worker, WorkerDied
from tests.conftest import clean_environment
from tests.runtime.conftest import Script, eventually, gone, window

pytestmark = pytest.mark.unit

OPTIONS = DecodeOptions()
PATIENCE = 30.0
"""Seconds any answer may take; never reached."""

PLUGIN = """
import os, sys
from echocli.errors import EchoError
from echocli.providers.base import Hypothesis, LoadReport, Piece, Provider, ProviderInfo

class Awkward(EchoError):
    def __init__(self, message, detail):
        super().__init__(message)

class Plugin(Provider):
    info = ProviderInfo(name="plugin", summary="", module="os", install="")

    def _load(self):
        print("loading, says a library")
        os.write(1, b"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x05hello\\n")
        if self.spec.path == "system-exit":
            sys.exit("the library gave up")
        if self.spec.path == "raises":
            raise KeyError("weights")
        return LoadReport()

    def _decode(self, batch, options):
        print("decoding, says a library", flush=True)
        os.system("echo a child of the library writes too")
        if self.spec.path == "awkward":
            raise Awkward("does not unpickle", 1)
        if self.spec.path == "memory":
            raise MemoryError
        read = sys.stdin.read()
        return [Hypothesis(one.id, (Piece(0, 1, "read " + repr(read)),), 1) for one in batch]

    def _unload(self):
        pass
"""


@pytest.fixture
def start() -> Iterator[Callable[[LoadSpec], Worker]]:
    made: list[Worker] = []

    def begin(spec: LoadSpec) -> Worker:
        made.append(Worker(spec))
        return made[-1]

    yield begin
    for worker in made:
        worker.kill()


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadSpec:
    """Install somebody else's provider where the child finds it."""
    folder = tmp_path / "site"
    facts = folder / "plugin-1.dist-info"
    facts.mkdir(parents=True)
    (folder / "awkward_plugin.py").write_text(PLUGIN)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[echocli.providers]\nplugin = awkward_plugin:Plugin\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return LoadSpec("plugin", "model", "")


Start = Callable[[LoadSpec], Worker]


def text_of(worker: Worker, number: int = 1) -> str:
    answer = worker.submit([window(number)], OPTIONS).result(PATIENCE)
    return answer.hypotheses[0].text


def test_windows_are_answered_in_their_order(start: Start, script: Script) -> None:
    worker = start(script(texts=["a", "b", "c"]))
    assert worker.loaded.result(PATIENCE).report.device == "cpu"
    answer = worker.submit([window(n) for n in range(3)], OPTIONS).result(PATIENCE)
    assert [found.text for found in answer.hypotheses] == ["a", "b", "c"]
    assert [found.window_id for found in answer.hypotheses] == [0, 1, 2]
    assert worker.rss_bytes > 1_000_000
    assert answer.busy_ms > 0


def test_a_sign_of_life_comes_between_requests_and_not_from_the_dead(
    start: Start, script: Script
) -> None:
    worker = start(script(texts=["a"]))
    worker.loaded.result(PATIENCE)
    worker.ping().result(PATIENCE)
    assert text_of(worker) == "a"
    worker.kill()
    with pytest.raises(WorkerDied):
        worker.ping().result(PATIENCE)


def test_slots_decode_side_by_side(start: Start, script: Script) -> None:
    worker = start(script(slots=4, texts=["a"], delay_ms=300))
    worker.loaded.result(PATIENCE)
    answer = worker.submit([window(n) for n in range(4)], OPTIONS).result(PATIENCE)
    assert answer.busy_ms < 0.75 * sum(found.decode_ms for found in answer.hypotheses)
    assert [found.window_id for found in answer.hypotheses] == [0, 1, 2, 3]


def test_requests_need_not_wait_for_the_model(start: Start, script: Script) -> None:
    worker = start(script(texts=["a"], load_ms=100))
    assert text_of(worker) == "a"
    assert worker.loaded.done()


def test_what_a_library_prints_does_not_reach_the_protocol_or_stdout(
    start: Start, plugin: LoadSpec, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = start(plugin)
    assert text_of(worker) == text_of(worker) == "read ''"
    assert capfd.readouterr() == ("", "")


def test_an_error_of_a_library_while_loading_is_a_model_error(
    start: Start, plugin: LoadSpec
) -> None:
    worker = start(replace(plugin, path="raises"))
    with pytest.raises(ModelError, match="KeyError: 'weights'"):
        worker.loaded.result(PATIENCE)
    assert worker.alive
    with pytest.raises(TranscriptionError, match="no model"):
        text_of(worker)


def test_out_of_memory_in_a_decode_is_an_error_and_not_the_end(
    start: Start, plugin: LoadSpec
) -> None:
    worker = start(replace(plugin, path="memory"))
    with pytest.raises(OutOfMemory, match="MemoryError"):
        text_of(worker)
    assert worker.alive


def test_the_child_keeps_its_memory_unless_the_user_says_otherwise(
    start: Start, plugin: LoadSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    chosen = psutil.Process(start(plugin).pid).environ()
    assert [chosen[name] for name in names] == ["1", KEPT_BYTES, KEPT_BYTES]
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "4096")
    assert psutil.Process(start(plugin).pid).environ()["MALLOC_TRIM_THRESHOLD_"] == "4096"


def test_an_answer_that_cannot_be_read_ends_the_worker(start: Start, plugin: LoadSpec) -> None:
    worker = start(replace(plugin, path="awkward"))
    with pytest.raises(WorkerDied, match="cannot be read"):
        text_of(worker)
    assert gone(worker.pid)


def test_the_last_words_of_a_worker_tell_why_it_ended(start: Start, plugin: LoadSpec) -> None:
    worker = start(replace(plugin, path="system-exit"))
    with pytest.raises(WorkerDied, match="ended with status 1: the library gave up"):
        worker.loaded.result(PATIENCE)


def test_a_worker_that_was_killed_fails_what_is_pending_and_what_comes(
    start: Start, script: Script
) -> None:
    worker = start(script(steps={"1": "hang"}))
    worker.loaded.result(PATIENCE)
    pending = worker.submit([window(1)], OPTIONS)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match="killed by signal 9"):
        pending.result(PATIENCE)
    with pytest.raises(WorkerDied, match="killed by signal 9"):
        text_of(worker)


def test_a_step_exit_tells_its_status(start: Start, script: Script) -> None:
    with pytest.raises(WorkerDied, match="ended with status 3"):
        text_of(start(script(steps={"1": "exit"})))


@pytest.mark.parametrize(
    ("spec", "error", "match"),
    [
        (LoadSpec("scripted", "m", "nowhere.json"), ModelError, "nowhere.json"),
        (LoadSpec("nobody", "m", ""), ProviderError, "unknown provider 'nobody'"),
    ],
)
def test_what_cannot_be_loaded_says_so(
    start: Start, spec: LoadSpec, error: type[EchoError], match: str
) -> None:
    worker = start(spec)
    with pytest.raises(error, match=match) as caught:
        worker.loaded.result(PATIENCE)
    assert caught.value.hint


def test_a_script_that_is_no_object_is_a_model_error(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text("[1]")
    with pytest.raises(ModelError, match="no JSON object"):
        start(LoadSpec("scripted", "m", str(path))).loaded.result(PATIENCE)


def test_a_window_is_sent_without_blocking_to_a_stopped_child(start: Start, script: Script) -> None:
    worker = start(script(texts=["a"]))
    worker.loaded.result(PATIENCE)
    os.kill(worker.pid, signal.SIGSTOP)
    begun = time.monotonic()
    future = worker.submit([window(1, secs=600)], OPTIONS)
    assert time.monotonic() - begun < 5
    assert not future.done()
    os.kill(worker.pid, signal.SIGCONT)
    assert future.result(PATIENCE).hypotheses[0].text == "a"


def test_stopping_does_not_wait_for_a_child_that_does_not_read(
    start: Start, script: Script
) -> None:
    worker = start(script(texts=["a"]))
    worker.loaded.result(PATIENCE)
    os.kill(worker.pid, signal.SIGSTOP)
    future = worker.submit([window(1, secs=600)], OPTIONS)
    worker.stop()
    assert gone(worker.pid)
    with pytest.raises(WorkerDied):
        future.result(PATIENCE)


def test_the_worker_ignores_ctrl_c(start: Start, script: Script) -> None:
    worker = start(script(texts=["a"]))
    worker.loaded.result(PATIENCE)
    os.kill(worker.pid, signal.SIGINT)
    assert text_of(worker) == "a"


def test_stopping_ends_the_child_its_threads_and_its_pipes(start: Start, script: Script) -> None:
    worker = start(script(texts=["a"]))
    text_of(worker)
    name = f"worker-{worker.pid}"
    worker.stop()
    assert not worker.alive
    eventually(
        lambda: not any(thread.name == name for thread in threading.enumerate()),
        "the threads end",
    )


def test_a_busy_worker_ends_when_it_is_stopped(start: Start, script: Script) -> None:
    worker = start(script(steps={"1": "hang"}))
    worker.loaded.result(PATIENCE)
    worker.submit([window(1)], OPTIONS)
    worker.stop()
    assert not worker.alive


def test_killing_twice_and_stopping_after_is_harmless(start: Start, script: Script) -> None:
    worker = start(script())
    worker.kill()
    worker.kill()
    worker.stop()
    with pytest.raises(WorkerDied):
        worker.loaded.result(PATIENCE)


@pytest.mark.slow
def test_twenty_workers_leave_no_descriptor_and_no_thread(start: Start, script: Script) -> None:
    process = psutil.Process()
    spec = script(texts=["a"])
    start(spec).stop()
    threads, descriptors = threading.active_count(), process.num_fds()
    for _ in range(20):
        worker = Worker(spec)
        worker.kill()
    eventually(lambda: threading.active_count() <= threads, "the threads end")
    eventually(lambda: process.num_fds() <= descriptors, "the pipes are closed")


def test_files_in_the_current_directory_are_not_imported(
    start: Start, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = script(texts=["a"])
    (tmp_path / "json.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    assert text_of(start(spec)) == "a"


PARENT = """
import sys
from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.runtime.worker import Worker
import numpy as np
worker = Worker(LoadSpec("scripted", "m", sys.argv[1]))
worker.loaded.result(30)
window = Window(0, 0, np.zeros(16000, np.float32))
future = worker.submit([window], DecodeOptions())
print(worker.pid, flush=True)
if sys.argv[2] == "waits":
    future.result(600)
if sys.argv[2] == "raises":
    raise RuntimeError("on purpose")
"""


@pytest.mark.parametrize("ending", ["returns", "raises", "waits"])
def test_no_worker_outlives_its_parent(script: Script, tmp_path: Path, ending: str) -> None:
    spec = script(steps={"1": "hang"})
    command = [sys.executable, "-c", PARENT, spec.path, ending]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean_environment(tmp_path),
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if ending == "waits":
            parent.kill()
        parent.wait(PATIENCE)
    assert gone(pid)
