"""Write what is made from the commands: ``python -m tools.generate [--check]``.

The reference pages in ``docs/reference`` and the scripts in ``completions``. ``--check`` writes
nothing and fails with the names of the files that are out of date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.commands import PROGRAM, read_commands, read_program
from tools.completions import SHELLS
from tools.reference import index, page

ROOT = Path(__file__).resolve().parent.parent
PAGES = Path("docs/reference")
SCRIPTS = Path("completions")


def generate() -> dict[Path, str]:
    """Return every generated file by its path in the repository."""
    program, commands = read_program(), read_commands()
    pages = {PAGES / f"{command.name}.md": page(command) for command in commands}
    scripts = {
        SCRIPTS / f"{PROGRAM}.{shell}": write(program, commands) for shell, write in SHELLS.items()
    }
    return {PAGES / "README.md": index(program, commands)} | pages | scripts


def stale(files: dict[Path, str], root: Path = ROOT) -> list[Path]:
    """Return the files that are missing, differ, or belong to a command that is gone."""
    differ = [
        path
        for path, text in files.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    present = {
        path.relative_to(root) for folder in (PAGES, SCRIPTS) for path in (root / folder).iterdir()
    }
    return sorted([*differ, *(present - set(files))])


def write(files: dict[Path, str], root: Path = ROOT) -> None:
    """Write the files and remove those of commands that are gone."""
    for path in stale(files, root):
        if path in files:
            (root / path).write_text(files[path], encoding="utf-8", newline="\n")
        else:
            (root / path).unlink()
        print(path)


def main() -> int:
    """Write the files, or say which ones are out of date."""
    parser = argparse.ArgumentParser(description="Write reference pages and completions.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if out of date")
    files = generate()
    if not parser.parse_args().check:
        write(files)
        return 0
    old = stale(files)
    for path in old:
        print(f"{path} is out of date: run `make docs`", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
