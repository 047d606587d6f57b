"""Pulls that are cut or killed, and pulls and conversions at the same time."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from echocli.errors import ModelError
from echocli.models.parts import PartFile
from echocli.models.store import Store
from tests.conftest import ROOT
from tests.models.modelfiles import make_ggml
from tests.models.pulling import AWAY, REPO, a_hub, bring, environment
from tests.models.server import Handler, Server, cut, hang_up, stall

pytestmark = pytest.mark.network


@pytest.fixture
def hub() -> Iterator[Server]:
    with a_hub() as server:
        yield server


def test_what_came_before_an_end_is_taken_up(tmp_path: Path, hub: Server) -> None:
    path = f"/{REPO}/resolve/{'a' * 40}/model.bin"
    hub.acts[path] = [cut(50_000), *[hang_up] * 9]
    with pytest.raises(ModelError):
        bring(tmp_path, hub.url)
    assert Store(environment(tmp_path, AWAY)).find("base") is None
    hub.acts[path].clear()
    bring(tmp_path, hub.url)
    assert hub.asked_for(path)[-1].range == "bytes=50000-"
    assert len(hub.asked_for(f"/{REPO}/resolve/{'a' * 40}/config.json")) == 1


def test_a_cut_pull_and_a_conversion_do_not_block_each_other(tmp_path: Path, hub: Server) -> None:
    data = make_ggml(tmp_path / "made.bin").read_bytes()
    url = hub.put("/ggml-base.bin", data, cut(1000), *[hang_up] * 9)
    with pytest.raises(ModelError):
        bring(tmp_path, hub.url, source=url)
    target = tmp_path / "data/models/ggml-base.bin"
    with PartFile(target) as converting:  # as a conversion writes
        converting.stream.write(b"half")
    target.with_name("ggml-base.bin.part").write_bytes(b"what a killed conversion leaves")
    hub.acts["/ggml-base.bin"].clear()
    assert bring(tmp_path, hub.url, source=url).path == target


def test_force_goes_on_where_it_was_cut(tmp_path: Path, hub: Server) -> None:
    bring(tmp_path, hub.url)
    path = f"/{REPO}/resolve/{'a' * 40}/model.bin"
    hub.acts[path] = [cut(50_000), *[hang_up] * 9]
    with pytest.raises(ModelError):
        bring(tmp_path, hub.url, force=True)
    hub.acts[path].clear()
    bring(tmp_path, hub.url, force=True)
    assert hub.asked_for(path)[-1].range == "bytes=50000-"


CHILD = """
import sys
from echocli.environment import Environment
from echocli.models.pull import pull
from echocli.models.store import Store
env = Environment()
tell = lambda text: print(text, flush=True)
progress = lambda it: print(it.file, it.done, flush=True)
print(pull(Store(env), env, "base", notice=tell, progress=progress).path, flush=True)
"""


def child(home: Path, endpoint: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment(home, endpoint).environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
class TestTogether:
    """Pulls in several processes."""

    def test_two_pulls_of_one_model_are_one(self, tmp_path: Path, hub: Server) -> None:
        path = f"/{REPO}/resolve/{'a' * 40}/model.bin"
        go = Event()

        def wait(handler: Handler, data: bytes) -> None:
            go.wait(60)
            handler.serve(data)

        hub.acts[path] = [wait]
        with child(tmp_path, hub.url) as one:
            assert one.stdout is not None
            while one.stdout.readline().split() != ["vocabulary.txt", "4"]:
                pass
            with child(tmp_path, hub.url) as other:
                assert other.stdout is not None
                assert "another pull of model 'base' is under way" in other.stdout.readline()
                go.set()
                said = other.communicate(timeout=60)[0].splitlines()
            rest = one.communicate(timeout=60)[0].splitlines()
        assert "here already" in said[0]
        assert rest[-1] == said[-1] == str(tmp_path / "data/models/base")
        assert len(hub.asked_for(path)) == 1

    def test_after_a_kill_only_the_rest_is_fetched(self, tmp_path: Path, hub: Server) -> None:
        path = f"/{REPO}/resolve/{'a' * 40}/model.bin"
        hub.acts[path] = [stall(60_000)]
        with child(tmp_path, hub.url) as process:
            assert process.stdout is not None
            while process.stdout.readline().split() != ["model.bin", "60000"]:
                pass
            process.send_signal(signal.SIGKILL)
        assert Store(environment(tmp_path, AWAY)).find("base") is None
        bring(tmp_path, hub.url)
        assert hub.asked_for(path)[-1].range == "bytes=60000-"
        assert len(hub.asked_for(f"/{REPO}/resolve/{'a' * 40}/tokenizer.json")) == 1
