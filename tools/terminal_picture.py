"""Draw what the program shows in a terminal: ``python -m tools.terminal_picture`` (`make picture`).

The program really runs. Its figures differ from run to run, so this is done by hand; a test holds
the words of the picture against those of the program.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tools.terminal import COLUMNS, PALE, Run, record, screens

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "terminal.svg"

DONE = (
    "echocli transcribe samples/meeting.flac",
    "echocli transcribe -f srt -o subtitles samples/*.flac",
    "head -n 7 subtitles/meeting.srt",
)
"""What is typed first, and shown to its end."""

OPEN = "echocli live --file samples/meeting.flac"
"""What is typed last, and shown while somebody speaks."""

PROMPT = "$ "
WIDTH, HEIGHT = 8.4, 19
"""Of a character, in pixels: that of a font of 14 pixels."""
MARGIN = 16
BAR = 34
"""Height of the top of the window."""

COLOURS = {
    "default": "#d7dae0",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#f2cc60",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    PALE: "#8b949e",
}
"""The emulator's colours → those of the picture; others are as the program says."""

FONT = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"


def environment(folder: Path) -> Mapping[str, str]:
    """Return the variables of somebody who has chosen tiny.en, and is in ``folder``.

    The program and the samples are put there.
    """
    (folder / "samples").symlink_to(ROOT / "samples")
    program = folder / "echocli"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m echocli "$@"\n')
    program.chmod(0o755)
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
    return kept | {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "ECHOCLI_MODEL": "tiny.en",
        "ECHOCLI_CONFIG_DIR": str(folder),
        "ECHOCLI_DATA_DIR": str(folder),
    }


def session(variables: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Run everything where we are; return what was shown up to the last command, and of that."""
    shown = b""
    for command in DONE:
        shown += _typed(command) + record(command, variables)
    return shown + _typed(OPEN), record(OPEN, variables)


def _typed(command: str) -> bytes:
    return f"\x1b[32m{PROMPT}\x1b[0;1m{command}\x1b[0m\r\n".encode()


def moment(before: bytes, data: bytes) -> list[list[Run]]:
    """Return the last screen on which some words are settled and several are still pale."""
    found = [rows for rows in screens(before, data) if len(rows) > 1 and _is_open(rows[-2])]
    return found[-1]


def _is_open(row: Sequence[Run]) -> bool:
    return len(row) == 2 and row[1].colour == PALE and len(row[1].text) > 12


def draw(rows: Sequence[Sequence[Run]]) -> str:
    """Return an SVG image that needs nothing from elsewhere: a ``g`` a row, a ``text`` a run."""
    width = round(COLUMNS * WIDTH + 2 * MARGIN)
    height = BAR + len(rows) * HEIGHT + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(OPEN)} and others in a terminal</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>',
        *(
            f'<circle cx="{20 + 18 * place}" cy="18" r="5.5" fill="{colour}"/>'
            for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<g font-family="{FONT}" font-size="14">',
        *(_row(number, row) for number, row in enumerate(rows)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _row(number: int, row: Sequence[Run]) -> str:
    base, column, parts = BAR + number * HEIGHT + 14, 0, []
    for run in row:
        place = f'x="{MARGIN + column * WIDTH:g}" y="{base}" textLength="{len(run.text) * WIDTH:g}"'
        weight = ' font-weight="bold"' if run.bold else ""
        colour = COLOURS.get(run.colour, f"#{run.colour}")
        # Viewers put other spaces together, whatever xml:space says.
        said = escape(run.text).replace(" ", "\N{NO-BREAK SPACE}")
        parts.append(f'<text {place} fill="{colour}"{weight}>{said}</text>')
        column += len(run.text)
    return f"<g>{''.join(parts)}</g>"


def main() -> int:
    """Run the program and draw it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        rows = moment(*session(environment(Path(folder))))
    PICTURE.write_text(draw(rows), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
