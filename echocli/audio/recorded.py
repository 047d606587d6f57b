"""A live source whose sound is kept in a file on the way."""

from __future__ import annotations

from echocli.audio.capture import Capture, Captured, Item, Missing, Sink
from echocli.audio.recording import Recorder
from echocli.errors import OutputError
from echocli.events import Notice


class Recorded:
    """Hand on what a source captures, and record it at the same positions.

    A recording that fails does not end the transcription: it is a notice ``record_failed``, and
    :attr:`error` says why.
    """

    def __init__(self, capture: Capture, recorder: Recorder) -> None:
        self.name = capture.name
        self.error: OutputError | None = None
        self._capture = capture
        self._recorder = recorder

    def start(self, sink: Sink) -> None:
        """Begin to hand sound to ``sink`` and to the file."""

        def tee(item: Item) -> None:
            try:
                self._keep(item)
            except OutputError as error:
                self.error = error
                sink(Notice("record_failed", str(error)))
            sink(item)

        self._capture.start(tee)

    def stop(self) -> None:
        """End capturing; the file is closed by its owner."""
        self._capture.stop()

    def _keep(self, item: Item) -> None:
        if isinstance(item, Captured):
            self._recorder.write(item.samples)
        elif isinstance(item, Missing):
            self._recorder.silence(item.samples)
