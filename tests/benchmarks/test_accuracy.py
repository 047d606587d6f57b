"""The table counts the clips it says it counts, and their errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import report, score, table
from benchmarks.corpus import HEADLINE, Clip, group_of, select

pytestmark = pytest.mark.unit

FACTS: dict[str, Any] = {
    "id": "one",
    "file": "one.wav",
    "seconds": 2.0,
    "language": "en",
    "reference": "It's 5 o'clock, Dr. Smith.",
    "reference_quality": "published",
    "kind": "read",
    "channels": 1,
    "derived": False,
    "note": None,
}


@pytest.mark.parametrize(
    ("change", "group"),
    [
        ({}, HEADLINE),
        ({"kind": "long", "reference_quality": "quoted_public_text"}, HEADLINE),
        ({"channels": 2}, "two channels"),
        ({"derived": True}, "joined"),
        ({"note": "very quiet recording"}, "very quiet"),
        ({"note": "possibly synthetic voice"}, None),
        ({"language": "de"}, None),
        ({"kind": "noise"}, None),
        ({"reference_quality": "inherited"}, None),
    ],
)
def test_clips_count_towards_the_right_figure(change: dict[str, Any], group: str | None) -> None:
    assert group_of(FACTS | change) == group


def corpus_of(folder: Path, count: int) -> None:
    lines = [json.dumps(FACTS | {"id": str(number)}) for number in range(count)]
    (folder / "manifest.jsonl").write_text("\n".join(lines))


def test_halves_are_disjoint_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus_of(tmp_path, 5)
    monkeypatch.setenv("ECHOCLI_CORPUS", str(tmp_path))
    odd, even = ({clip.id for clip in select(half, None, apart=False)} for half in ("odd", "even"))
    assert not odd & even
    assert len(odd | even) == 5


def test_a_missing_corpus_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECHOCLI_CORPUS", raising=False)
    with pytest.raises(SystemExit, match="set ECHOCLI_CORPUS"):
        select(None, None, apart=False)


def test_errors_are_counted_after_normalising() -> None:
    clips = [
        Clip("a", Path("a.wav"), 2.0, "Dr. Smith doesn't agree, um, with the colour.", HEADLINE),
        Clip("b", Path("b.wav"), 2.0, "The cat sat here.", HEADLINE),
    ]
    texts = {"a": "doctor smith does not agree with the color", "b": "the dog sat"}
    row = score("tool", HEADLINE, clips, texts, 10.0)
    assert (row.words, row.substitutions, row.deletions, row.insertions) == (12, 1, 1, 0)
    assert row.wer == pytest.approx(100 * 2 / 12, abs=0.01)
    assert "| tool | headline | 2 | 12 | 16.67 | 1 | 1 | 0 | 10.0 |" in table([row])
    assert json.loads(report([row], {"tool": texts}, clips))["clips"]["b"]["tool"] == "the dog sat"
