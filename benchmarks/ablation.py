"""What each part of the decoding is worth: everything as it is, then each part switched off.

::

    ECHOCLI_CORPUS=/path/to/recordings python -m benchmarks.ablation --rounds 3

The default preset decodes the clips of the headline and the long recording of the comparison with
the peers, in a process of its own for each part and round, without worker and file output: what is
timed is reading, voice detection, windows and the model, one after the other. Rounds are
interleaved.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import report, tables, weights
from benchmarks.material import Material, build, gather
from benchmarks.publish import publish
from benchmarks.rounds import tell
from echocli.audio.open import open_source
from echocli.decoding.guards import Thresholds
from echocli.decoding.pipeline import Pipeline, PipelineOptions
from echocli.decoding.presets import RECIPES, Preset
from echocli.decoding.tails import Tails
from echocli.events import Gap
from echocli.providers.base import MOST_WINDOWS, DecodeOptions, LoadSpec
from echocli.providers.faster_whisper import FasterWhisper
from echocli.runtime.hearing import Hearing
from echocli.runtime.spawning import child_environment
from echocli.types import SAMPLE_RATE
from echocli.vad.endpointer import VadOptions

MATERIALS = ("headline", "long")
SLOTS = 2
RECIPE = RECIPES[Preset.BALANCED]


class WithPadding(Pipeline):
    """Believes text that lies in the silence behind a window."""

    def _without_padding(self, job: Any, hypothesis: Any) -> Any:
        del job
        return hypothesis


class WithoutResume(Pipeline):
    """Takes what a window gives, also when it stops early."""

    def _resume(self, job: Any, hypothesis: Any) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How everything is set, or one part of it switched off."""

    pipeline: PipelineOptions = field(default_factory=lambda: PipelineOptions.of(RECIPE))
    kind: type[Pipeline] = Pipeline
    beam_size: int = RECIPE.beam_size
    slots: int = SLOTS
    threads: int = 1
    batch: int = MOST_WINDOWS
    vad: VadOptions | None = field(default_factory=VadOptions)
    together: bool = True
    """Windows of several files in a batch."""
    kept_memory: bool = True
    """glibc keeps large blocks."""


def _packing(**changes: Any) -> Callable[[Setting], Setting]:
    return lambda s: _pipeline(packing=replace(s.pipeline.packing, **changes))(s)


def _pipeline(**changes: Any) -> Callable[[Setting], Setting]:
    return lambda s: replace(s, pipeline=replace(s.pipeline, **changes))


def _setting(**changes: Any) -> Callable[[Setting], Setting]:
    return lambda s: replace(s, **changes)


UNGUARDED = Thresholds(
    compression_ratio=None, log_prob=None, no_speech=None, evidence=None, temperatures=(0.0,)
)

