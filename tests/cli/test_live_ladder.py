"""``echocli live`` on a machine that is too slow for a while, as a user runs it.

All runs play the same sample in real time, side by side: one after the other they would take a
minute and a half.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import soundfile

from echocli.runtime.ladder import Rung
from tests.cli.conftest import PATIENCE, eventually, interrupt_until_it_ends
from tests.cli.stream import Event, assert_is_in_order
from tests.conftest import clean_environment
from tests.tools.strictly import check

pytestmark = [pytest.mark.unit, pytest.mark.slow]

LOAD = "60@0-11"
"""A decode takes 50 ms, and three seconds during the first eleven."""

LADDER = "rtf=0.3/0.5/0.7,recovery=0.2,dwell=1,calm=2,window=3"

SENTENCES = 6
"""Of the sample."""


@dataclass(slots=True)
class Run:
    """One run in a folder of its own, its output in files there."""

    folder: Path
    process: subprocess.Popen[bytes]
    screen: bytearray = field(default_factory=bytearray)
    """What a terminal got, where there is one."""

    @property
    def errors(self) -> str:
        """Standard error."""
        return (self.folder / "err").read_text(encoding="utf-8")

    @property
    def events(self) -> list[Event]:
        """The events so far; the last line may not be whole."""
        lines = (self.folder / "out").read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    @property
    def code(self) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(PATIENCE)

    def of(self, kind: str) -> list[Event]:
        """Return the events of a kind."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def stats(self) -> dict[str, Any]:
        """The figures of the run."""
        found: dict[str, Any] = self.of("stats")[0]["stats"]
        return found


Runs: TypeAlias = dict[str, Run]

OPTIONS = {
    "spooled": ("-f", "jsonl", "--metrics-file", "metrics.jsonl", "--metrics-seconds", "2"),
    "discarded": ("-f", "jsonl", "--drop-policy", "discard"),
    "fixed": ("-f", "jsonl", "--no-degrade"),
    "files": ("-f", "srt", "-f", "txt", "-o", "out-files"),
    "interrupted": ("-f", "jsonl", "--simulate-load", "60"),
    "seen": (),
}


def start(folder: Path, sample: Path, options: tuple[str, ...], *, seen: bool) -> Run:
    """Start a run; ``seen`` gives it a terminal that a thread reads."""
    folder.mkdir()
    script = {"texts": ["One.", "Two.", "Three."], "delay_ms": 50}
    (folder / "script.json").write_text(json.dumps(script))
    command = [sys.executable, "-m", "echocli", "live", "--file", str(sample), "--pace"]
    command += ["-p", "scripted", "-m", "script.json", "--simulate-load", LOAD, "--ladder", LADDER]
    home = clean_environment(folder) | {"TMPDIR": str(folder), "TERM": "xterm"}
    # Ignored in a background job, and then in the child too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main, side = pty.openpty()
    try:
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(
                [*command, *options],
                stdin=subprocess.DEVNULL,
                stdout=side if seen else out,
                stderr=side if seen else err,
                env=home,
                cwd=folder,
            )
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(side)
    run = Run(folder, process)
    if seen:
        threading.Thread(target=read_screen, args=(main, run.screen), daemon=True).start()
    else:
        os.close(main)
    return run


def read_screen(terminal: int, screen: bytearray) -> None:
    """Take all that is written to a terminal, until nobody has it open any more."""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        try:
            while data := file.read(1 << 16):
                screen += data
        except OSError:  # how Linux says that it is over
            return


