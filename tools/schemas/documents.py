"""Every kind of JSON the program writes, and the schema file of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from echocli.types import Transcript
from tools.schemas import benchmark, listings, machine, measured, running, settings
from tools.schemas.draft import DRAFT, Drawing, Json
from tools.schemas.shapes import about
from tools.schemas.stream import REFINED, draw_event


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of JSON."""

    name: str
    title: str
    shape: type | None
    """What it is; ``None`` for an event, which is one of several."""
    made_by: str
    """The commands that write it, in Markdown."""

    @property
    def file(self) -> str:
        """The file of its schema."""
        return f"{self.name}.schema.json"


EVENT = Document("event", "Event", None, "a line of `-f jsonl` and of `echocli live -f jsonl`")

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
)


def schema(document: Document) -> Json:
    """Return the schema of a document, whole: it refers to no other file."""
    drawing = Drawing(REFINED)
    if document.shape is None:
        body = {"description": "What happens during a transcription.", **draw_event(drawing)}
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
