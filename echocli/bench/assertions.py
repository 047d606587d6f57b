"""Assertions such as ``p95_ms<800``: a metric, an operator and a number."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from echocli.bench import extras, live_figures
from echocli.errors import UsageError

METRICS: dict[str, str] = {
    "rtf": "busy seconds ÷ seconds of audio",
    "speed": "seconds of audio ÷ busy seconds",
    "load_ms": "from the start of the worker until the weights are read",
    "first_text_ms": "from opening a file to its first text, with the model loaded",
    "p50_ms": "median time of a window",
    "p95_ms": "95th percentile of the time of a window",
    "p99_ms": "99th percentile of the time of a window",
    "memory_mb": "highest resident memory of all processes together",
    "wer": "word error rate in percent",
    "cer": "character error rate in percent",
    "vad_share": "seconds of speech ÷ seconds of audio",
}
"""Figures of the files that can be asserted → what they are."""

ASSERTABLE = METRICS | extras.METRICS | live_figures.METRICS
"""Everything that can be asserted."""

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}

_FORM = re.compile(r"\s*(\w+)\s*(<=|>=|==|<|>)\s*(\S+)\s*")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A demand on one metric; ``str`` gives it back as it can be typed."""

    metric: str
    operator: str
    limit: float

    def __str__(self) -> str:
        return f"{self.metric}{self.operator}{self.limit:.12g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a demand is met; ``value`` is ``None`` when the metric could not be measured."""

    assertion: Assertion
    value: float | None

    @property
    def holds(self) -> bool:
        """Tell whether it is met; what could not be measured is not."""
        if self.value is None:
            return False
        return OPERATORS[self.assertion.operator](self.value, self.assertion.limit)

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.assertion}: {self.assertion.metric} could not be measured"
        return f"{self.assertion}: {self.assertion.metric} is {self.value:.4g}"


def parse(text: str) -> Assertion:
    """Read an assertion; raise ``UsageError`` naming what is wrong with it."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--assert '{text}' is no assertion",
            hint="write METRIC OPERATOR NUMBER in quotes, such as --assert 'rtf<0.5'",
        )
    metric, sign, number = found.groups()
    if metric not in ASSERTABLE:
        near = get_close_matches(metric, ASSERTABLE, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(ASSERTABLE)}"
        raise UsageError(f"--assert '{text}': unknown metric '{metric}'", hint=hint)
    return Assertion(metric, sign, _number(number, text))


def _number(word: str, text: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(
            f"--assert '{text}': '{word}' is not a number", hint="example: --assert 'wer<=8'"
        )
    return number


def judge(assertion: Assertion, metrics: Mapping[str, float | None]) -> Verdict:
    """Hold an assertion against what was measured."""
    return Verdict(assertion, metrics.get(assertion.metric))
