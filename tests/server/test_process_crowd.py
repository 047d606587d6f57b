"""Many WebSockets that say nothing, against the real server."""

from __future__ import annotations

import json
import socket
import struct
from contextlib import ExitStack
from pathlib import Path

import pytest

from echocli.server.paced import SILENT
from echocli.wire.codes import PATH
from tests.server.conftest import StartServer

pytestmark = pytest.mark.network

HANDSHAKE = (
    f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
).encode()

RESET = struct.pack("ii", 1, 0)
"""Value of ``SO_LINGER`` with which a close is a reset."""


def test_who_says_nothing_makes_room_and_the_server_answers(
    start_server: StartServer, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"texts": ["one"]}))
    server = start_server("--provider", "scripted", "--fallback", "none", "--model", script)
    with ExitStack() as all_of_them:
        silent = []
        for count in range(SILENT + 60):
            one = all_of_them.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            one.settimeout(10)
            one.sendall(HANDSHAKE)
            if count % 10 == 0:  # gone before it is answered
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                one.close()
            else:
                assert one.recv(12) == b"HTTP/1.1 101"
                silent.append(one)
        assert len(silent) > SILENT
        assert server.health() is not None
        said = b"".join(iter(lambda: silent[0].recv(1 << 16), b""))
        assert b"idle" not in said, "its time was over"
    assert server.terminate() == 0
    assert "defect" not in server.stderr
