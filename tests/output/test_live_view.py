from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console as RichConsole

from echocli.clock import SteppingClock
from echocli.events import (
    End,
    Final,
    Gap,
    Meter,
    Notice,
    Partial,
    Ready,
    SpeechEnded,
    SpeechStarted,
)
from echocli.output.console import Console
from echocli.output.live_picture import MARGIN, LivePicture, delay, meter, rows
from echocli.output.live_state import FORGOTTEN, LiveState
from echocli.output.live_view import LiveFigures, LiveView
from echocli.output.progress import REFRESH
from echocli.output.stdout import ReaderGone
from echocli.types import Segment
from tests.output.screen import Streams, Terminal, on_one_terminal, screen_of, view_of

pytestmark = pytest.mark.unit

FIGURES = LiveFigures(42.0, 0.21, 412.4, "NORMAL")
LONG = " ".join(f"word{number}" for number in range(70))


def partial(text: str, committed: str = "", *, number: int = 0, source: str = "mic") -> Partial:
    return Partial(Segment(number, 0.0, 1.0, text, source=source), committed)


def final(text: str, *, number: int = 0, source: str = "mic") -> Final:
    return Final(Segment(number, 0.0, 1.0, text, source=source))


@pytest.fixture(autouse=True)
def _size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_finals_stand_above_open_words_and_status() -> None:
    env = on_one_terminal()
    with closing(view_of(env)) as view:
        view.event(Ready("mic", "p", "m"))
        view.event(Meter(1.0, -30.0, -20.0, "mic"))
        view.event(final(" First."), FIGURES)
        view.event(SpeechStarted(1, 2.0, "mic"))
        env.clock.advance(REFRESH)
        view.event(partial(" And then so", " And then", number=1))
        assert screen_of(env.err.getvalue()) == [
            "First.",
            "And then so",
            "● mic  ▁▁▁▁▅  0:42  RTF 0.21  412 ms  NORMAL",
        ]
    assert screen_of(env.err.getvalue())[0] == "First."
    assert "".join(screen_of(env.err.getvalue())[1:]) == ""
    assert env.err.getvalue().endswith("\x1b[?25h")


def test_pending_words_are_dim() -> None:
    env = on_one_terminal()
    with closing(view_of(env)) as view:
        env.clock.advance(REFRESH)
        view.event(partial(" sure maybe", " sure"))
    assert "sure \x1b[2mmaybe" in env.err.getvalue()


def test_pending_words_are_in_brackets_where_looks_are_not_wanted() -> None:
    env = on_one_terminal({"NO_COLOR": "1"})
    with closing(view_of(env)) as view:
        env.clock.advance(REFRESH)
        view.event(partial(" sure maybe", " sure"))
        assert screen_of(env.err.getvalue())[0] == "sure [maybe]"
    assert not re.search(r"\x1b\[3\d", env.err.getvalue())


def test_final_that_is_shorter_than_its_partial_leaves_nothing_behind() -> None:
    env = on_one_terminal()
    with closing(view_of(env)) as view:
        env.clock.advance(REFRESH)
        view.event(partial(LONG))
        view.event(final("Short."))
        assert screen_of(env.err.getvalue())[:2] == ["Short.", "● mic  no sound yet  0:00"]
        assert "word" not in "".join(screen_of(env.err.getvalue()))


def test_redirected_stdout_gets_finals_only_and_stderr_the_drawing() -> None:
    env = Streams(err=Terminal())
    with closing(view_of(env)) as view:
        env.clock.advance(REFRESH)
        view.event(partial(" Hel"))
        view.event(final(" Hello."))
        assert env.out.getvalue() == "Hello.\n"
        env.clock.advance(REFRESH)
        view.event(partial(" Wor", number=1))
        assert screen_of(env.err.getvalue())[0] == "Wor"
    assert "Hello" not in env.err.getvalue()


def test_open_words_without_status_are_drawn_where_only_stdout_is_a_terminal() -> None:
    env = Streams(out=Terminal())
    with closing(view_of(env)) as view:
        view.event(final(" Hello."), FIGURES)
        env.clock.advance(REFRESH)
        view.event(partial(" Wor", number=1))
        assert screen_of(env.out.getvalue()) == ["Hello.", "Wor"]
        view.event(Notice("x", "told"))
    assert env.err.getvalue() == "echocli: notice: told\n"


@pytest.mark.parametrize("environ", [{}, {"TERM": "dumb"}])
def test_nothing_is_drawn_without_a_terminal(environ: dict[str, str]) -> None:
    env = on_one_terminal(environ) if environ else Streams()
    with closing(view_of(env)) as view:
        for event in (Ready("mic", "p", "m"), partial(" Hel"), final(" Hello."), End(1.0, None)):
            env.clock.advance(REFRESH)
            view.event(event, FIGURES)
    assert env.out.getvalue() == "Hello.\n"