PARTS: dict[str, Callable[[Setting], Setting]] = {
    "everything on": lambda s: s,
    "windows padded to 30 s": _pipeline(tail=None),
    "half of the silence behind": _pipeline(tail=RECIPE.tail // 2),
    "no batches": _setting(batch=1),
    "one slot of two threads": _setting(slots=1, threads=2),
    "no windows of other files": _setting(together=False),
    "windows filled to the brim": _packing(good_pause=1),
    "windows of 28 s at most": _packing(longest=28 * SAMPLE_RATE),
    "windows of 12 s at most": _packing(longest=12 * SAMPLE_RATE),
    "memory given back": _setting(kept_memory=False),
    "greedy": _setting(beam_size=1),
    "five beams": _setting(beam_size=5),
    "no voice detection": _setting(vad=None),
    "previous text as a prompt": _pipeline(condition_on_previous_text=True),
    "no guards": _pipeline(thresholds=UNGUARDED, tails=Tails(0, 0.0, 0.0, 0)),
    "text in the padding kept": _setting(kind=WithPadding),
    "no window for the rest": _setting(kind=WithoutResume),
}


@dataclass(slots=True)
class _Clip:
    pipeline: Pipeline
    texts: list[str] = field(default_factory=list)

    def collect(self) -> None:
        for item in self.pipeline.release():
            if not isinstance(item, Gap):
                self.texts.append(item.text)


def decode(paths: Sequence[Path], setting: Setting, provider: FasterWhisper) -> list[str]:
    """Transcribe files; windows of all of them share batches where the setting says so."""
    options = DecodeOptions(language="en", beam_size=setting.beam_size, word_timestamps=False)
    clips = [_Clip(setting.kind(setting.pipeline)) for _ in paths]
    for clip, path in zip(clips, paths, strict=True):
        _hear(clip.pipeline, path, setting.vad)
        if not setting.together:
            _drain([clip], provider, options)
    _drain(clips, provider, options)
    return [" ".join(clip.texts) for clip in clips]


def _hear(pipeline: Pipeline, path: Path, vad: VadOptions | None) -> None:
    hearing = Hearing(vad)
    with open_source(str(path), stdin=sys.stdin.buffer) as source:
        for block in source.blocks():
            heard = hearing.hear(block)
            pipeline.feed(heard.samples, heard.islands, heard.open_start, heard.decided)
    pipeline.finish(hearing.finish())


def _drain(clips: Sequence[_Clip], provider: FasterWhisper, options: DecodeOptions) -> None:
    while batch := list(_some(clips, SLOTS * MOST_WINDOWS)):
        owners = {window.id: clip for clip, window in batch}
        for found in provider.decode([window for _, window in batch], options):
            owners[found.window_id].pipeline.accept(found)
        for clip in clips:
            clip.collect()


def _some(clips: Sequence[_Clip], room: int) -> Iterator[tuple[_Clip, Any]]:
    for clip in clips:
        windows = clip.pipeline.requests(room)
        yield from ((clip, window) for window in windows)
        room -= len(windows)


def trial(path: Path, materials: Sequence[Material], part: str) -> dict[str, Any]:
    """Measure one setting in this process: seconds and texts of each material, windows, guards."""
    setting = PARTS[part](Setting())
    spec = LoadSpec("faster-whisper", "", str(path), slots=setting.slots, threads=setting.threads)
    provider = FasterWhisper(spec)
    provider.load()
    provider.largest_batch = setting.batch
    found: dict[str, Any] = {}
    decode([materials[0].clips[0].path], setting, provider)  # warms everything up
    for material in materials:
        start = time.perf_counter()
        texts = decode([clip.path for clip in material.clips], setting, provider)
        found[material.name] = {"seconds": time.perf_counter() - start, "texts": texts}
    provider.unload()
    return found


def measure(part: str, model: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one setting in a process of its own."""
    setting = PARTS[part](Setting())
    words = ["--model", model, "--cache", str(arguments.cache), "--one", part]
    if arguments.model_dir is not None:
        words += ["--model-dir", str(arguments.model_dir)]
    environment = child_environment()
    if not setting.kept_memory:
        for key in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
            environment.pop(key, None)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ablation", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{part}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(materials: Sequence[Material], trials: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    """Return a row for each part: errors and speed in each material, and time beside the first."""
    found = []
    whole = {m.name: _middle(trials["everything on"], m.name) for m in materials}
    for part, runs in trials.items():
        cells = [part]
        for material in materials:
            errors = report.errors_of(material, runs[0][material.name]["texts"])
            secs = _middle(runs, material.name)
            cells += [
                tables.number(errors.rate, 2),
                f"{errors.substitutions}/{errors.deletions}/{errors.insertions}",
                tables.number(material.seconds / secs, 1),
                tables.number(secs / whole[material.name], 2),
            ]
        found.append(cells)
    return found


def _middle(runs: Sequence[dict[str, Any]], name: str) -> float:
    return float(median(run[name]["seconds"] for run in runs))


FIGURES = ("WER %", "S/D/I", "speed ×", "time")
HOW = (
    "Made by `python -m benchmarks.ablation`: the default preset with one part changed in turn; "
    "*time* is relative to the first row, medians over {rounds} rounds."
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What each part of the decoding is worth.")
    weights.add_options(parser, "tiny.en")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", metavar="TEXT", help="only the parts with this in their name")
    parser.add_argument("--one", choices=PARTS, metavar="PART", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write ablation-MODEL.md")
    return parser.parse_args(words)


def main() -> int:
    """Measure every part, or only the one that a parent process asks for."""
    arguments = parse()
    report.require_libraries()
    speech = gather(arguments.cache)
    materials = [m for m in build(speech, arguments.cache) if m.name in MATERIALS]
    for name in weights.chosen(arguments):
        path = weights.locate(name, arguments.model_dir)
        if arguments.one:
            print(json.dumps(trial(path, materials, arguments.one)))
            return 0
        parts = [one for one in PARTS if (arguments.only or "") in one or one == "everything on"]
        trials: dict[str, list[dict[str, Any]]] = {part: [] for part in parts}
        for number in range(arguments.rounds):
            for part in parts:
                trials[part].append(measure(part, name, arguments))
                taken = ", ".join(f"{trials[part][-1][m]['seconds']:.2f} s" for m in MATERIALS)
                tell(f"round {number + 1}: {part}: {taken}")
        heads = ("part", *(f"{m.name} {figure}" for m in materials for figure in FIGURES))
        body = tables.table(heads, rows(materials, trials))
        publish(arguments.output, f"ablation-{name}", body, HOW.format(rounds=arguments.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
