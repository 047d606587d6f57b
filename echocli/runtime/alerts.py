"""What somebody must know about at once: pure rules from facts to alerts.

An alert is given once; it can be given again after its condition has cleared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from echocli.events import Notice
from echocli.runtime.ladder import Rung
from echocli.runtime.lifecycle import State


class Severity(StrEnum):
    """How bad it is."""

    CRITICAL = "critical"
    """Text is being lost, or soon will be."""
    HIGH = "high"
    """It goes on, but worse than it should."""


class AlertCode(StrEnum):
    """What has happened; stable."""

    MODEL_INIT_FAILED = "model_init_failed"
    """A model could not be loaded or warmed up."""
    OOM_DETECTED = "oom_detected"
    """More memory is used than there may be."""
    RTF_CRITICAL = "rtf_critical"
    """Decoding has been hopelessly slow for long."""
    PROVIDER_CRASH = "provider_crash"
    """A provider fails again and again."""
    DEGRADE_EMERGENCY = "degrade_emergency"
    """The ladder is at EMERGENCY or above."""
    INFERENCE_STUCK = "inference_stuck"
    """An inference was waited for too long."""


_CRITICAL = frozenset(
    {AlertCode.MODEL_INIT_FAILED, AlertCode.OOM_DETECTED, AlertCode.RTF_CRITICAL},
)


@dataclass(frozen=True, slots=True)
class AlertOptions:
    """What is too much: each is the last value that is still good."""

    rtf: float = 2.0
    rtf_patience: float = 60.0
    """Seconds the RTF may be above."""
    errors_in_a_row: int = 5
    wait: float = 30.0
    """Seconds of waiting for one inference."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that must be known; ``time`` is that of the clock, ``message`` for people."""

    code: AlertCode
    severity: Severity
    time: float
    message: str

    @property
    def notice(self) -> Notice:
        """The same for the stream of events."""
        return Notice(str(self.code), self.message)


class Alerts:
    """Judge facts as they come; each method returns the new alert, if there is one.

    ``now`` is the clock's and must never run backwards. Not thread-safe.
    """

    def __init__(self, options: AlertOptions | None = None) -> None:
        self.options = options or AlertOptions()
        self._active: set[AlertCode] = set()
        self._state = State.UNINITIALIZED
        self._slow_since: float | None = None

    def lifecycle(self, state: State, now: float, cause: object = None) -> Alert | None:
        """Take the state of the model that serves; a start that fails is an alert.

        Starting anew does not clear it, being ready does. A model that was ready and is not any
        more has crashed, which :meth:`errors` counts.
        """
        before, self._state = self._state, state
        if state is State.READY:
            self._active.discard(AlertCode.MODEL_INIT_FAILED)
        if state is not State.ERROR or before in (State.READY, State.ERROR):
            return None
        why = f": {cause}" if cause is not None else ""
        return self._judge(
            AlertCode.MODEL_INIT_FAILED, True, now, f"the model could not be started{why}"
        )

    def memory(self, used_mb: float, budget_mb: float | None, now: float) -> Alert | None:
        """Take what is used and what may be; ``None`` is no budget."""
        over = budget_mb is not None and used_mb > budget_mb
        text = f"{used_mb:.0f} MB of memory are used, {budget_mb or 0:.0f} are allowed"
        return self._judge(AlertCode.OOM_DETECTED, over, now, text)

    def rtf(self, rtf: float | None, now: float) -> Alert | None:
        """Take the RTF; ``None``, nothing decoded, is not slow."""
        if rtf is None or rtf <= self.options.rtf:
            self._slow_since = None
            return self._judge(AlertCode.RTF_CRITICAL, False, now, "")
        if self._slow_since is None:
            self._slow_since = now
        lasts = now - self._slow_since
        text = f"decoding takes {rtf:.1f} times as long as the speech, for {lasts:.0f} s now"
        return self._judge(AlertCode.RTF_CRITICAL, lasts >= self.options.rtf_patience, now, text)

    def errors(self, in_a_row: int, now: float, provider: str = "the provider") -> Alert | None:
        """Take how many errors there were with no success in between."""
        over = in_a_row > self.options.errors_in_a_row
        text = f"{provider} failed {in_a_row} times in a row"
        return self._judge(AlertCode.PROVIDER_CRASH, over, now, text)

    def level(self, rung: Rung, now: float) -> Alert | None:
        """Take the level of the ladder."""
        text = "the machine is far too slow for this model"
        if rung is Rung.FAILOVER:
            text = "the machine does not keep up: the fallback provider takes over"
        return self._judge(AlertCode.DEGRADE_EMERGENCY, rung >= Rung.EMERGENCY, now, text)

    def wait(self, secs: float, now: float) -> Alert | None:
        """Take how long an inference was waited for, or has been so far."""
        text = f"an inference takes more than {self.options.wait:g} s"
        return self._judge(AlertCode.INFERENCE_STUCK, secs > self.options.wait, now, text)

    def _judge(self, code: AlertCode, holds: bool, now: float, text: str) -> Alert | None:
        if not holds:
            self._active.discard(code)
            return None
        if code in self._active:
            return None
        self._active.add(code)
        severity = Severity.CRITICAL if code in _CRITICAL else Severity.HIGH
        return Alert(code, severity, now, text)
