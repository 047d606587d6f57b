"""Print what was measured, and write it where that was asked for, with how it was made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import cpu_model, library_versions


def publish(folder: Path | None, name: str, body: str, how: str) -> None:
    """Print a page that says ``how`` it was made; also write it to ``NAME.md`` in ``folder``."""
    versions = ", ".join(f"{key} {found}" for key, found in library_versions().items() if found)
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    page = f"# {name}\n\n{how}\n\n{body}\n\nMeasured {when} on {cpu_model()}; {versions}.\n"
    print(page)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
