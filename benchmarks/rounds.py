"""Do every configuration once a round, in both ways, and keep what each trial gave."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.configurations import Configuration
from benchmarks.heard import Heard, listen
from benchmarks.material import Material
from benchmarks.processes import ProcessFailed, Run, run
from benchmarks.results import Trial, Way

PATIENCE = (120.0, 3.0)
"""Seconds a process gets: so many, and so many for each second of audio."""

DISTURBED = 0.1
"""Cores of other work from which on a time is doubtful."""


@dataclass(slots=True)
class Measuring:
    """Trials so far, and the configurations that fell out, with the reason."""

    materials: Sequence[Material]
    ways: Sequence[Way]
    trials: list[Trial] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def round(self, number: int, found: Sequence[Configuration]) -> None:
        """Do every configuration once; one that fails is left out from then on."""
        for configuration in found:
            if configuration.name in self.skipped:
                continue
            try:
                self._once(number, configuration)
            except ProcessFailed as error:
                self.skip(configuration.name, str(error))

    def skip(self, name: str, reason: str) -> None:
        """Leave a configuration out, visibly."""
        self.skipped[name] = reason
        self.trials = [trial for trial in self.trials if trial.configuration != name]
        tell(f"skipped: {name}: {reason}")

    def _once(self, number: int, configuration: Configuration) -> None:
        if configuration.missing:
            raise ProcessFailed(configuration.missing)
        for way in self.ways:
            measure = warm if way is Way.WARM else whole
            for trial in measure(configuration, self.materials, number):
                self.trials.append(trial)
                tell(_line(trial))


def _line(trial: Trial) -> str:
    what = f"{trial.configuration}: {trial.material}, {trial.way}: {trial.seconds:.2f} s"
    disturbed = f" (other work: {trial.others:.1f} cores)" if trial.others > DISTURBED else ""
    return f"round {trial.round}: {what}{disturbed}"


LEAST_WARM = 120.0
"""Seconds of a material that is measured warm: one window more or less does not matter there."""


def tell(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def warm(
    configuration: Configuration, materials: Sequence[Material], number: int
) -> Iterator[Trial]:
    """Run each long enough material through a process that got the shortest one first.

    A tool that reads ahead may decode a window of the material together with the warm-up.
    """
    first = min(materials, key=lambda material: material.seconds).clips[0]
    for material in materials:
        if material.seconds < LEAST_WARM:
            continue
        clips = (first, *material.clips)
        files = [str(clip.path) for clip in clips]
        done, heard = measured(configuration, files, sum(clip.seconds for clip in clips))
        yield Trial(
            configuration=configuration.name,
            material=material.name,
            way=Way.WARM,
            round=number,
            seconds=sum(heard.durations),
            texts=heard.texts[1:],
            others=done.others,
        )


def whole(
    configuration: Configuration, materials: Sequence[Material], number: int
) -> Iterator[Trial]:
    """Run each material through a process of its own."""
    for material in materials:
        files = [str(clip.path) for clip in material.clips]
        done, heard = measured(configuration, files, material.seconds)
        yield Trial(
            configuration=configuration.name,
            material=material.name,
            way=Way.WHOLE,
            round=number,
            seconds=done.seconds,
            texts=heard.texts,
            first=heard.first,
            peak_mb=done.peak_mb,
            cpu_seconds=done.cpu_seconds,
            others=done.others,
        )


def measured(
    configuration: Configuration, files: Sequence[str], audio_seconds: float
) -> tuple[Run, Heard]:
    """Run a configuration on files; raise ``ProcessFailed`` unless it did every one of them."""
    least, factor = PATIENCE
    done = run((*configuration.command, *files), least + factor * audio_seconds)
    heard = listen(configuration.dialect, done.lines)
    if len(heard.texts) != len(files):
        raise ProcessFailed(f"transcribed {len(heard.texts)} of {len(files)} files")
    return done, heard
