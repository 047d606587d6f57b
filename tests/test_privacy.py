"""Nothing is reported to anybody: "no sound ever leaves it" holds for the libraries too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import RunEchocli


@pytest.mark.model
def test_transcribing_leaves_nothing_in_the_home(
    run_echocli: RunEchocli, samples: Path, tiny_model: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = run_echocli(
        "transcribe",
        samples / "meeting.flac",
        "--model",
        tiny_model,
        env={"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")},
    )
    assert done.code == 0, done.stderr
    assert [str(path) for path in home.rglob("*") if path.is_file()] == []
