"""Write what is made from the program itself: ``python -m tools.generate [--check]``.

The reference pages in ``docs/reference``, the manual pages in ``docs/man``, the schemas in
``docs/schemas`` and the scripts in ``completions``. ``--check`` writes nothing and fails with the
names of the files that are out of date.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tools import environment, exit_codes, json_pages, man, settings
from tools.commands import PROGRAM, read_commands, read_program
from tools.completions import SHELLS
from tools.reference import index, page
from tools.schemas.documents import schemas

ROOT = Path(__file__).resolve().parent.parent
PAGES = Path("docs/reference")
MANUAL = Path("docs/man")
SCHEMAS = Path("docs/schemas")
SCRIPTS = Path("completions")
CONFIGURATION = Path("docs/configuration.md")
FOLDERS = (PAGES, MANUAL, SCHEMAS, SCRIPTS)
"""Nothing else is in them."""


def generate() -> dict[Path, str]:
    """Return every generated file by its path in the repository."""
    program, commands = read_program(), read_commands()
    return {
        PAGES / "README.md": index(program, commands),
        **{PAGES / f"{command.name}.md": page(command) for command in commands},
        **_reference(),
        CONFIGURATION: settings.updated((ROOT / CONFIGURATION).read_text(encoding="utf-8")),
        **{MANUAL / name: text for name, text in man.pages(program, commands).items()},
        **{
            SCHEMAS / document.file: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
            for document, schema in schemas()
        },
        **{
            SCRIPTS / f"{PROGRAM}.{shell}": write(program, commands)
            for shell, write in SHELLS.items()
        },
    }


def _reference() -> dict[Path, str]:
    return {
        PAGES / "settings.md": environment.settings_page(),
        PAGES / "environment.md": environment.page(),
        PAGES / "exit-codes.md": exit_codes.page(),
        PAGES / "json.md": json_pages.json_page(),
        PAGES / "events.md": json_pages.events_page(),
        PAGES / "messages.md": json_pages.messages_page(),
    }


def stale(files: dict[Path, str], root: Path = ROOT) -> list[Path]:
    """Return the files that are missing, differ, or belong to a command that is gone."""
    differ = [
        path
        for path, text in files.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    present = {path.relative_to(root) for folder in FOLDERS for path in (root / folder).glob("*")}
    return sorted([*differ, *(present - set(files))])


def write(files: dict[Path, str], root: Path = ROOT) -> None:
    """Write the files and remove those of commands that are gone."""
    for path in stale(files, root):
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path], encoding="utf-8", newline="\n")
        else:
            (root / path).unlink()
        print(path)


def main() -> int:
    """Write the files, or say which ones are out of date."""
    parser = argparse.ArgumentParser(description="Write what is made from the program.")
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
