"""The server's side of the protocol ``/v1/live``, without sockets: see ``docs/protocol.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from echocli.server.desk import Desk, Limits, Seat
from echocli.server.talk import EVERY, LASTING, PRESSED, RELIEVED, State, Talk
from echocli.wire import frames
from echocli.wire.codes import Code, Malformed
from echocli.wire.frames import Frame
from echocli.wire.messages import (
    Accepted,
    Ack,
    Backpressure,
    ClientMessage,
    Finish,
    Numbered,
    Refusal,
    Resume,
    Seen,
    ServerMessage,
    Start,
    parse_client,
    to_text,
)


class Conversation(Talk):
    """One connection that speaks the protocol."""

    def __init__(self, desk: Desk, limits: Limits, now: float) -> None:
        super().__init__(desk, limits, now)
        self._ready = False
        self._pressed = False
        self._acked = Ack({}, {})
        self._acked_at = self._measured_at = now

    def _take_message(self, data: str | bytes, now: float) -> None:
        if isinstance(data, bytes):
            self._take_frame(frames.decode(data))
        else:
            self._take_text(parse_client(data), now)

    def _take_text(self, message: ClientMessage, now: float) -> None:
        seat = self._seat
        match message:
            case Start() if seat is None:
                self._sit(self._desk.open(message), None, now)
            case Resume(session, token, seq) if seat is None:
                self._sit(self._desk.resume(session, token, seq), seq, now)
            case Seen(seq) if seat is not None:
                self._forget(seat, seq)
            case Finish(catch_up=catch_up) if seat is not None:
                self.state = State.FINISHING
                seat.finish(catch_up=catch_up)
            case _:
                when = "before start or resume" if seat is None else "in a session that has begun"
                raise Malformed(f"{message.type} came {when}")

    def _sit(self, seat: Seat, seq: int | None, now: float) -> None:
        """Take a seat and tell the client so; ``seq`` is what it has of a session resumed."""
        self._seat, self._sent, self.state = seat, seq or 0, State.STREAMING
        received, final = dict(seat.received), dict(seat.final)
        if seat.since(self._sent):
            # What says that this is final is yet to be sent.
            final = {source.name: source.start for source in seat.start.sources}
        self._acked, self._acked_at = Ack(received, final), now
        resumed, told = seq is not None, self._limits.told()
        self._say(Accepted(seat.session, seat.token, resumed, received, final, told))

    def _forget(self, seat: Seat, seq: int) -> None:
        if seq > self._sent:
            raise Malformed(f"seen says {seq}, and {self._sent} is the last that was sent")
        seat.seen(seq)

    def _take_frame(self, frame: Frame) -> None:
        seat = self._seat
        if seat is None:
            raise Malformed("sound came before start or resume")
        if self.state is State.FINISHING:
            raise Malformed("sound came after finish")
        check_frame(frame, seat.start, seat.received, self._limits)
        seat.feed(frame.source, frame.index, frame.payload)

    def _tell(self, seat: Seat, now: float, *, over: bool) -> bool:
        if not self._ready and (ready := seat.ready) is not None:
            self._ready, self._measured_at = True, now - EVERY
            self._say(ready)
        # Before the messages are looked at: those that make this true are among them then.
        ack = Ack(dict(seat.received), dict(seat.final))
        messages, all_of_it = self._news(seat)
        for message in messages:
            self._say(message)
        if all_of_it:
            self._acknowledge(ack, messages, now, over=over)
            self._say_pressure(seat)
            self._say_metrics(seat, now)
        return all_of_it

    def _acknowledge(
        self, ack: Ack, messages: Sequence[Numbered], now: float, *, over: bool
    ) -> None:
        lasting = any(isinstance(message.event, LASTING) for message in messages)
        due = lasting or now - self._acked_at >= EVERY or over
        if due and ack != self._acked:
            self._acked, self._acked_at = ack, now
            self._say(ack)

    def _say_pressure(self, seat: Seat) -> None:
        fill = seat.fill
        pressed = fill >= RELIEVED if self._pressed else fill >= PRESSED
        if pressed is not self._pressed:
            self._pressed = pressed
            self._say(Backpressure(pressed, min(fill, 1.0)))

    def _say_metrics(self, seat: Seat, now: float) -> None:
        if self._ready and now - self._measured_at >= EVERY:
            self._measured_at = now
            self._say(seat.metrics())

    def _say_error(self, found: Refusal) -> None:
        self._say(found)

    def _say(self, message: ServerMessage) -> None:
        self._send(to_text(message))


def check_frame(frame: Frame, start: Start, received: Mapping[str, int], limits: Limits) -> None:
    """Raise :class:`Malformed` for a frame that does not fit the session."""
    if frame.source >= len(start.sources):
        raise Malformed(f"a frame is of source {frame.source}: there are {len(start.sources)}")
    if len(frame.payload) % start.frame_bytes:
        raise Malformed(f"a frame holds no whole number of samples: {len(frame.payload)} bytes")
    if len(frame.payload) > limits.frame_bytes:
        raise Malformed(f"a frame holds more than {limits.frame_bytes} bytes", Code.TOO_LARGE)
    if len(frame.payload) > limits.frame_seconds * start.sample_rate * start.frame_bytes:
        raise Malformed(f"a frame holds more than {limits.frame_seconds:g} s", Code.TOO_LARGE)
    expected = received[start.sources[frame.source].name]
    if frame.index - expected > limits.gap_seconds * start.sample_rate:
        raise Malformed(f"a frame begins at sample {frame.index}, {expected} is expected")
