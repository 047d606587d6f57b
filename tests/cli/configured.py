"""Config files for the program in tests."""

from __future__ import annotations

from pathlib import Path

PROFILES = """\
model = "base"
vad = false
[profile.meeting]
beam_size = 3
[profile.other]
"""


def written(home: Path, toml: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(toml, encoding="utf-8")
    return home / "config.toml"
