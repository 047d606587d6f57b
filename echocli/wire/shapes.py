"""The messages of the protocol as values; :mod:`.messages` makes JSON of them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from echocli.events import Event
from echocli.wire.codes import VERSION


class Format(StrEnum):
    """How a sample is written."""

    PCM_S16LE = "pcm_s16le"
    """Whole numbers of 16 bits, little endian."""
    PCM_F32LE = "pcm_f32le"
    """Floating point of 32 bits from -1 to 1, little endian."""

    @property
    def width(self) -> int:
        """Bytes of one sample of one channel."""
        return 2 if self is Format.PCM_S16LE else 4


@dataclass(frozen=True, slots=True)
class SourceStart:
    """One source of a session."""

    name: str
    """Its name, which events carry as `source`."""
    start: int = 0
    """Absolute position of its first sample; not 0 where a session goes on that was begun anew."""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a session: what sound comes, and how it shall be transcribed."""

    type: ClassVar[str] = "start"
    sample_rate: int
    """Samples per second of every source, 8000 to 48000."""
    format: Format
    """How a sample is written."""
    channels: int
    """1, or 2 that are mixed."""
    sources: tuple[SourceStart, ...]
    """One to four; the first is the most urgent."""
    session: str | None = None
    """The client's name for the session: 1 to 64 letters, digits, `.`, `_` or `-`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of this session, such as `language` and `word_timestamps`, by their names."""
    first_id: int = 0
    """Number of the first utterance."""
    version: int = VERSION
    """Of the protocol."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.format.width * self.channels


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with a session whose connection was lost."""

    type: ClassVar[str] = "resume"
    session: str
    """The session, as `accepted` named it."""
    token: str
    """Its token, from there too."""
    seq: int = 0
    """The last numbered message that the client has; 0 for none."""
    version: int = VERSION
    """Of the protocol."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Say which numbered messages need not be kept any more."""

    type: ClassVar[str] = "seen"
    seq: int
    """The last numbered message that the client has."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Say that no more sound comes."""

    type: ClassVar[str] = "finish"
    catch_up: bool = True
    """Whether what was put aside under load is decoded before the end."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The session is open: sound may be sent from `received` on."""

    type: ClassVar[str] = "accepted"
    session: str
    """Name of the session."""
    token: str
    """What `resume` has to show; a secret."""
    resumed: bool
    """Whether it was there before."""
    received: Mapping[str, int]
    """Source → position up to which its sound is here."""
    final: Mapping[str, int]
    """Source → position up to which everything is final."""
    limits: Mapping[str, float]
    """Bounds by name: `frame_bytes`, `frame_seconds`, `keep_seconds`, `idle_seconds`,
    `session_seconds`."""
    version: int = VERSION
    """Of the protocol."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is warm; sent again after a resume."""

    type: ClassVar[str] = "ready"
    session: str
    """Name of the session."""
    provider: str
    """The provider that decodes, such as ``faster-whisper``."""
    model: str
    """The model, such as ``tiny.en``."""
    model_revision: str | None
    """Revision of the weights; null where nobody knows."""
    model_sha256: str | None
    """SHA-256 of the file of weights, where it was recorded or computed."""
    sources: tuple[str, ...]
    """The names of the sources."""


@dataclass(frozen=True, slots=True)
class Ack:
    """How far the sound has come; positions at the session's rate."""

    type: ClassVar[str] = "ack"
    received: Mapping[str, int]
    """Source → position up to which its sound is here, or a gap."""
    final: Mapping[str, int]
    """Source → position before which everything is final text, silence or a stated gap, and was
    sent: the client need not keep that sound any more."""


@dataclass(frozen=True, slots=True)
class Backpressure:
    """The buffer for sound that waits is nearly full, or is no more."""

    type: ClassVar[str] = "backpressure"
    active: bool
    """Whether the client should send no more than it must."""
    fill: float
    """Share of the buffer that is in use."""


@dataclass(frozen=True, slots=True)
class SourceMetrics:
    """How one source is doing."""

    queue_bytes: int
    """Bytes of sound that wait."""
    queue_fill_ratio: float
    """Share of the buffer that is in use."""
    backlog_seconds: float
    """Seconds of speech that wait to be decoded."""
    dropped_total: int
    """Pieces of sound that were lost."""
    avg_infer_ms: float | None
    """Mean milliseconds of an inference."""
    realtime_factor: float | None
    """Busy seconds ÷ seconds of audio; below 1 is faster than real time."""
    provider: str
    """The provider that decodes."""
    model_id: str
    """The model."""
    vad_enabled: bool
    """Whether only speech is decoded."""
    degrade_level: str
    """The level of the ladder, such as `NORMAL`."""
    rtf_avg_10s: float | None
    """`realtime_factor` of the finals of the last 10 seconds."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """How the session is doing, once a second."""

    type: ClassVar[str] = "metrics"
    sources: Mapping[str, SourceMetrics]
    """Source → its figures."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something is wrong, and the connection is closed now."""

    type: ClassVar[str] = "error"
    code: str
    """What it is, for programs; stable. There may be new ones."""
    message: str
    """The same for people."""
    retryable: bool
    """Whether connecting again can help."""
    retry_after: float | None = None
    """Seconds to wait before that; null where nobody knows."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event of the session; all but partials have a number."""

    seq: int | None
    """1, 2, 3 … per session; ``None`` for a partial."""
    event: Event


ClientMessage: TypeAlias = Start | Resume | Seen | Finish
ServerMessage: TypeAlias = Accepted | Ready | Ack | Backpressure | Metrics | Refusal | Numbered
Message: TypeAlias = ClientMessage | ServerMessage
