"""A web server on this machine that behaves, or misbehaves, as it is told."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TypeAlias

Act: TypeAlias = "Callable[[Handler, bytes], None]"
"""What is done with one request instead of serving it; gets the file that was asked for."""


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("Range")


@dataclass
class Server:
    """Files by path, what to do before serving them, and what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    acts: dict[str, list[Act]] = field(default_factory=dict)
    """Path → what is done with the next requests for it, one each."""
    asked: list[Asked] = field(default_factory=list)
    ranges: bool = True
    tags: bool = True
    sent: int = 0
    """Bytes of files that went out."""
    closing: Event = field(default_factory=Event)
    url: str = ""

    def put(self, path: str, data: bytes, *acts: Act) -> str:
        """Serve a file, after doing what ``acts`` say with the first requests; return its URL."""
        self.files[path] = data
        self.acts[path] = list(acts)
        return self.url + path

    def asked_for(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.partition("?")[0] == path]

    def put_model(
        self,
        repo: str,
        files: Mapping[str, bytes],
        *,
        commit: str = "a" * 40,
        revision: str = "main",
        large: tuple[str, ...] = ("model.bin",),
    ) -> None:
        """Serve a repository as a Hugging Face hub does, at a branch and at its commit."""
        siblings = [sibling(name, data, name in large) for name, data in files.items()]
        info = json.dumps({"id": repo, "sha": commit, "siblings": siblings}).encode()
        for name in (revision, commit):
            self.put(f"/api/models/{repo}/revision/{name}", info)
        for name, data in files.items():
            self.put(f"/{repo}/resolve/{commit}/{name}", data)


def sibling(name: str, data: bytes, large: bool) -> dict[str, object]:
    """Describe a file as ``/api/models/…?blobs=true`` does."""
    blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    found: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": blob}
    if large:
        sha256 = hashlib.sha256(data).hexdigest()
        found["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 134}
    return found


class Handler(BaseHTTPRequestHandler):
    """Serve one connection."""

    protocol_version = "HTTP/1.1"
    place: Server

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        place, path = self.place, self.path.partition("?")[0]
        place.asked.append(Asked(self.path, dict(self.headers.items())))
        data = place.files.get(path)
        if data is None:
            self.answer(404, b"not here")
        elif place.acts[path]:
            place.acts[path].pop(0)(self, data)
        else:
            self.serve(data)

    def serve(self, data: bytes) -> None:
        """Answer as RFC 9110 wants it, with the range that was asked for if there is one."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        headers = {"ETag": tag} if self.place.tags else {}
        if not match or not self.place.ranges or self.headers.get("If-Range", tag) != tag:
            self.answer(200, data, headers)
        elif int(match[1]) >= len(data):
            self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        else:
            start = int(match[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.answer(206, data[start:], headers)

    def answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, **lie: int
    ) -> None:
        """Answer; ``length`` states another length than the body has."""
        self.send_response(status)
        self.send_header("Content-Length", str(lie.get("length", len(body))))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if lie:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
        self.place.sent += len(body)

    def begin(self, data: bytes, count: int) -> None:
        """Promise all that was asked for and send the first ``count`` bytes of it."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[start : start + count])
        self.wfile.flush()
        self.place.sent += count
        self.close_connection = True


def cut(count: int) -> Act:
    """Close the connection after so many bytes."""
    return lambda handler, data: handler.begin(data, count)


def stall(count: int) -> Act:
    """Send so many bytes and then nothing, without closing."""

    def act(handler: Handler, data: bytes) -> None:
        handler.begin(data, count)
        handler.place.closing.wait(60)

    return act


def silence(handler: Handler, data: bytes) -> None:
    """Take the request and never answer."""
    handler.close_connection = True
    handler.place.closing.wait(60)


def hang_up(handler: Handler, data: bytes) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def refuse(status: int, **headers: str) -> Act:
    """Answer with a status, and headers whose underscores mean dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def act(handler: Handler, data: bytes) -> None:
        handler.answer(status, b"no", named)

    return act


def redirect(url: str, status: int = 302) -> Act:
    return refuse(status, Location=url)


def lie(length: int) -> Act:
    """State a length that is not that of what is sent."""
    return lambda handler, data: handler.answer(200, data, length=length)


def another_range(handler: Handler, data: bytes) -> None:
    """Send a range from the start, whatever was asked for."""
    headers = {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}
    handler.answer(206, data, headers)


def ignoring_if_range(handler: Handler, data: bytes) -> None:
    """Send the rest that was asked for, of whatever version there is by now."""
    del handler.headers["If-Range"]
    handler.serve(data)


def endless(count: int) -> Act:
    """Send so many bytes and close, without saying how many there are."""

    def act(handler: Handler, data: bytes) -> None:
        handler.send_response(200)
        handler.close_connection = True
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(data[:count])

    return act


class _Quiet(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what many of these tests are about."""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server until the block is left; every connection is over by then."""
    place = Server()
    handler = type("Bound", (Handler,), {"place": place, "timeout": 10})
    with _Quiet(("127.0.0.1", 0), handler) as server:
        place.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield place
        finally:
            place.closing.set()
            server.shutdown()
            thread.join()
