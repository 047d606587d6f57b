"""How many live sessions the server holds, and how many files a second it transcribes.

::

    make bench-server
    python -m benchmarks.server --part sessions --sessions 1 4 --seconds 30

*Sessions*: so many clients at the same time play different recordings at their own speed, each a
little later than the one before; a number is held where nothing is lost and 95 % of the finals are
here a second after the end of speech. *Requests*: short clips to ``/v1/audio/transcriptions``, so
many at a time, beside a server that does one at a time
(:mod:`benchmarks.runners.naive_server`): the same weights, the same beam, rounds of the two in
turn. Results go to ``server-<model>.md``, unless ``--part`` leaves one out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmarks import report, tables, weights
from benchmarks.configurations import Weights
from benchmarks.corpus import Clip
from benchmarks.material import gather
from benchmarks.publish import publish
from benchmarks.rounds import tell
from echocli.bench.accuracy import Errors, score
from echocli.runtime.stats import percentile
from tests.server.clients import Account, LiveClient, play
from tests.server.material import Talk, talks
from tests.server.process import ServerProcess

MODEL = "tiny.en"
OUTPUT = weights.ROOT / "docs" / "benchmarks"
HELD = 1.0
"""Seconds from the end of speech to its final that 95 % may take."""

STAGGER = 0.7
"""Seconds by which each session begins later than the one before."""

DIFFERENT = 4
"""Recordings; each is played by every fourth session, so that error rates can be compared."""

CLIPS = 24
"""Clips of a round of requests."""

LONGEST = 15.0
"""Seconds of a clip at most."""

BEAMS = 5
LEVELS = ("NORMAL", "WARNING", "DEGRADE", "EMERGENCY", "FAILOVER")


@dataclass(frozen=True, slots=True)
class Held:
    """So many sessions at once; times in seconds."""

    sessions: int
    ttfs: tuple[float, ...]
    """End of speech to its final, hangover included."""
    finalising: tuple[float, ...]
    """``speech_ended`` to its final."""
    errors: Errors
    lost: float
    """Seconds of stated gaps that no backfill came for, or sound that was not taken."""
    partials: float
    """Partials a second of sound."""
    level: str
    """The highest level of the ladder."""
    whole: bool
    """Whether each came to its end over one connection, as the protocol says."""
    cores: float = 0.0
    """Cores that the server kept busy on average."""
    others: float = 0.0
    """Cores that everything else but the clients kept busy."""

    @property
    def is_held(self) -> bool:
        """Whether this many may be said to be served."""
        return self.whole and not self.lost and (percentile(self.ttfs, 0.95) or 9e9) <= HELD


def hold(server: ServerProcess, played: Sequence[Talk]) -> Held:
    """Play one recording to each of so many sessions."""
    clients = [
        LiveClient(
            lambda: server.port, {"mic": talk.pcm}, session=f"s{number}", after=STAGGER * number
        )
        for number, talk in enumerate(played)
    ]
    seconds = sum(talk.seconds for talk in played)
    begun, busy, served, own = time.perf_counter(), _busy(), _spent(server.pid), _spent(os.getpid())
    found = play(clients, 3 * max(talk.seconds for talk in played) + 60.0)
    passed = time.perf_counter() - begun
    served, own = _spent(server.pid) - served, _spent(os.getpid()) - own
    levels = [level.to for one in found for level in one.levels]
    return Held(
        sessions=len(played),
        ttfs=tuple(wait for one in found for wait in one.latencies()),
        finalising=tuple(wait for one in found for wait in one.finalising()),
        errors=sum((_wrong(*pair) for pair in zip(found, played, strict=True)), Errors()),
        lost=sum(_lost(*pair) for pair in zip(found, played, strict=True)),
        partials=sum(one.partials for one in found) / seconds,
        level=max(levels, key=LEVELS.index, default=LEVELS[0]),
        whole=all(one.over and not one.faults and one.connections == 1 for one in found),
        cores=served / passed,
        others=max(0.0, _busy() - busy - served - own) / passed,
    )


def _spent(pid: int) -> float:
    """Return the seconds of CPU a process and its own children have used; not the benchmark's."""
    root = psutil.Process(pid)
    tree = [root] if pid == os.getpid() else [root, *root.children(recursive=True)]
    return sum(one.cpu_times().user + one.cpu_times().system for one in tree)