def test_quiet_draws_nothing_and_gives_no_notices_but_tells_of_gaps() -> None:
    env = Streams(err=Terminal())
    with closing(view_of(env, quiet=True)) as view:
        env.clock.advance(REFRESH)
        for event in (partial(" Hel"), Notice("x", "a notice"), final(" Hello.")):
            view.event(event)
        assert (env.out.getvalue(), env.err.getvalue()) == ("Hello.\n", "")
        view.event(Gap(1.0, 2.5, "overrun", "mic"))
    assert "no text from 1.0 s to 2.5 s: overrun" in env.err.getvalue()


def test_source_is_named_only_where_there_are_several() -> None:
    alone, both = Streams(), Streams()
    with closing(view_of(alone, "mic")) as view:
        view.event(final(" one"))
    with closing(view_of(both, "mic", "system")) as view:
        view.event(final(" one"))
        view.event(final(" two", source="system"))
        view.event(Gap(1.0, 2.0, "overrun", "system"))
    assert alone.out.getvalue() == "one\n"
    assert both.out.getvalue() == "mic: one\nsystem: two\n"
    assert "system: no text from 1.0 s" in both.err.getvalue()


def test_each_source_has_a_line_and_a_meter() -> None:
    env = on_one_terminal()
    with closing(view_of(env, "mic", "system")) as view:
        view.event(Ready("mic", "p", "m"))
        view.event(Meter(3.0, 0.0, 0.0, "mic"))
        view.event(partial(" one"))
        env.clock.advance(REFRESH)
        view.event(partial(" two", source="system"))
        assert screen_of(env.err.getvalue()) == [
            "mic: one",
            "system: two",
            "● mic  ▁▁▁▁█  ● system  no sound yet  0:03",
        ]


def test_notice_stands_above_the_drawing() -> None:
    env = on_one_terminal()
    with closing(view_of(env)) as view:
        env.clock.advance(REFRESH)
        view.event(partial(LONG))
        view.event(Notice("slow", "the machine is slow"))
        shown = screen_of(env.err.getvalue())
    assert shown[:2] == ["echocli: notice: the machine is slow", LONG[: LONG.index(" word12")]]
    assert sum("word0" in line for line in shown) == 1


def test_model_text_never_reaches_the_terminal_unescaped() -> None:
    env = on_one_terminal()
    with closing(view_of(env, "mic\x1b[2J", "b")) as view:
        env.clock.advance(REFRESH)
        view.event(partial(" [red]x\x1b]0;t\x07\u202e", " [red]", source="mic\x1b[2J"))
        view.event(final(" [red]y\x1b[2J\x07\u202e", source="mic\x1b[2J"))
    written = env.err.getvalue()
    assert "[red] \x1b[2mx\\u001b]0;t\\u0007\\u202e" in written
    assert "\x1b[2J" not in written
    assert not set("\x07\u202e") & set(written)


def test_picture_is_not_drawn_more_often_than_can_be_seen() -> None:
    env = on_one_terminal()
    with closing(view_of(env)) as view:
        view.event(partial(" one"))
        before = env.err.getvalue()
        assert "one" not in before
        env.clock.advance(REFRESH)
        view.event(partial(" one two"))
        assert "one two" in env.err.getvalue()[len(before) :]


def test_lost_device_is_shown_until_it_is_back() -> None:
    env = on_one_terminal()
    with closing(view_of(env)) as view:
        view.event(Ready("mic", "p", "m"))
        view.event(Meter(1.0, -10.0, -10.0, "mic"))
        view.event(Notice("device_lost", "gone"))
        assert screen_of(env.err.getvalue())[-1] == "● mic  device lost  0:01"
        view.event(Notice("device_back", "back"))
        assert screen_of(env.err.getvalue())[-1] == "● mic  0:01"


def test_finals_can_be_left_to_somebody_else() -> None:
    env = on_one_terminal()
    console = Console(env)
    with closing(LiveView(env, console, ["mic"], finals=False)) as view:
        view.event(final(" Hello."))
        with console.above():
            env.out.write('{"type": "final"}\n')
        assert screen_of(env.out.getvalue())[0] == '{"type": "final"}'
    assert "Hello" not in env.out.getvalue()


def test_final_without_text_is_no_line() -> None:
    env = Streams()
    with closing(view_of(env)) as view:
        view.event(final("  "))
    assert env.out.getvalue() == ""


def test_reader_that_went_away_is_told_to_the_caller() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:

        class Piped(Streams):
            @property
            def stdout(self) -> io.StringIO:
                return stream  # type: ignore[return-value]

        with closing(view_of(Piped())) as view, pytest.raises(ReaderGone):
            view.event(final(" Hello."))


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")
def test_a_terminal_that_goes_away_stops_nothing() -> None:
    master, slave = os.openpty()
    clock = SteppingClock()
    state = LiveState(["mic"], clock)
    # Unbuffered, so that nothing is left that closing would write.
    with os.fdopen(slave, "wb", buffering=0) as raw:
        stream = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        canvas = RichConsole(file=stream, force_terminal=True)
        picture = LivePicture(clock, canvas, state, status=True)
        picture.start()
        os.close(master)
        for _ in range(2):
            clock.advance(1.0)
            picture.update()
        picture.stop()
        stream.detach()


