from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE
from echocli.vad.endpointer import FRAME, VadOptions
from echocli.vad.turns import Began, Ended, Reason, Turn, TurnOptions, Turns

pytestmark = pytest.mark.unit

SMALL = TurnOptions(
    min_speech=2 * FRAME,
    hangover=6 * FRAME,
    pause=2 * FRAME,
    relaxed=10 * FRAME,
    longest=30 * FRAME,
    zone=8 * FRAME,
)
"""Everything happens within a second."""

Frames = list[tuple[float, float]]

probabilities = st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0])
loudnesses = st.sampled_from([0.0, 0.1, 0.2, 0.5])
frame_lists = st.lists(
    st.tuples(st.tuples(probabilities, loudnesses), st.sampled_from([1, 2, 5, 12, 40])), max_size=30
).map(lambda runs: [frame for frame, count in runs for _ in range(count)])


def frames(*runs: tuple[float, int]) -> Frames:
    return [(value, 0.5) for value, count in runs for _ in range(count)]


def run(
    heard: Frames, options: TurnOptions = SMALL, origin: int = 0, reason: Reason = Reason.END
) -> list[Turn]:
    turns = Turns(options, origin)
    return turns.feed(heard) + turns.finish(origin + len(heard) * FRAME, reason)


def ended(turns: list[Turn]) -> list[Ended]:
    return [turn for turn in turns if isinstance(turn, Ended)]


def test_silence_gives_no_turn() -> None:
    assert run(frames((0, 100))) == []


def test_speech_is_told_as_soon_as_it_is_long_enough() -> None:
    turns = Turns(SMALL)
    assert turns.feed(frames((0, 4), (1, 2))) == []
    assert turns.start is None
    assert turns.feed(frames((1, 1))) == [Began(4 * FRAME)]
    assert turns.start == 4 * FRAME


def test_the_hangover_ends_an_utterance_and_is_not_in_it() -> None:
    turns = Turns(SMALL)
    turns.feed(frames((0, 3), (1, 5), (0, 5)))
    assert turns.silence == 8 * FRAME
    assert turns.feed(frames((0, 1))) == [Ended(3 * FRAME, 8 * FRAME, Reason.SILENCE)]
    assert turns.start is None
    assert turns.silence is None


def test_a_pause_shorter_than_the_hangover_is_inside() -> None:
    found = run(frames((1, 4), (0, 5), (1, 4), (0, 6)))
    assert found == [Began(0), Ended(0, 13 * FRAME, Reason.SILENCE)]


def test_short_speech_is_dropped() -> None:
    assert run(frames((1, 2), (0, 10), (1, 1), (0, 10))) == []


def test_a_doubtful_frame_neither_begins_nor_ends_speech() -> None:
    assert run(frames((0.4, 20))) == []
    found = run(frames((1, 3), (0.4, 10), (0, 6)))
    assert ended(found) == [Ended(0, 13 * FRAME, Reason.SILENCE)]


def test_doubt_after_a_pause_does_not_call_the_end_off() -> None:
    found = run(frames((1, 4), (0, 1), (0.4, 5)))
    assert ended(found) == [Ended(0, 4 * FRAME, Reason.SILENCE)]


@pytest.mark.parametrize("reason", [Reason.END, Reason.GAP])
def test_what_is_open_ends_with_the_sound(reason: Reason) -> None:
    found = run(frames((0, 2), (1, 5)), reason=reason)
    assert found == [Began(2 * FRAME), Ended(2 * FRAME, 7 * FRAME, reason)]


def test_the_end_of_the_sound_does_not_add_the_pause_before_it() -> None:
    assert ended(run(frames((1, 5), (0, 3)))) == [Ended(0, 5 * FRAME, Reason.END)]


def test_an_utterance_ends_with_the_samples_of_a_frame_cut_short() -> None:
    turns = Turns(SMALL)
    turns.feed(frames((1, 5)))
    assert turns.finish(4 * FRAME + 7, Reason.END) == [Ended(0, 4 * FRAME + 7, Reason.END)]


def test_long_speech_is_cut_in_the_middle_of_its_quietest_late_frame() -> None:
    heard = [(1.0, 0.5)] * 40
    heard[10] = (1.0, 0.0)  # too early
    heard[25] = (1.0, 0.1)
    found = run(heard)
    cut = 25 * FRAME + FRAME // 2
    assert found[:3] == [Began(0), Ended(0, cut, Reason.SPLIT), Began(cut)]
    assert found[3:] == [Ended(cut, 40 * FRAME, Reason.END)]


