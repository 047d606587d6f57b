"""What people see of a batch that cannot keep up, or whose provider fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echocli.api.sounds import open_sound
from echocli.audio.clip import WHOLE, Clip
from echocli.cli.batch import Batch, Collected, describe_level
from echocli.clock import SteppingClock
from echocli.config import chosen_of
from echocli.environment import Environment
from echocli.errors import ExitCode
from echocli.events import Backfill, End, Final, Gap, Level, Notice
from echocli.output.console import Console
from echocli.output.files import plan_outputs
from echocli.output.subtitles import WriteOptions
from echocli.providers.base import DecodeOptions, LoadSpec
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.ladder import LadderOptions
from echocli.runtime.offline import OfflineOptions, Transcription
from echocli.runtime.shared import Shared
from echocli.types import Segment
from tests.runtime.pacing import Paced, Prompt, adjusting

pytestmark = pytest.mark.unit

ALL_SOUND = OfflineOptions(decode=DecodeOptions(language="en", beam_size=2), vad=None)
RTF = {"base": 1.1, "small": 0.75}

Play = Callable[..., ExitCode]


class Loaded:
    """A model that is loaded already, as slow as a script says."""

    def __init__(self, service: Prompt, adjuster: Adjuster | None, home: Environment) -> None:
        self._service = service
        self._home = home
        self._shared = Shared(service, home.clock, adjuster)

    @property
    def spec(self) -> LoadSpec:
        return self._service.spec

    def open(self, sound: str, *, clip: Clip | tuple[()]) -> Transcription:
        source = open_sound(sound, chosen_of({}), self._home)
        options = replace(ALL_SOUND, clip=clip or WHOLE)
        clock = self._home.clock
        return Transcription(source, self._service, options, clock=clock, shared=self._shared)

    def announce(self) -> None:
        """Nobody chose."""

    def finish(self) -> list[Notice]:
        return []


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., LoadSpec]:
    """Return ``spec(name, **keys)``: a script that says its name."""

    def make(name: str, **keys: Any) -> LoadSpec:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"texts": [name]} | keys), encoding="utf-8")
        return LoadSpec("scripted", name, str(path))

    return make


@pytest.fixture
def play(spec: Callable[..., LoadSpec]) -> Iterator[Play]:
    """Return ``play(*files, base=…, fallbacks=(), degrade=True, …)``: a batch on a slow machine."""
    made: list[Prompt] = []

    def run(
        *files: Path,
        base: LoadSpec | None = None,
        fallbacks: tuple[LoadSpec, ...] = (),
        degrade: bool = True,
        options: LadderOptions | None = None,
        form: str = "txt",
        out: Path | None = None,
    ) -> ExitCode:
        clock = SteppingClock()
        service = Prompt(
            base or spec("base"),
            fallbacks,
            make=lambda it: Paced(it, clock, lambda model: RTF.get(model, 0.1)),
            clock=clock,
        )
        made.append(service)
        environment = Environment(environ={}, clock=clock)
        options = options or LadderOptions(dwell=0.0)
        adjuster = adjusting(service, spec("small"), options=options) if degrade else None
        batch = Batch(
            environment,
            Console(environment),
            Loaded(service, adjuster, environment),
            WriteOptions(),
        )
        return batch.run(plan_outputs([str(it) for it in files], out, [form]), skip_existing=False)

    yield run
    for service in made:
        service.close()


@pytest.fixture
def talk(samples: Path) -> Path:
    """Return 46 seconds of speech."""
    return samples / "pauses.flac"


def test_a_change_is_one_notice_and_no_failure(
    play: Play, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(talk) is ExitCode.OK
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "base"
    assert set(out.splitlines()[1:]) == {"small"}
    (line,) = err.splitlines()
    assert line.startswith("echocli: notice: from ")
    assert line.endswith(" s on: model small, greedy, larger batches (RTF 1.10, NORMAL → DEGRADE)")


def test_without_degrading_nothing_is_said_or_done(
    play: Play, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(talk, degrade=False) is ExitCode.OK
    out, err = capsys.readouterr()
    assert set(out.splitlines()) == {"base"}
    assert err == ""


def test_among_several_files_a_notice_says_which_and_the_level_stays(
    play: Play, talk: Path, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (talk, samples / "meeting.flac")
    assert play(*files, form="json", out=tmp_path / "out") is ExitCode.OK
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"echocli: notice: {talk}: from ")
    first, second = (
        json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("pauses", "meeting")
    )
    (level,) = first["stats"]["levels"]
    assert (first["stats"]["level_at_start"], level["to"]) == ("NORMAL", "DEGRADE")
    assert f"from {level['position']:.1f} s on" in line
    assert (second["stats"]["level_at_start"], second["stats"]["levels"]) == ("DEGRADE", [])
    assert (first["model"], second["model"]) == ("small", "small")


def test_the_stream_of_events_has_the_level_between_the_segments(
    play: Play, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(talk, form="jsonl") is ExitCode.OK
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["ready", "final", "level"]
    level = events[2]
    assert (level["from"], level["to"], level["rtf"]) == ("NORMAL", "DEGRADE", 1.1)
    assert level["position"] == events[1]["end"]


def test_a_provider_that_keeps_dying_is_replaced_and_nothing_is_lost(
    play: Play,
    talk: Path,
    spec: Callable[..., LoadSpec],
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = spec("dying", steps={str(number): "crash" for number in (2, 3, 4)})
    assert play(talk, base=base, fallbacks=(spec("other"),)) is ExitCode.OK
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "dying"
    assert set(out.splitlines()[1:]) == {"other"}
    said = [line for line in err.splitlines() if ": scripted:other goes on, " in line]
    assert len(said) == 1
    assert said[0].startswith("echocli: notice: scripted:dying failed (")
    assert said[0].endswith(" s decoded again")


def test_a_level_is_told_from_its_second_with_its_effects_and_its_cause() -> None:
    effects = ("model tiny.en", "greedy")
    level = Level("NORMAL", "DEGRADE", "RTF 1.40", 1.4, 0.0, effects, 12.34)
    assert describe_level(level) == (
        "from 12.3 s on: model tiny.en, greedy (RTF 1.40, NORMAL → DEGRADE)"
    )
    pinned = Level("WARNING", "DEGRADE", "RTF 1.10", 1.1, 0.0, (), 60.0)
    assert describe_level(pinned) == (
        "from 60.0 s on: nothing is left to change (RTF 1.10, WARNING → DEGRADE)"
    )


def segment(start: float, end: float, text: str, source: str | None = None) -> Segment:
    return Segment(0, start, end, text, language="en", source=source)


def collected(*events: Final | Gap | Backfill | End) -> Collected:
    found = Collected()
    for event in events:
        found.take(event)
    return found


SPOOLED = "spooled: the machine is too slow"


def test_a_backfill_closes_its_gap_and_stands_in_its_place() -> None:
    found = collected(
        Final(segment(0, 2, "one")),
        Gap(2, 4, SPOOLED),
        Gap(4, 6, SPOOLED),
        Final(segment(6, 8, "four")),
        Backfill(segment(4, 6, "three")),
        Backfill(segment(2, 4, "two")),
    )
    assert list(found.gaps) == []
    assert found.transcript(LoadSpec("p", "m", "/m")).text == "one two three four"


def test_a_backfill_without_words_closes_its_gap_only() -> None:
    found = collected(Gap(2, 4, SPOOLED), Backfill(segment(2, 4, "")))
    assert (list(found.gaps), found.segments) == ([], [])


def test_gaps_that_nothing_fills_are_left() -> None:
    lost, other = Gap(2, 4, "overrun"), Gap(2, 4, SPOOLED, "speakers")
    found = collected(lost, other, Backfill(segment(2, 4, "text", "microphone")))
    assert list(found.gaps) == [lost, other]
    assert found.transcript(LoadSpec("p", "m", "/m")).text == "text"


def test_a_gap_that_can_no_longer_be_filled_is_one_gap() -> None:
    gone = Gap(2, 4, "discarded: the disk is full")
    assert list(collected(Gap(2, 4, SPOOLED), gone).gaps) == [gone]