def test_narrower_window_leaves_no_wrapped_rows_behind() -> None:
    clock, stream = SteppingClock(), Terminal()
    state = LiveState(["mic"], clock)
    canvas = RichConsole(file=stream, force_terminal=True, width=80, height=24)
    picture = LivePicture(clock, canvas, state, status=True)
    state.take(partial(LONG), FIGURES)
    stream.write("A final.\n")
    picture.start()
    canvas.size = (40, 24)
    at = len(stream.getvalue())
    clock.advance(REFRESH)
    picture.update()
    shown = screen_of(stream.getvalue(), narrowed=(at, 40))
    assert shown[0] == "A final."
    assert " ".join(line for line in shown[1:] if line) == (
        f"{LONG} ● mic  no sound yet  0:42  NORMAL"
    )
    picture.stop()


@given(
    st.lists(st.tuples(st.text(max_size=300), st.text(max_size=30)), min_size=1, max_size=3),
    st.integers(1, 100),
    st.integers(1, 30),
    st.booleans(),
)
def test_picture_always_fits_the_terminal(
    said: list[tuple[str, str]], width: int, height: int, status: bool
) -> None:
    names = [f"source {number}" for number in range(len(said))]
    state = LiveState(names, SteppingClock())
    for name, (text, committed) in zip(names, said, strict=True):
        state.take(partial(committed + text, committed, source=name), FIGURES)
    canvas = RichConsole(file=io.StringIO(), width=width, height=height)
    lines = rows(state, canvas, status=status)
    assert len(lines) <= max(height - 1, 1 + status)
    assert all(line.cell_len <= max(width - MARGIN, 1) for line in lines)


def test_newest_words_remain_of_a_text_that_is_too_long() -> None:
    state = LiveState(["mic"], SteppingClock())
    state.take(partial("今日は天気がいいですね。" * 20 + " the end"), None)
    canvas = RichConsole(file=io.StringIO(), width=40, height=6)
    lines = [line.plain for line in rows(state, canvas, status=True)]
    assert len(lines) == 5
    assert lines[0].startswith("…")
    assert lines[3].endswith("the end")


def test_narrow_status_drops_latency_then_rtf_then_level() -> None:
    state = LiveState(["mic"], SteppingClock())
    state.take(Ready("mic", "p", "m"), FIGURES)
    found = {
        rows(state, RichConsole(file=io.StringIO(), width=width, height=5), status=True)[-1].plain
        for width in range(4, 60)
    }
    assert {
        "● mic  0:42  RTF 0.21  412 ms  NORMAL",
        "● mic  0:42  RTF 0.21  NORMAL",
        "● mic  0:42  NORMAL",
        "● mic  0:42",
        "…",
    } <= found


def test_partial_that_its_final_overtook_is_not_shown() -> None:
    state = LiveState(["mic"], SteppingClock())
    state.take(partial(" late", number=1), None)
    state.take(final(" done", number=1), None)
    state.take(partial(" late", number=1), None)
    assert not state.ears[0].utterances


def test_utterance_without_words_is_gone_when_it_is_over() -> None:
    state = LiveState(["mic"], SteppingClock())
    state.take(SpeechStarted(0, 1.0, "mic"), None)
    assert 0 in state.ears[0].utterances
    state.take(SpeechEnded(0, 1.0, 2.0, "silence", "mic"), None)
    assert not state.ears[0].utterances


def test_words_that_never_become_final_are_forgotten() -> None:
    clock = SteppingClock()
    state = LiveState(["mic"], clock)
    state.take(partial(" hm"), None)
    state.take(SpeechEnded(0, 1.0, 2.0, "silence", "mic"), None)
    state.take(partial(" open", number=1), None)
    clock.advance(FORGOTTEN + 1)
    state.forget()
    assert list(state.ears[0].utterances) == [1]


def test_meter_has_eight_steps_from_60_db_below_full_scale() -> None:
    assert meter([-100.0, -60.0, -52.5, -7.6, -7.5]) == "▁▁▂▇█"
    assert meter([0.0]) == "▁▁▁▁█"
    assert meter([float("nan"), 3.0]) == "▁▁▁▁█"


def test_long_delays_are_in_seconds() -> None:
    assert [delay(412.4), delay(9_999.0), delay(12_345.0)] == ["412 ms", "9999 ms", "12.3 s"]


def test_rich_is_not_imported_where_there_is_no_terminal() -> None:
    script = (
        "import sys; from echocli.environment import Environment;"
        "from echocli.output.console import Console;"
        "from echocli.output.live_view import LiveView;"
        "env = Environment(); LiveView(env, Console(env), ['mic']).close();"
        "print('rich' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"
