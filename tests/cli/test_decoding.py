"""Decoding options as they are typed."""

from __future__ import annotations

import pytest

from echocli.cli.decoding import parse_temperatures, parse_tokens
from echocli.errors import UsageError

pytestmark = pytest.mark.unit


def test_temperatures_rise_to_one() -> None:
    assert parse_temperatures(0.0, "0.4") == (0.0, 0.4, 0.8)
    assert parse_temperatures(0.0, "0.2")[-1] == 1.0
    assert parse_temperatures(1.0, "0.2") == (1.0,)
    assert parse_temperatures(0.3, "None") == (0.3,)


@pytest.mark.parametrize("step", ["0", "-1", "x", "nan", "inf", "1e-9"])
def test_a_step_that_leads_nowhere_is_refused(step: str) -> None:
    with pytest.raises(UsageError, match="--temperature-increment-on-fallback") as caught:
        parse_temperatures(0.0, step)
    assert caught.value.hint


def test_tokens_are_a_list_of_ids() -> None:
    assert parse_tokens("-1, 50257,") == (-1, 50257)
    assert parse_tokens("") == ()
    assert parse_tokens("51865") == (51865,)


@pytest.mark.parametrize("text", ["x", "1.5", "-2", "51866", "1,99999999999999999999"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--suppress-tokens") as caught:
        parse_tokens(text)
    assert caught.value.hint
