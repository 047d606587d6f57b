"""The table of settings in ``docs/configuration.md``: ``python -m tools.settings`` writes it."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: made by tools/settings.py -->\n", "<!-- end of settings -->\n"


def table() -> str:
    """Return the settings in the order of the program's own table."""
    from echocli.config import ALIASES, KEYS, spelled

    lines = ["| setting | takes | default | older variable |", "|---|---|---|---|"]
    for name, key in KEYS.items():
        default = _code(spelled(key.default)) if key.default not in (None, "", ()) else ""
        older = _code(ALIASES.get(name, ""))
        lines.append(f"| `{name}` | {key.kind.says} | {default} | {older} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def updated(page: str) -> str:
    """Return the page with the table of today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
