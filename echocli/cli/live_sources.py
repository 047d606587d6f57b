"""From the options of a live run to its sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from echocli.audio.capture import Capture
from echocli.audio.source import Source
from echocli.environment import Environment
from echocli.errors import UsageError

EXAMPLE = "echocli live --mic, echocli live --file talk.wav --pace, or … | echocli live -"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be listened to, as it was typed."""

    mic: bool = False
    devices: tuple[str, ...] = ()
    file: str | None = None
    pace: bool = False
    stdin: bool = False
    raw: str | None = None
    channel: int | None = None
    record: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be listened to at once."""
        many = [self.listens, self.file is not None, self.stdin]
        if sum(many) != 1:
            what = "nothing to listen to" if not any(many) else "several sources of different kinds"
            raise UsageError(what, hint=EXAMPLE)
        if self.pace and self.file is None:
            raise UsageError("--pace needs --file", hint=EXAMPLE)
        if self.raw is not None and self.listens:
            raise UsageError("--raw is for files and pipes", hint=EXAMPLE)
        if len(self.devices) > 2:
            raise UsageError("--input-device can be given twice at most")

    @property
    def listens(self) -> bool:
        """Whether it is a microphone, which Ctrl-C ends as it should."""
        return self.mic or bool(self.devices)


@contextmanager
def captures(wanted: Wanted, environment: Environment) -> Iterator[list[Capture]]:
    """Make the sources, and close what they are recorded to at the end."""
    make = _microphones if wanted.listens else _file
    with ExitStack() as stack:
        found = make(wanted, environment)
        if wanted.record is None:
            yield found
            return
        from echocli.audio.recorded import Recorded
        from echocli.audio.recording import Recorder

        recorded: list[Capture] = []
        for capture, path in zip(found, _paths(wanted.record, found), strict=True):
            recorder = Recorder(path)
            stack.callback(recorder.close)
            recorded.append(Recorded(capture, recorder))
        yield recorded


def _paths(path: Path, found: Sequence[Capture]) -> list[Path]:
    """Return a file for each source; of two, each gets its name."""
    if len(found) == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{one.name}{path.suffix}") for one in found]


def _microphones(wanted: Wanted, environment: Environment) -> list[Capture]:
    from echocli.audio import devices
    from echocli.audio.microphone import Microphone

    named: Sequence[str | None] = wanted.devices or (None,)
    pairs = [(name, devices.find(name)) for name in named]
    # What is decoded first where both have to wait: the microphone.
    pairs.sort(key=lambda pair: pair[1].kind == devices.SYSTEM)
    labels = devices.labels([device for _, device in pairs])
    return [
        Microphone(name, name=label, channel=wanted.channel, clock=environment.clock)
        for (name, _), label in zip(pairs, labels, strict=True)
    ]


def _file(wanted: Wanted, environment: Environment) -> list[Capture]:
    from echocli.audio.open import open_source
    from echocli.audio.pipe import USUAL, PipeSource, RawFormat
    from echocli.audio.playback import Playback

    raw = RawFormat.parse(wanted.raw) if wanted.raw is not None else None
    pipe, channel = environment.stdin, wanted.channel
    source: Source
    if wanted.file is None:
        source = PipeSource(pipe, raw=raw, channel=channel, otherwise=USUAL)
    else:
        source = open_source(wanted.file, stdin=pipe, raw=raw, channel=channel)
    return [Playback(source, name=source.name, pace=wanted.pace, clock=environment.clock)]
