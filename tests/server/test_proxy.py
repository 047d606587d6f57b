"""The proxy of the tests does what it is told, and is quiet when it is told nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.server.proxy import Kind, Trouble, plan, proxying
from tests.waiting import eventually

pytestmark = pytest.mark.network

DATA = bytes(range(256)) * 400


@contextmanager
def echo() -> Iterator[int]:
    """Send back what comes, one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_echo, args=[listener])
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            taken, _ = listener.accept()
        except OSError:
            return
        with taken:
            try:
                while data := taken.recv(1 << 16):
                    taken.sendall(data)
            except OSError:
                pass


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def received(taken: socket.socket, count: int) -> bytes:
    """Read so many bytes, fewer where the connection ends before."""
    parts = b""
    while len(parts) < count and (data := taken.recv(1 << 16)):
        parts += data
    return parts


def test_without_trouble_everything_passes() -> None:
    with echo() as target, proxying(target) as proxy, connected(proxy.port) as taken:
        threading.Thread(target=taken.sendall, args=[DATA]).start()
        assert received(taken, len(DATA)) == DATA
        assert (proxy.connections, proxy.happened) == (1, [])


def test_cut_ends_a_connection_in_order_and_the_next_one_works() -> None:
    with echo() as target, proxying(target) as proxy:
        with connected(proxy.port) as taken:
            taken.sendall(b"one")
            assert received(taken, 3) == b"one"
            proxy.trouble(Trouble(Kind.CUT))
            assert taken.recv(1) == b""
        with connected(proxy.port) as taken:
            taken.sendall(b"two")
            assert received(taken, 3) == b"two"


def test_reset_is_an_error_at_the_client() -> None:
    with echo() as target, proxying(target) as proxy, connected(proxy.port) as taken:
        taken.sendall(b"one")
        assert received(taken, 3) == b"one"
        proxy.trouble(Trouble(Kind.RESET))
        with pytest.raises(ConnectionResetError):
            taken.recv(1)


def test_stall_holds_everything_back_and_loses_nothing() -> None:
    with echo() as target, proxying(target) as proxy, connected(proxy.port) as taken:
        begun = time.monotonic()
        taken.sendall(b"one")
        assert received(taken, 3) == b"one"
        proxy.trouble(Trouble(Kind.STALL, seconds=0.3))
        eventually(lambda: bool(proxy.happened))
        taken.sendall(b"two")
        assert received(taken, 3) == b"two"
        assert time.monotonic() - begun >= 0.3


def test_delay_makes_every_piece_come_later() -> None:
    with echo() as target, proxying(target) as proxy, connected(proxy.port) as taken:
        proxy.trouble(Trouble(Kind.DELAY, seconds=5.0, amount=0.1))
        eventually(lambda: bool(proxy.happened))
        begun = time.monotonic()
        taken.sendall(b"one")
        assert received(taken, 3) == b"one"
        assert time.monotonic() - begun >= 0.2


def test_truncate_passes_the_beginning_of_a_piece() -> None:
    with echo() as target, proxying(target) as proxy, connected(proxy.port) as taken:
        proxy.trouble(Trouble(Kind.TRUNCATE, amount=5))
        eventually(lambda: bool(proxy.happened))
        taken.sendall(b"0123456789")
        with pytest.raises(ConnectionResetError):
            received(taken, 10)


def test_refusing_resets_new_connections_for_a_while() -> None:
    with echo() as target, proxying(target) as proxy:
        proxy.trouble(Trouble(Kind.REFUSE, seconds=0.3))
        eventually(lambda: bool(proxy.happened))
        with pytest.raises(ConnectionResetError):  # at the connect, or at the first byte
            read_to_the_end(proxy.port)
        assert answers_again(proxy.port)


def read_to_the_end(port: int) -> None:
    with connected(port) as taken:
        taken.recv(1)


def answers_again(port: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            with connected(port) as taken:
                taken.sendall(b"two")
                return received(taken, 3) == b"two"
        except ConnectionError:
            continue
    return False


def test_a_plan_has_every_kind_before_any_comes_again() -> None:
    for seed in range(20):
        kinds = [one.kind for one in plan(seed, 300)]
        assert len(kinds) > 2 * len(Kind)
        for first in range(0, len(kinds), len(Kind)):
            once = kinds[first : first + len(Kind)]
            assert len(once) == len(set(once))


def test_a_plan_is_in_time_and_the_same_for_the_same_seed() -> None:
    assert plan(7, 300) == plan(7, 300)
    assert plan(7, 300) != plan(8, 300)
    times = [one.at for one in plan(7, 300)]
    assert times == sorted(times)
    assert times[-1] < 300
