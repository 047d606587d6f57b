"""Requests of the real server that has a token, and what it answers."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.server.process import Answer, ServerProcess

TOKEN = "s3cret-of-the-test"


def form(samples: Path, **fields: str) -> tuple[bytes, dict[str, str]]:
    """Return a form with a file, and its header."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="m.flac"\r\n\r\n'
    body = b"".join(parts) + head + (samples / "meeting.flac").read_bytes() + b"\r\n--x--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=x"}


def transcribed(server: ServerProcess, samples: Path, **fields: str) -> Answer:
    body, headers = form(samples, **fields)
    return server.ask("POST", "/v1/audio/transcriptions", body, headers=headers, token=TOKEN)


def code(answer: Answer) -> str:
    found: str = answer.json["error"]["code"]
    return found


def metrics(server: ServerProcess) -> dict[str, float]:
    """Return every sample of a scrape without labels, added up."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(server.get("/metrics", token=TOKEN).body.decode()):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found
