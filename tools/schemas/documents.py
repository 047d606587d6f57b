"""Every kind of JSON the program writes, and the schema file of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from echocli.types import Transcript
from tools.schemas import benchmark, listings, machine, measured, running, serving, settings
from tools.schemas.draft import DRAFT, Drawing, Json
from tools.schemas.shapes import about
from tools.schemas.stream import draw_event
from tools.schemas.wire import WIRE, draw_client, draw_server


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of JSON."""

    name: str
    title: str
    shape: type | None
    """What it is; ``None`` for one of several, such as an event."""
    made_by: str
    """The commands that write it, in Markdown."""

    @property
    def file(self) -> str:
        """The file of its schema."""
        return f"{self.name}.schema.json"


EVENT = Document("event", "Event", None, "a line of `-f jsonl` and of `echocli live -f jsonl`")

CLIENT = Document("wire-client", "Message of a client", None, "a client of `/v1/live`")

SERVER = Document("wire-server", "Message of the server", None, "the server on `/v1/live`")

UNIONS: Mapping[Document, tuple[str, Callable[[Drawing], Json]]] = {
    EVENT: ("What happens during a transcription.", draw_event),
    CLIENT: ("What a client of `/v1/live` sends as text.", draw_client),
    SERVER: ("What the server sends on `/v1/live`.", draw_server),
}
"""Documents that are one of several, with what they are and how they are drawn."""

DOCUMENTS = (
    Document("transcript", "Transcript", Transcript, "`-f json`"),
    EVENT,
    Document("detect", "Machine", machine.Detect, "`echocli detect --json`"),
    Document("warmup", "Warm-up", measured.Warmup, "`echocli warmup --json`"),
    Document("bench", "Benchmark", benchmark.Bench, "`echocli bench --json`"),
    Document("compare", "Comparison", measured.Comparison, "`echocli bench --compare --json`"),
    Document("plan", "Plan", settings.Plan, "`echocli transcribe --dry-run --json`"),
    Document("config", "Settings", settings.Config, "`echocli config show --json`"),
    Document("models", "Models", listings.Models, "`echocli models list --json`"),
    Document(
        "models-verify", "Checked models", listings.Verification, "`echocli models verify --json`"
    ),
    Document("models-path", "Path of a model", listings.ModelPlace, "`echocli models path --json`"),
    Document(
        "models-update", "Updates of models", listings.Updates, "`echocli models update --json`"
    ),
    Document("providers", "Providers", listings.Providers, "`echocli providers --json`"),
    Document("devices", "Audio inputs", listings.Devices, "`echocli devices --json`"),
    Document("metrics", "Metrics", running.Metrics, "a line of the file of `--metrics-file`"),
    Document("health", "Health of the server", serving.ServerHealth, "`GET /health`"),
    Document("model-status", "State of the model", serving.ModelStatus, "`GET /model-status`"),
    CLIENT,
    SERVER,
)


def schema(document: Document) -> Json:
    """Return the schema of a document, whole: it refers to no other file."""
    drawing = Drawing(WIRE)
    if document.shape is None:
        text, draw = UNIONS[document]
        body = {"description": text, **draw(drawing)}
    else:
        drawing.reference(document.shape)
        body = drawing.defs.pop(document.shape.__name__)
        body["description"] = about(document.shape)
    return {
        "$schema": DRAFT,
        "$id": f"urn:echocli:schema:{document.name}",
        "title": f"EchoCLI: {document.title}",
        **body,
        "$defs": drawing.defs,
    }


def schemas() -> Iterator[tuple[Document, Json]]:
    """Yield every document with its schema."""
    return ((document, schema(document)) for document in DOCUMENTS)
