"""``echocli serve`` before anything is served; what it does then is in ``tests/server``."""

from __future__ import annotations

import importlib.util
import signal
import socket
from pathlib import Path

import pytest

from echocli.cli import serve
from echocli.errors import ProviderError
from tests.cli.conftest import Script, Start, assert_all_end
from tests.conftest import RunEchocli

pytestmark = [pytest.mark.unit]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.9"])
def test_others_are_not_served_without_a_token(
    run_echocli: RunEchocli, script: Script, host: str
) -> None:
    done = run_echocli("serve", "--host", host, *script())
    assert (done.code, done.stdout) == (2, "")
    assert f"{host}: others can reach it, and there is no token" in done.stderr
    assert "--insecure" in done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--warmup-level", "7"], "--warmup-level takes 2 or 3"),
        (["--unload-after", "-1"], "--unload-after takes a number from 0"),
        (["--port", "70000"], "--port"),
        (["--port", "-1"], "--port"),
        (["--max-sessions", "0"], "--max-sessions"),
        (["--session-seconds", "0"], "--session-seconds"),
        (["--idle-seconds", "nan"], "--idle-seconds"),
        (["--warmup-level", "1"], "--warmup-level"),
        (["--rate-limit", "-5"], "--rate-limit"),
        (["--allow-origin", "nowhere"], "--allow-origin"),
        (["--token", "two words"], "--token"),
        (["--token", "a", "--token-file", "b"], "--token-file"),
        (["--token-file", ""], "--token-file is empty"),
        (["--token-file", "missing"], "missing"),
        (["--ssl-certfile", "missing.pem"], "missing.pem"),
        (["--ssl-keyfile", "missing.pem"], "--ssl-certfile"),
    ],
)
def test_what_makes_no_sense_is_told_at_once(
    run_echocli: RunEchocli, words: list[str], text: str
) -> None:
    done = run_echocli("serve", *words)
    assert (done.code, done.stdout) == (2, "")
    assert text in done.stderr


def test_a_port_that_is_taken_is_told_before_a_model_is_loaded(
    run_echocli: RunEchocli, script: Script
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_echocli("serve", "--port", str(port), *script())
    assert done.code == 1
    assert f"cannot listen on 127.0.0.1 port {port}: " in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "1.2.3.4.5", "192.0.2.1", "a" * 300])
def test_an_address_that_is_not_ours_is_told(
    run_echocli: RunEchocli, script: Script, host: str
) -> None:
    done = run_echocli("serve", "--host", host, "--insecure", "--port", "0", *script())
    assert done.code == 1
    assert f"cannot listen on {host}" in done.stderr


def test_a_model_that_is_not_there_ends_it_with_its_own_code(run_echocli: RunEchocli) -> None:
    done = run_echocli("serve", "--port", "0", "-m", "no-such-model")
    assert done.code == 4
    assert "no-such-model" in done.stderr


def test_without_its_libraries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "uvicorn" else real(name))
    with pytest.raises(ProviderError, match="uvicorn") as caught:
        serve.require()
    assert caught.value.hint == "pip install 'echocli[server]'"


def test_without_what_they_need_themselves_it_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> None:
        raise ModuleNotFoundError(f"No module named 'h11', by {name}", name="h11")

    monkeypatch.setattr(serve, "import_module", lacking)
    with pytest.raises(ProviderError, match="serve needs h11, which is not installed") as caught:
        serve.require()
    assert caught.value.exit_code == 4


def test_a_defect_of_our_own_is_no_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError(f"cannot import name 'x' by {name}", name="echocli.server.app")

    monkeypatch.setattr(serve, "import_module", broken)
    with pytest.raises(ImportError, match="cannot import name"):
        serve.require()


def test_the_token_of_the_variable_is_never_printed(
    run_echocli: RunEchocli, script: Script
) -> None:
    env = {"ECHOCLI_TOKEN": "s3cret-of-the-test"}
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_echocli("serve", "-vv", "--port", str(port), *script(), env=env)
    assert done.code == 1
    assert "s3cret" not in done.stderr
    shown = run_echocli("config", "show", "--all", "--json", env=env)
    assert "s3cret" not in shown.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order_and_leaves_no_process(
    start_echocli: Start, script: Script, number: signal.Signals
) -> None:
    running = start_echocli("serve", "--port", "0", *script())
    workers = running.workers()
    assert running.process.stderr is not None
    told = b""
    while b"http://127.0.0.1:" not in told:
        line = running.process.stderr.readline()
        assert line, told
        told += line
    running.signal_group(number)
    code, out, err = running.end()
    assert (code, out) == (0, ""), err
    assert_all_end(workers)


def test_its_help_warns_of_a_token_on_the_command_line(run_echocli: RunEchocli) -> None:
    text = " ".join(run_echocli("serve", "--help").stdout.split())
    assert "prefer ECHOCLI_TOKEN or --token-file" in text


def test_an_empty_token_file_of_the_configuration_is_named(
    run_echocli: RunEchocli, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.touch()
    done = run_echocli("serve", env={"ECHOCLI_TOKEN_FILE": str(path)})
    assert done.code == 2
    assert str(path) in done.stderr
