from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

import pytest

from echocli.clock import SteppingClock
from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.output.console import Console, width_of

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    """A buffer that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(slots=True)
class Streams(Environment):
    """An environment with streams of its own and a clock that stands still."""

    environ: Mapping[str, str] = field(default_factory=dict)
    clock: SteppingClock = field(default_factory=SteppingClock)
    out: TextIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    @property
    def stdout(self) -> TextIO:
        return self.out

    @property
    def stderr(self) -> TextIO:
        return self.err


def show_half(console: Console, env: Streams) -> str:
    """Show a bar at half of a minute and return what stderr got."""
    with console.progress("talk.wav") as bar:
        bar.update(0.0, 60.0)
        env.clock.advance(3.0)
        bar.update(30.0, 60.0)
    return env.err.getvalue()


def test_notice_is_one_line() -> None:
    env = Streams()
    Console(env).notice("ends\nearly\x1b[2J", "early-end")
    assert env.err.getvalue() == "echocli: notice: ends early\\u001b[2J\n"


def test_verbose_notice_has_its_code() -> None:
    env = Streams()
    Console(env, verbose=1).notice("ends early", "early-end")
    assert env.err.getvalue() == "echocli: notice: ends early [early-end]\n"


def test_error_has_its_hint_on_the_next_line() -> None:
    env = Streams()
    Console(env).error(EchoError("it broke", hint="mend it"))
    assert env.err.getvalue() == "echocli: error: it broke\n  mend it\n"


def test_details_need_as_many_v_as_their_level() -> None:
    env = Streams()
    console = Console(env, verbose=1)
    console.detail("model: tiny.en (default)")
    console.detail("every window", level=2)
    assert env.err.getvalue() == "echocli: info: model: tiny.en (default)\n"


def test_quiet_leaves_only_errors() -> None:
    env = Streams(err=Terminal())
    console = Console(env, quiet=True, verbose=2)
    console.notice("a")
    console.detail("b")
    assert show_half(console, env) == ""
    console.error(EchoError("c"))
    assert "c" in env.err.getvalue()


def test_no_bar_where_stderr_is_no_terminal() -> None:
    env = Streams()
    assert show_half(Console(env), env) == ""


def test_no_bar_on_a_dumb_terminal() -> None:
    env = Streams(environ={"TERM": "dumb"}, err=Terminal())
    assert show_half(Console(env), env) == ""


def test_a_dumb_terminal_gets_its_table_all_the_same() -> None:
    env = Streams(environ={"TERM": "dumb", "COLUMNS": "50"}, err=Terminal())
    console = Console(env)
    assert console.table_width == 50
    console.table(["file", "a.wav"])
    assert env.err.getvalue() == "file\na.wav\n"


def test_what_is_no_terminal_has_no_width() -> None:
    env = Streams(environ={"COLUMNS": "50"})
    assert width_of(env, env.stdout) is None
    assert Console(env).table_width is None
    assert Console(Streams(err=Terminal()), quiet=True).table_width is None


@pytest.mark.parametrize("stated", ["", "0", "many"])
def test_a_terminal_that_does_not_know_its_width_has_the_usual_one(stated: str) -> None:
    assert width_of(Streams(environ={"COLUMNS": stated}), Terminal()) == 80


def test_bar_shows_position_speed_and_time_left() -> None:
    env = Streams(err=Terminal())
    text = show_half(Console(env), env)
    assert "talk.wav" in text
    assert "0:30 / 1:00  10.0\N{MULTIPLICATION SIGN}  0:03 left" in text


def test_bar_is_not_drawn_more_often_than_can_be_seen() -> None:
    env = Streams(err=Terminal())
    with Console(env).progress("talk.wav") as bar:
        bar.update(1.0, 60.0)
        before = env.err.getvalue()
        bar.update(2.0, 60.0)
        assert env.err.getvalue() == before
        bar.update(60.0, 60.0)
        assert env.err.getvalue() != before


def test_label_is_no_markup_and_no_escape_sequence() -> None:
    env = Streams(err=Terminal())
    with Console(env).progress("[red]a\x1b]0;b.wav") as bar:
        bar.update(1.0, None)
    assert "[red]a\\u001b]0;b.wav" in env.err.getvalue()


def test_bar_leaves_room_for_the_interrupt_key_the_terminal_echoes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    env = Streams({"NO_COLOR": "1"}, err=Terminal())
    with Console(env).progress("a long name " * 5) as bar:
        bar.update(1.0, 60.0)
        drawn = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", env.err.getvalue()).split("\r")[-1]
    assert 40 < len(drawn) <= 57


def test_colour_is_left_out_with_no_color() -> None:
    coloured, plain = Streams(err=Terminal()), Streams({"NO_COLOR": "1"}, err=Terminal())
    for env in (coloured, plain):
        Console(env).notice("x")
    assert "\x1b[33m" in coloured.err.getvalue()
    assert plain.err.getvalue() == "echocli: notice: x\n"


def test_long_message_is_not_cut_or_wrapped() -> None:
    env = Streams({"NO_COLOR": "1"}, err=Terminal())
    Console(env).notice("word " * 100)
    assert env.err.getvalue().count("\n") == 1


def test_broken_stderr_is_no_reason_to_stop() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    class Broken(io.StringIO):
        def write(self, text: str, /) -> int:
            return os.write(writer, text.encode())

    Console(Streams(err=Broken())).notice("nobody hears this")
    os.close(writer)


def test_bar_is_away_while_the_transcript_is_written_to_the_same_terminal() -> None:
    screen = Terminal()
    env = Streams(out=screen, err=screen)
    console = Console(env)
    with console.progress("talk.wav") as bar:
        bar.update(1.0, 2.0)
        with console.above():
            before = screen.getvalue()
            bar.update(2.0, 2.0)
            screen.write("Hello\n")
    assert "Hello" in screen.getvalue()
    assert screen.getvalue().startswith(before + "Hello\n")


def test_bar_stays_while_the_transcript_goes_elsewhere() -> None:
    env = Streams(err=Terminal())
    console = Console(env)
    with console.progress("talk.wav") as bar:
        bar.update(1.0, 2.0)
        before = env.err.getvalue()
        with console.above():
            env.out.write("Hello\n")
        assert env.err.getvalue() == before


def test_rich_is_not_imported_where_there_is_no_terminal() -> None:
    script = (
        "import sys; from echocli.environment import Environment;"
        "from echocli.output.console import Console;"
        "Console(Environment()).notice('x'); print('rich' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"
    assert result.stderr == "echocli: notice: x\n"