@pytest.fixture(scope="module")
def runs(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Return all runs, over."""
    home, sample = tmp_path_factory.mktemp("ladder"), samples / "meeting.flac"
    started = {
        name: start(home / name, sample, options, seen=name == "seen")
        for name, options in OPTIONS.items()
    }
    try:
        interrupted = started["interrupted"]
        eventually(lambda: bool(interrupted.of("gap")))  # something waits
        interrupt_until_it_ends(interrupted.process)
        for run in started.values():
            run.process.wait(PATIENCE)
        yield started
    finally:
        for run in started.values():
            run.process.kill()
            run.process.wait()


def rungs(run: Run) -> list[Rung]:
    """Return the levels of a run in order, the first one included."""
    levels = run.of("level")
    assert all(a["to"] == b["from"] for a, b in pairwise(levels))
    return [Rung[levels[0]["from"]], *(Rung[event["to"]] for event in levels)]


class TestTheLadder:
    def test_it_goes_up_to_emergency_and_all_the_way_down_again(self, runs: Runs) -> None:
        run = runs["spooled"]
        levels = rungs(run)
        top = levels.index(Rung.EMERGENCY)
        assert (levels[0], levels[-1]) == (Rung.NORMAL, Rung.NORMAL)
        assert levels[: top + 1] == sorted(levels[: top + 1])
        assert levels[top:] == [Rung.EMERGENCY, Rung.DEGRADE, Rung.WARNING, Rung.NORMAL]
        assert run.code == 0

    def test_a_level_says_why_and_what_it_changes(self, runs: Runs) -> None:
        up, *_, down = runs["spooled"].of("level")
        assert re.fullmatch(r"RTF 0\.\d\d|[\d.]+ s of speech wait", up["reason"])
        assert up["rtf"] >= 0.3
        assert "greedy" in up["effects"]
        assert down["reason"] == "the load is over"
        assert down["rtf"] < 0.2
        assert "beam size 2" in down["effects"]
        assert 1 < up["position"] < down["position"] <= 21.2

    def test_its_effects_are_taken_back_one_by_one(self, runs: Runs) -> None:
        told = [effect for event in runs["spooled"].of("level") for effect in event["effects"]]
        pairs = [
            ("greedy", "beam size 2"),
            ("no partials", "partials"),
            ("every other utterance kept for later", "every utterance at once"),
        ]
        for done, undone in pairs:
            assert told.count(done) == told.count(undone) == 1
            assert told.index(done) < told.index(undone)

    def test_it_is_said_to_people_too_and_is_in_the_figures(self, runs: Runs) -> None:
        run = runs["spooled"]
        levels = run.of("level")
        for event in levels:
            assert f"level {event['from']} → {event['to']} ({event['reason']}): " in run.errors
        assert [one["to"] for one in run.stats["levels"]] == [event["to"] for event in levels]
        assert run.stats["level_at_start"] == "NORMAL"

    def test_the_stream_is_in_order_and_every_sentence_has_a_text(self, runs: Runs) -> None:
        run = runs["spooled"]
        # A backfill has the id of its utterance and comes whenever there is time.
        assert_is_in_order([event for event in run.events if event["type"] != "backfill"])
        texts = run.of("final") + run.of("backfill")
        assert sorted(event["id"] for event in texts) == list(range(SENTENCES))
        assert run.events[-1]["duration"] == pytest.approx(21.125)


class TestSchemas:
    def test_every_event_is_as_they_say(self, runs: Runs) -> None:
        events = runs["spooled"].events
        for event in events:
            check("event", event)
        assert {event["type"] for event in events} >= {"level", "gap", "backfill", "meter", "end"}

    def test_so_are_the_figures_of_the_run(self, runs: Runs) -> None:
        lines = (runs["spooled"].folder / "metrics.jsonl").read_text("utf-8").splitlines()
        assert len(lines) > 1
        for line in lines:
            check("metrics", json.loads(line))


class TestWhatIsPutAside:
    def test_a_backfill_fills_its_gap_with_a_text(self, runs: Runs) -> None:
        run = runs["spooled"]
        gaps = run.of("gap")
        assert gaps
        assert all(gap["reason"] == "spooled: the machine is too slow" for gap in gaps)
        filled = [(event["start"], event["end"]) for event in run.of("backfill")]
        assert filled == [(gap["start"], gap["end"]) for gap in gaps]
        assert all(event["text"] for event in run.of("backfill"))
        figures = run.stats["live"]
        assert figures["spooled_seconds"] == figures["backfilled_seconds"] > 1
        assert (run.stats["lost_seconds"], run.code) == (0, 0)

    def test_nothing_is_left_on_the_disk(self, runs: Runs) -> None:
        assert list(runs["spooled"].folder.glob("echocli-*/*.wav")) == []

    def test_what_is_discarded_is_a_gap_and_a_failure(self, runs: Runs) -> None:
        run = runs["discarded"]
        gaps = run.of("gap")
        assert gaps
        assert all(gap["reason"] == "discarded: the machine is too slow" for gap in gaps)
        assert run.of("backfill") == []
        assert len(run.of("final")) + len(gaps) == SENTENCES
        lost = sum(gap["end"] - gap["start"] for gap in gaps)
        assert run.stats["lost_seconds"] == pytest.approx(lost, abs=0.01)
        assert run.stats["live"]["discarded_utterances"] == len(gaps)
        assert run.errors.count("echocli: error: no text from ") == len(gaps)
        assert run.code == 1

    def test_files_have_it_where_it_belongs(self, runs: Runs) -> None:
        run = runs["files"]
        assert run.code == 0
        (srt,) = (run.folder / "out-files").glob("*.srt")
        (txt,) = (run.folder / "out-files").glob("*.txt")
        written = srt.read_text(encoding="utf-8")
        times = re.findall(r"^(\S+) --> (\S+)$", written, re.MULTILINE)
        assert len(times) == SENTENCES
        assert times == sorted(times)
        assert re.findall(r"^\d+$", written, re.MULTILINE) == [str(n + 1) for n in range(SENTENCES)]
        texts = re.findall(r"^[A-Z].*$", written, re.MULTILINE)
        assert txt.read_text(encoding="utf-8").splitlines() == texts

    def test_an_impatient_person_is_told_where_the_sound_is(self, runs: Runs) -> None:
        run = runs["interrupted"]
        assert run.code == 130
        found = re.search(
            r"error: (\d+\.\d) s of speech that was not decoded are kept in (\S+)", run.errors
        )
        assert found is not None
        kept = list(Path(found[2]).glob("*.wav"))
        assert sum(soundfile.info(path).duration for path in kept) >= float(found[1])
        assert "Traceback" not in run.errors


class TestWithoutIt:
    def test_nothing_changes_and_nothing_is_said(self, runs: Runs) -> None:
        run = runs["fixed"]
        assert (run.of("level"), run.of("gap"), run.stats["levels"]) == ([], [], [])
        assert len(run.of("final")) == SENTENCES
        assert (run.code, run.errors) == (0, "")
        assert_is_in_order(run.events)


class TestTheScreen:
    def test_the_status_line_shows_the_level_and_what_waits(self, runs: Runs) -> None:
        run = runs["seen"]
        assert run.code == 0
        shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", run.screen.decode())
        for level in ("NORMAL", "WARNING", "DEGRADE", "EMERGENCY"):
            assert re.search(rf"RTF \d\.\d\d.*{level}", shown)
        # On a machine that is busy the line may first be drawn again one level lower.
        assert re.search(r"(EMERGENCY|DEGRADE|WARNING) +kept for later \d+ s", shown)
        assert re.search(r"\[0:\d\d\] (One|Two|Three)\.", shown)