def test_of_equally_quiet_frames_the_first_is_cut() -> None:
    assert ended(run([(1.0, 0.5)] * 30))[0].end == 22 * FRAME + FRAME // 2


def test_the_longer_speech_lasts_the_shorter_a_pause_ends_it() -> None:
    heard = frames((1, 25), (0, 3), (1, 25))
    assert ended(run(heard))[0] == Ended(0, 25 * FRAME, Reason.SILENCE)
    heard = frames((1, 4), (0, 3), (1, 4))
    assert ended(run(heard)) == [Ended(0, 11 * FRAME, Reason.END)]


@given(st.integers(0, 20 * SAMPLE_RATE), st.integers(0, 20 * SAMPLE_RATE))
def test_patience_never_grows_with_length(first: int, second: int) -> None:
    options = TurnOptions()
    short, long = sorted((first, second))
    assert options.pause <= options.patience(long) <= options.patience(short) <= options.hangover


def test_patience_is_the_hangover_first_and_a_pause_at_last() -> None:
    options = TurnOptions()
    assert options.patience(options.relaxed) == options.hangover
    assert options.patience(options.longest) == options.pause


def test_options_are_those_for_recordings() -> None:
    vad = VadOptions(threshold=0.6, min_speech_ms=200, min_silence_ms=300)
    options = TurnOptions.of(vad)
    assert options.threshold == 0.6
    assert options.negative == vad.negative
    assert options.min_speech == 3200
    assert options.hangover == 4800
    assert options.pause == TurnOptions().pause


def test_a_short_hangover_is_a_pause_too() -> None:
    options = TurnOptions.of(VadOptions(min_silence_ms=50))
    assert options.pause == options.hangover == 800


@pytest.mark.parametrize("milliseconds", [0, 31, 2001])
def test_a_hangover_no_listener_can_use_is_refused(milliseconds: float) -> None:
    with pytest.raises(UsageError, match="--vad-min-silence-ms"):
        TurnOptions.of(VadOptions(min_silence_ms=milliseconds))


@given(frame_lists, st.lists(st.integers(0, 400)))
def test_any_cutting_of_the_frames_gives_the_same_turns(heard: Frames, cuts: list[int]) -> None:
    turns, found = Turns(SMALL), []
    for start, end in itertools.pairwise([0, *sorted(cuts), len(heard)]):
        found += turns.feed(heard[start:end])
    assert found + turns.finish(len(heard) * FRAME, Reason.END) == run(heard)


@given(frame_lists, st.sampled_from([0, 777]))
def test_utterances_are_in_order_and_do_not_overlap(heard: Frames, origin: int) -> None:
    found = run(heard, origin=origin)
    assert [type(turn) for turn in found] == [Began, Ended] * (len(found) // 2)
    last = origin
    for began, end in zip(found[::2], ended(found), strict=True):
        assert last <= began.start == end.start < end.end <= origin + len(heard) * FRAME
        assert end.end - end.start <= SMALL.longest
        last = end.end


@given(frame_lists)
def test_speech_that_is_long_enough_lies_in_an_utterance(heard: Frames) -> None:
    spans = [(turn.start, turn.end) for turn in ended(run(heard))]
    at = 0
    for loud, group in itertools.groupby(heard, lambda frame: frame[0] >= SMALL.threshold):
        count = len(list(group))
        if loud and count * FRAME > SMALL.min_speech:
            inside = [(max(a, at), min(b, at + count * FRAME)) for a, b in spans]
            assert sum(b - a for a, b in inside if b > a) == count * FRAME
        at += count * FRAME


@given(frame_lists)
def test_an_utterance_begins_and_ends_with_a_frame_that_may_be_speech(heard: Frames) -> None:
    for turn in ended(run(heard)):
        if turn.start % FRAME == 0:
            assert heard[turn.start // FRAME][0] >= SMALL.threshold
        if turn.end % FRAME == 0:
            assert heard[turn.end // FRAME - 1][0] >= SMALL.negative


@given(frame_lists)
def test_no_utterance_begins_before_what_was_undecided(heard: Frames) -> None:
    turns, least = Turns(SMALL), 0
    for frame in heard:
        found = turns.feed([frame])
        assert all(turn.start >= least for turn in found if isinstance(turn, Began))
        if turns.start is None:
            assert turns.undecided >= least
            least = turns.undecided