def _busy() -> float:
    """Return the seconds in which some core of the machine worked, over all cores."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.nice + spent.system + getattr(spent, "steal", 0.0))


def _wrong(account: Account, talk: Talk) -> Errors:
    return score(talk.text, account.text(), "en").words or Errors()


def _lost(account: Account, talk: Talk) -> float:
    filled = [(one.start, one.end) for one in account.backfills]
    gaps = [one for one in account.gaps if not any(_covers(span, one.start) for span in filled)]
    missing = talk.seconds - account.received.get("mic", 0) / 16_000
    return sum(gap.end - gap.start for gap in gaps) + max(0.0, round(missing, 3))


def _covers(span: tuple[float, float], at: float) -> bool:
    return span[0] - 0.5 <= at <= span[1] + 0.5


def sessions_table(found: Sequence[Held]) -> str:
    """Return a row for each number of sessions."""
    heads = ["sessions", "TTFS p50 s", "p95 s", "finalising p50 s", "p95 s", "WER %"]
    heads += ["partials/s each", "level", "lost s", "cores", "other work", "held"]
    return tables.table(heads, [_held_row(one) for one in found])


def _held_row(one: Held) -> list[str]:
    waits = [
        percentile(kind, share) for kind in (one.ttfs, one.finalising) for share in (0.5, 0.95)
    ]
    return [
        str(one.sessions),
        *(tables.number(wait, 2) for wait in waits),
        tables.number(one.errors.rate, 2),
        tables.number(one.partials, 2),
        one.level,
        tables.number(one.lost, 1),
        tables.number(one.cores, 2),
        tables.number(one.others, 2),
        "yes" if one.is_held else "**no**",
    ]


@dataclass(frozen=True, slots=True)
class Round:
    """All clips once, so many at a time."""

    seconds: float
    errors: Errors
    waits: tuple[float, ...]
    """Seconds of each request."""


def one_round(server: ServerProcess, clips: Sequence[Clip], parallel: int) -> Round:
    """Send every clip, so many at a time; raise ``RuntimeError`` for an answer that is none."""

    def once(clip: Clip) -> tuple[Errors, float]:
        begun = time.perf_counter()
        answer = server.transcribe(clip.path.read_bytes(), language="en")
        waited = time.perf_counter() - begun
        if answer.status != 200:
            raise RuntimeError(f"{clip.id}: {answer.status} {answer.body[:200]!r}")
        return score(clip.reference, answer.json["text"], "en").words or Errors(), waited

    with ThreadPoolExecutor(parallel) as threads:
        begun = time.perf_counter()
        found = list(threads.map(once, clips))
        seconds = time.perf_counter() - begun
    return Round(seconds, sum((one for one, _ in found), Errors()), tuple(one for _, one in found))


def rounds(
    servers: Sequence[ServerProcess], clips: Sequence[Clip], parallel: int, times: int
) -> list[list[Round]]:
    """Return the rounds of each server; they take turns."""
    found: list[list[Round]] = [[] for _ in servers]
    for number in range(times):
        for server, taken in zip(servers, found, strict=True):
            taken.append(one_round(server, clips, parallel))
            tell(f"round {number + 1}, {parallel} at a time: {taken[-1].seconds:.2f} s")
    return found


def requests_row(parallel: int, count: int, found: Sequence[Sequence[Round]]) -> list[str]:
    """Return a row of the table: ours, the naive one, the ratio of the medians."""
    rates = [count / median(one.seconds for one in taken) for taken in found]
    slow = [percentile([wait for one in taken for wait in one.waits], 0.95) for taken in found]
    wrong = [sum((one.errors for one in taken), Errors()).rate for taken in found]
    cells = [tables.number(rate, 2) for rate in rates] + [tables.number(rates[0] / rates[1], 2)]
    cells += [tables.number(wait, 2) for wait in slow] + [tables.number(rate, 2) for rate in wrong]
    return [str(parallel), *cells]


REQUEST_HEADS = (
    "at a time",
    "requests/s",
    "naive requests/s",
    "ratio",
    "p95 s",
    "naive p95 s",
    "WER %",
    "naive WER %",
)


def sessions_part(given: argparse.Namespace, model: Weights, home: Path) -> str:
    """Measure each number of sessions on one server."""
    most = max(given.sessions)
    server = ServerProcess(home, *_options(model), "--max-sessions", str(most))
    found: list[Held] = []
    with serving(server):
        different = talks(min(most, DIFFERENT), given.seconds)
        for count in given.sessions:
            found.append(hold(server, [different[at % DIFFERENT] for at in range(count)]))
            tell(" ".join(_held_row(found[-1])))
    held = max((one.sessions for one in found if one.is_held), default=0)
    return f"## Live sessions\n\n{sessions_table(found)}\n\nHeld: **{held}**."


def requests_part(given: argparse.Namespace, model: Weights, home: Path) -> str:
    """Measure both servers, which are up at the same time and asked in turn."""
    threads = str(len(os.sched_getaffinity(0)))
    clips = [one for one in gather(given.cache).headline if one.seconds <= LONGEST][:CLIPS]
    ours = ServerProcess(home, *_options(model), "--beam-size", str(BEAMS))
    naive = ServerProcess(
        home,
        *("--model", model.path, "--threads", threads, "--beam-size", str(BEAMS)),
        program=("-m", "benchmarks.runners.naive_server"),
    )
    rows: list[list[str]] = []
    with serving(ours), serving(naive):
        for server in (ours, naive):
            one_round(server, clips[:2], 1)
        for parallel in given.parallel:
            found = rounds((ours, naive), clips, parallel, given.rounds)
            rows.append(requests_row(parallel, len(clips), found))
    return f"## Files over HTTP\n\n{tables.table(REQUEST_HEADS, rows)}"


def _options(model: Weights) -> tuple[str, ...]:
    return ("-m", str(model.path), "--device", "cpu", "--compute-type", "int8", "--language", "en")


@contextmanager
def serving(server: ServerProcess) -> Iterator[None]:
    """Run a server while a block lasts, from when it is ready."""
    server.start()
    try:
        server.wait_ready()
        yield
    finally:
        server.close()


PARTS = {"sessions": sessions_part, "requests": requests_part}

HOW = (
    "Made by `make bench-server`; clients and server share the machine. *TTFS*: end of speech, as "
    "the recording was played, to the arrival of its final, the hangover of half a second "
    "included; *finalising*: `speech_ended` to the final. Both where an utterance ended in "
    "silence. *cores*: what the server used on average; *other work*: what else went on, and with "
    "much of that times mean little. Held: nothing lost, and a TTFS of at most 1 s for 95 % of the "
    "utterances. "
    f"Requests: {CLIPS} clips of at most {LONGEST:.0f} s a round; *naive*: `faster_whisper` behind "
    f"a lock in FastAPI, the same weights, int8, beam {BEAMS} in both; medians over rounds that "
    "take turns."
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Sessions held, and requests a second.")
    weights.add_options(parser, MODEL)
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part")
    parser.add_argument("--sessions", nargs="+", type=int, default=[1, 2, 4, 6, 8, 10, 12, 16])
    parser.add_argument("--seconds", type=float, default=60.0, help="of sound in each session")
    parser.add_argument("--parallel", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIR")
    return parser.parse_args(words)


def main() -> int:
    """Measure every model and print a page."""
    given = parse()
    report.require_libraries()
    for name in weights.chosen(given):
        model = Weights(name, weights.locate(name, given.model_dir), None)
        with tempfile.TemporaryDirectory() as home:
            parts = [PARTS[part](given, model, Path(home)) for part in given.part or PARTS]
        folder = None if given.part else given.output
        publish(folder, f"server-{name}", "\n\n".join(parts), HOW)
    return 0


if __name__ == "__main__":
    sys.exit(main())
