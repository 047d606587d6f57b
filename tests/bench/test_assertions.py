from __future__ import annotations

import operator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.bench.assertions import METRICS, OPERATORS, Assertion, judge, parse
from echocli.bench.figures import Figures
from echocli.errors import UsageError

pytestmark = pytest.mark.unit

numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)
assertions = st.builds(
    Assertion, st.sampled_from(list(METRICS)), st.sampled_from(list(OPERATORS)), numbers
)
spaces = st.sampled_from(["", " ", "  "])


@given(assertions, spaces, spaces)
def test_what_is_written_is_read_back(wanted: Assertion, before: str, after: str) -> None:
    text = f"{wanted.metric}{before}{wanted.operator}{after}{wanted.limit!r}"
    assert parse(text) == wanted


@given(assertions)
def test_its_own_spelling_means_the_same(wanted: Assertion) -> None:
    again = parse(str(wanted))
    assert (again.metric, again.operator) == (wanted.metric, wanted.operator)
    assert again.limit == pytest.approx(wanted.limit, rel=1e-11)


@given(assertions, numbers)
def test_a_verdict_is_the_comparison(wanted: Assertion, value: float) -> None:
    compare = {
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "==": operator.eq,
    }
    verdict = judge(wanted, {wanted.metric: value})
    assert verdict.holds == compare[wanted.operator](value, wanted.limit)


@given(assertions)
def test_what_could_not_be_measured_never_holds_and_says_so(wanted: Assertion) -> None:
    verdict = judge(wanted, dict.fromkeys(METRICS))
    assert not verdict.holds
    assert f"{wanted.metric} could not be measured" in str(verdict)


@given(st.text())
def test_any_text_is_an_assertion_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse(text).metric in METRICS


@pytest.mark.parametrize(
    "text",
    ["", "wer", "wer<", "<5", "wer 5", "wer<5%", "wer=5", "wer!=5", "wer<nan", "wer<inf", "wer<<5"],
)
def test_nonsense_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--assert"):
        parse(text)


def test_an_unknown_metric_brings_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="unknown metric 'p95ms'") as caught:
        parse("p95ms<800")
    assert caught.value.hint == "did you mean p95_ms?"


def test_a_name_like_none_brings_all_names() -> None:
    with pytest.raises(UsageError) as caught:
        parse("zzzzzz<1")
    assert all(name in str(caught.value.hint) for name in METRICS)


def test_a_broken_assertion_shows_its_value() -> None:
    assert str(judge(parse("wer<=8"), {"wer": 12.3456})) == "wer<=8: wer is 12.35"


def test_every_metric_is_a_figure() -> None:
    assert set(METRICS) <= set(Figures.__dataclass_fields__)
