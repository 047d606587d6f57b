"""Live sessions through the Python API: their own loop, another model, another provider."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from echocli import live
from echocli.environment import Environment
from echocli.errors import ModelError, ProviderError, UsageError
from echocli.events import Event, Failover, Final, Gap, Level, Notice
from echocli.types import Samples
from tests.cli.stream import cut

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("tiny_model")]

CPP = "whisper-cpp:tiny.en"


def words(text: str) -> list[str]:
    return [word.strip(".,?").lower() for word in text.split()]


@pytest.fixture
def meeting(samples: Path) -> Path:
    return samples / "meeting.flac"


@pytest.fixture
def reference(samples: Path) -> list[str]:
    return words((samples / "meeting.ref.txt").read_text(encoding="utf-8"))


@pytest.fixture
def three(meeting: Path, tmp_path: Path) -> Path:
    """Return the first three sentences, for what is played at its own speed."""
    return cut(meeting, tmp_path / "three.wav", 0, 12.4)


def text_of(events: list[Event]) -> list[str]:
    return [word for one in events if isinstance(one, Final) for word in words(one.segment.text)]


def test_a_file_gives_its_words_and_the_same_events_twice(
    meeting: Path, reference: list[str]
) -> None:
    def run() -> list[str]:
        with live(meeting, model="tiny.en") as session:
            found = list(session)
            assert words(session.transcript.text) == reference
        return [f"{one}" for one in found if isinstance(one, Final)]

    assert run() == run()


def test_pieces_that_a_program_hands_in_are_heard(meeting: Path, reference: list[str]) -> None:
    sound, rate = soundfile.read(meeting, dtype="float32")

    def pieces() -> Iterator[Samples]:
        for at in range(0, len(sound), 3000):
            yield sound[at : at + 3000]

    with live(pieces(), rate=rate, model="tiny.en") as session:
        assert text_of(list(session)) == reference


class TestSwitching:
    def test_another_model_takes_over_and_no_word_is_lost(
        self, meeting: Path, reference: list[str]
    ) -> None:
        events: list[Event] = []
        with live(meeting, model="tiny.en") as session:
            for event in session:
                events.append(event)
                if isinstance(event, Final) and session.spec.provider == "faster-whisper":
                    session.switch_model(CPP)
            assert (session.spec.provider, session.spec.model) == ("whisper-cpp", "tiny.en")
        (level,) = [event for event in events if isinstance(event, Level)]
        assert level.reason == "asked for"
        assert level.effects == ("model whisper-cpp tiny.en",)
        assert not any(isinstance(event, Gap) for event in events)
        assert text_of(events) == reference

    def test_failing_over_is_an_event_and_a_second_time_goes_back(
        self, meeting: Path, reference: list[str]
    ) -> None:
        events: list[Event] = []
        with live(meeting) as session:
            for event in session:
                events.append(event)
                if isinstance(event, Final) and event.segment.id in (0, 2):
                    session.failover()
        found = [(one.from_, one.to, one.reason) for one in events if isinstance(one, Failover)]
        one, other = found[0][:2]
        assert found == [(one, other, "asked for"), (other, one, "asked for")]
        assert {one.split(":")[0], other.split(":")[0]} == {"faster-whisper", "whisper-cpp"}
        assert text_of(events) == reference

    def test_from_another_thread_while_sound_is_played(
        self, three: Path, reference: list[str]
    ) -> None:
        with live(three, pace=True, model="tiny.en") as session:
            asked = threading.Timer(2.0, session.switch_model, [CPP])
            asked.start()
            events = list(session)
            asked.join()
            assert session.spec.provider == "whisper-cpp"
        assert any(isinstance(event, Level) for event in events)
        assert not any(isinstance(event, Gap) for event in events)
        assert len(text_of(events)) >= 0.9 * reference.index("first")

    def test_what_cannot_be_is_said_at_once_and_changes_nothing(
        self, meeting: Path, reference: list[str]
    ) -> None:
        with live(meeting, model="tiny.en", fallback="none", offline=True) as session:
            with pytest.raises(ModelError, match="no-such-model"):
                session.switch_model("no-such-model")
            with pytest.raises(ProviderError, match="fail over"):
                session.failover()
            assert text_of(list(session)) == reference

    @pytest.mark.parametrize("name", ["faster-whisper:", ":tiny.en", "", "whisper-cpp: "])
    def test_half_a_name_is_refused(self, meeting: Path, name: str) -> None:
        with live(meeting, model="tiny.en") as session:
            with pytest.raises(UsageError, match="names no model"):
                session.switch_model(name)
            assert session.setup.spec.provider == "faster-whisper"

    def test_a_provider_may_be_spelled_as_in_a_variable_and_is_checked_like_the_first_model(
        self, meeting: Path
    ) -> None:
        with live(meeting, model="tiny.en") as session:
            session.switch_model("Whisper_CPP:tiny.en")
            assert session.setup.spec.provider == "whisper-cpp"
            assert session._served is not None
            made = session._served.service._post._make(session.setup.spec)
            assert session.setup.found is not None
            assert made.check is not None
            session.stop()
            list(session)

    def test_a_model_that_is_not_here_is_not_downloaded_in_a_run(
        self, meeting: Path, tmp_path: Path
    ) -> None:
        home = Environment(environ={**os.environ, "ECHOCLI_DATA_DIR": str(tmp_path)})
        with live(meeting, model="tiny.en", environment=home) as session:
            with pytest.raises(ModelError) as caught:
                session.switch_model("small.en")
            assert "models pull small.en" in (caught.value.hint or "")
        assert not list(tmp_path.rglob("*.part*"))

    def test_a_model_that_cannot_be_started_leaves_the_session_as_it_was(
        self, three: Path, tiny_model: Path, tmp_path: Path
    ) -> None:
        broken = tmp_path / "broken"
        shutil.copytree(tiny_model, broken)
        weights = broken / "model.bin"
        weights.write_bytes(weights.read_bytes()[:5000])
        events: list[Event] = []
        with live(three, model="tiny.en", pace=True) as session:
            before = session.setup
            for event in session:
                events.append(event)
                if isinstance(event, Final) and event.segment.id == 0:
                    session.switch_model(str(broken))
            assert session.setup is before
            assert session.spec == before.spec
        notices = [event.code for event in events if isinstance(event, Notice)]
        assert notices.count("swap_failed") == 1
        assert not any(isinstance(event, Level | Failover) for event in events)

    def test_after_a_failure_another_than_what_serves_is_asked_for(self, meeting: Path) -> None:
        failed = False
        with live(meeting, model="tiny.en", fallback=CPP, pace=True) as session:
            for event in session:
                if session.spec.provider != "whisper-cpp":
                    assert session._served is not None
                    if isinstance(event, Final | Gap | Notice | Level) or event.type == "partial":
                        pid = session._served.service.worker_pid
                        if pid is not None:
                            os.kill(pid, signal.SIGKILL)
                elif not failed:
                    failed = True
                    with pytest.raises(ProviderError, match="nothing to fail over to"):
                        session.failover()
                    session.stop()
        assert failed

    def test_when_it_is_over_nothing_can_be_asked_for(self, meeting: Path) -> None:
        with live(meeting, model="tiny.en") as session:
            list(session)
            before = session.setup
            with pytest.raises(UsageError, match="over"):
                session.switch_model(CPP)
            with pytest.raises(UsageError, match="over"):
                session.failover()
            with pytest.raises(UsageError, match="once"):
                list(session)
            assert session.setup is before
        with pytest.raises(UsageError, match="once"), session:
            pass


class TestEnds:
    def test_a_stop_ends_the_run_with_what_was_heard(self, meeting: Path) -> None:
        with live(meeting, pace=True, model="tiny.en") as session:
            events: list[Event] = []
            for event in session:
                events.append(event)
                if isinstance(event, Final):
                    session.stop()
        assert 0 < session.running.position < 15
        assert text_of(events)[:2] == ["good", "morning"]

    def test_leaving_the_block_early_leaves_nothing_running(self, meeting: Path) -> None:
        def running() -> set[object]:
            children = psutil.Process().children(recursive=True)
            return {*threading.enumerate(), *children}

        before = running()
        with live(meeting, pace=True, model="tiny.en") as session:
            for event in session:
                if isinstance(event, Final):
                    break
            assert running() > before
        deadline = time.monotonic() + 10
        while running() - before and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        assert running() <= before

    def test_it_listens_only_inside_with(self, meeting: Path) -> None:
        session = live(meeting, model="tiny.en")
        with pytest.raises(UsageError, match="with"):
            next(iter(session))
        for name in ("setup", "spec", "transcript"):
            with pytest.raises(UsageError, match="with"):
                getattr(session, name)

    def test_sound_is_kept_where_that_is_asked_for(self, meeting: Path, tmp_path: Path) -> None:
        kept = tmp_path / "kept.wav"
        with live(meeting, model="tiny.en", record=kept) as session:
            list(session)
        assert abs(soundfile.info(kept).duration - soundfile.info(meeting).duration) < 0.1

    def test_nothing_to_listen_to_is_an_error_at_once(self) -> None:
        with pytest.raises(UsageError, match="nothing to listen to"):
            live()
        with pytest.raises(UsageError):
            live(np.zeros(10, np.float32), mic=True)

    def test_what_is_only_configured_is_not_listened_to(
        self, meeting: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "config.toml").write_text("input_device = 'default'\nraw = 's16le,16000,1'\n")
        home = Environment(environ={"ECHOCLI_CONFIG_DIR": str(tmp_path)})
        assert not live(meeting, config=True, environment=home)._wanted.listens
        heard = live(mic=True, config=True, environment=home)._wanted
        assert (heard.devices, heard.raw) == (("default",), None)
        with pytest.raises(UsageError):
            live(mic=True, raw="s16le,16000,1", config=True, environment=home)
        with pytest.raises(UsageError, match="nothing to listen to"):
            live(config=True, environment=home)
