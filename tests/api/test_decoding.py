"""Decoding options as they are typed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.api.decoding import parse_clip, parse_temperatures, parse_tokens, word_timing
from echocli.audio.clip import ENDLESS, WHOLE, Clip
from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE, Span

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


def part(start: float, end: float = math.inf) -> Span:
    last = ENDLESS if math.isinf(end) else round(end * SAMPLE_RATE)
    return Span(round(start * SAMPLE_RATE), last)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90-120", part(90, 120)),
        ("90-", part(90)),
        ("-2:00", part(0, 120)),
        ("1:30.5-1:02:03.25", part(90.5, 3723.25)),
        ("90:00-91:00", part(5400, 5460)),
        (" 1 - 2. ", part(1, 2)),
        ("0-999999999", part(0, 999_999_999)),
    ],
)
def test_a_part_has_a_start_an_end_or_both(text: str, meant: Span) -> None:
    assert parse_clip([text], "") == Clip((meant,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "5",
        "5-5",
        "5-4",
        "5-5.00001",
        "-0",
        "-5-10",
        "a-b",
        "nan-5",
        "0-inf",
        "1e3-2e3",
        "1:60-2:00",
        "1:60:00-",
        "1:-2",
        "1::2-",
        "-1:2:3:4",
        "٣-",
        "5,5-6",
        "9" * 400 + "-",
    ],
)
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--clip ") as caught:
        parse_clip([text], "")
    assert caught.value.hint


def test_parts_and_timestamps_are_one_clip_in_order() -> None:
    clip = parse_clip(["30-40", "5-8"], "7,10, 39,41,1:00")
    assert clip == Clip((part(5, 10), part(30, 41), part(60)))
    assert parse_clip([], "0") == parse_clip([], " ") == parse_clip([], "0,") == WHOLE


@pytest.mark.parametrize("text", ["3,,4", "3,4,,5", ",4", ",", "3,4,", "x", "4,3", "-1,3", "nan,1"])
def test_timestamps_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--clip-timestamps ") as caught:
        parse_clip([], text)
    assert caught.value.hint


def spelt(milliseconds: int, style: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    secs = f"{rest // 1000:02d}.{rest % 1000:03d}"
    if style == 0:
        return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"
    return f"{minutes}:{secs}" if style == 1 else f"{minutes // 60}:{minutes % 60:02d}:{secs}"


@given(st.integers(0, 10**8), st.integers(1, 10**8), st.integers(0, 2), st.integers(0, 2))
def test_every_spelling_of_a_time_means_it(start: int, length: int, one: int, two: int) -> None:
    end = start + length
    meant = Clip((Span(start * 16, end * 16),))
    assert parse_clip([f"{spelt(start, one)}-{spelt(end, two)}"], "") == meant
    assert parse_clip([], f"{spelt(start, one)},{spelt(end, two)}") == meant


@given(st.text(max_size=12))
def test_any_other_text_is_a_usage_error_or_a_clip(text: str) -> None:
    for words in ([text], ""), ([], text):
        try:
            clip = parse_clip(*words)
        except UsageError:
            continue
        assert all(0 <= one.start < one.end for one in clip.parts)


@pytest.mark.parametrize(
    ("formats", "asked", "align", "keep"),
    [
        (("txt",), False, False, False),
        (("txt",), True, True, True),
        (("srt",), False, True, True),
        (("srt", "vtt", "lrc"), False, True, True),
        (("srt", "json"), False, True, False),
        (("json",), False, False, False),
        (("html",), False, True, True),
        (("html", "json"), False, True, True),
    ],
)
def test_subtitles_and_pages_get_the_times_of_words(
    formats: tuple[str, ...], asked: bool, align: bool, keep: bool
) -> None:
    found = word_timing(formats, asked)
    assert (found.align, found.keep) == (align, keep)
