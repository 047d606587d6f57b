"""From the options of a live run to its sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from echocli.api.sounds import Sound, is_path, open_sound, refuse_text
from echocli.audio.capture import Capture
from echocli.audio.source import Source
from echocli.audio.stopping import StopRule
from echocli.config import Chosen
from echocli.environment import Environment
from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE

EXAMPLE = "echocli live --mic, echocli live --file talk.wav --pace, or … | echocli live -"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be listened to, as it was typed."""

    mic: bool = False
    devices: tuple[str, ...] = ()
    file: str | None = None
    pace: bool = False
    stream: Sound | None = None
    """Standard input as ``"-"``, or what a program gives."""
    rate: int = SAMPLE_RATE
    """Of the arrays that a program gives, in Hz."""
    raw: str | None = None
    record: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be listened to at once."""
        many = [self.listens, self.file is not None, self.stream is not None]
        if sum(many) != 1:
            what = "nothing to listen to" if not any(many) else "several sources of different kinds"
            raise UsageError(what, hint=EXAMPLE)
        if self.pace and self.file is None:
            raise UsageError("--pace needs --file", hint=EXAMPLE)
        if self.raw is not None and self.listens:
            raise UsageError("--raw is for files and pipes", hint=EXAMPLE)
        if len(self.devices) > 2:
            raise UsageError("--input-device can be given twice at most")

    @classmethod
    def of(
        cls,
        given: Mapping[str, Any],
        chosen: Chosen,
        *,
        file: str | None,
        stream: Sound | None,
        rate: int = SAMPLE_RATE,
    ) -> Wanted:
        """Return what is asked for; ``given`` has what was said now, by option or argument.

        A microphone that is only configured is not asked for, raw sound does not concern one.
        """
        listens = bool(given.get("mic")) or given.get("input_device") is not None
        record = given.get("record")
        return cls(
            mic=bool(given.get("mic")),
            devices=chosen["input_device"] if listens else (),
            file=file,
            pace=bool(given.get("pace")),
            stream=stream,
            rate=rate,
            raw=given.get("raw") if listens else chosen["raw"],
            record=None if record is None else Path(record),
        )

    @classmethod
    def hearing(
        cls, sound: Sound | None, given: Mapping[str, Any], chosen: Chosen, rate: int
    ) -> Wanted:
        """Return what a program asks for: a file that is played, a stream, or a microphone."""
        is_file = sound is not None and is_path(sound) and sound != "-"
        file, stream = (str(sound), None) if is_file else (None, sound)
        return cls.of(given, chosen, file=file, stream=stream, rate=rate)

    @property
    def listens(self) -> bool:
        """Whether it is a microphone, which Ctrl-C ends as it should."""
        return self.mic or bool(self.devices)


def stop_rule(chosen: Chosen) -> StopRule:
    """Return when to stop by itself; raise ``UsageError`` for silence that nobody looks for."""
    text = chosen["stop_after"]
    rule = StopRule.parse(text) if text is not None else StopRule()
    if rule.silence is not None and not chosen["vad"]:
        name = chosen.named("stop_after")
        raise UsageError(f"{name} silence: needs voice detection", hint="leave --no-vad out")
    return rule


@contextmanager
def captures(wanted: Wanted, chosen: Chosen, environment: Environment) -> Iterator[list[Capture]]:
    """Make the sources, and close what they are recorded to at the end."""
    make = _microphones if wanted.listens else _sound
    with ExitStack() as stack:
        found = make(wanted, chosen, environment)
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


def _microphones(wanted: Wanted, chosen: Chosen, environment: Environment) -> list[Capture]:
    from echocli.audio import devices
    from echocli.audio.microphone import Microphone

    named: Sequence[str | None] = wanted.devices or (None,)
    pairs = [(name, devices.find(name)) for name in named]
    # What is decoded first where both have to wait: the microphone.
    pairs.sort(key=lambda pair: pair[1].kind == devices.SYSTEM)
    labels = devices.labels([device for _, device in pairs])
    return [
        Microphone(name, name=label, channel=chosen["channel"], clock=environment.clock)
        for (name, _), label in zip(pairs, labels, strict=True)
    ]


def _sound(wanted: Wanted, chosen: Chosen, environment: Environment) -> list[Capture]:
    from echocli.audio.pipe import USUAL, PipeSource, RawFormat
    from echocli.audio.playback import Playback

    source: Source
    stream = environment.stdin if wanted.stream == "-" else wanted.stream
    if wanted.file is not None:
        source = open_sound(wanted.file, chosen, environment)
    elif hasattr(stream, "read"):
        refuse_text(stream)
        with chosen.naming("raw"):
            raw = RawFormat.parse(wanted.raw) if wanted.raw is not None else None
        name = "stdin" if wanted.stream == "-" else str(getattr(stream, "name", "stream"))
        source = PipeSource(
            cast("BinaryIO", stream), raw=raw, channel=chosen["channel"], name=name, otherwise=USUAL
        )
    else:
        assert stream is not None
        source = open_sound(stream, chosen, environment, rate=wanted.rate)
    return [Playback(source, name=source.name, pace=wanted.pace, clock=environment.clock)]
