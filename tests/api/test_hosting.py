"""One real model for live runs and files at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from echocli.api.hosting import LONGEST_PROMPT, Hosting, hosting
from echocli.api.listener import Logging
from echocli.api.sounds import open_sound
from echocli.api.wishes import choose
from echocli.audio.playback import Playback
from echocli.environment import Environment
from echocli.errors import InputError, ModelError, UsageError
from echocli.events import End, Final, Gap, Meter, SpeechStarted
from echocli.types import SAMPLE_RATE, to_samples

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def place() -> Iterator[Hosting]:
    environment = Environment()
    chosen = choose({"model": "tiny.en"}, environment, config=False, profile=None)
    with hosting(chosen, environment, Logging()) as made:
        assert made.host.wait_ready(120)
        yield made


def playback(place: Hosting, path: Path, name: str = "mic") -> Playback:
    environment = Environment()
    source = open_sound(path, place.setup.chosen, environment)
    return Playback(source, name=name, pace=False, clock=environment.clock)


def test_live_runs_and_files_at_the_same_time_give_what_they_give_alone(
    place: Hosting, samples: Path
) -> None:
    path = samples / "meeting.flac"

    def live(name: str) -> list[str]:
        run = place.live(name, [playback(place, path)], {})
        try:
            events = list(run.events())
        finally:
            place.close_guest(name)
        assert not [event for event in events if isinstance(event, Gap)]
        return [event.segment.text for event in events if isinstance(event, Final)]

    def file(name: str) -> list[str]:
        transcription = place.open(name, path, {})
        try:
            events = list(transcription.events())
        finally:
            transcription.close()
            place.close_guest(name)
        return [event.segment.text for event in events if isinstance(event, Final)]

    alone_live, alone_file = live("alone"), file("alone")
    assert len(alone_live) > 3
    with ThreadPoolExecutor(5) as pool:
        lives = [pool.submit(live, f"live {n}") for n in range(3)]
        files = [pool.submit(file, f"file {n}") for n in range(2)]
        assert [job.result() for job in files] == [alone_file] * 2
        assert [job.result() for job in lives] == [alone_live] * 3
    assert place.host.live_sessions == place.host.requests == 0


def test_what_is_settled_grows_to_the_end_and_a_run_can_go_on_from_there(
    place: Hosting, samples: Path
) -> None:
    path = samples / "meeting.flac"
    start = 100 * SAMPLE_RATE
    run = place.live("later", [playback(place, path)], {}, starts={"mic": start}, first_id=7)
    settled: list[int] = []
    finals: list[Final] = []
    try:
        for event in run.events():
            settled.append(run.settled("mic"))
            if isinstance(event, Final):
                finals.append(event)
            if isinstance(event, SpeechStarted | Meter):
                assert getattr(event, "start", getattr(event, "position", 0.0)) >= 100.0
            if isinstance(event, End):
                assert event.duration == pytest.approx(100.0 + 20.9, abs=1.0)
    finally:
        place.close_guest("later")
    assert finals[0].segment.id == 7
    assert finals[0].segment.start >= 100.0
    assert settled == sorted(settled)
    assert settled[-1] > to_samples(finals[-1].segment.end) - SAMPLE_RATE


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"model": "base"}, "cannot be chosen"),
        ({"beam_size": 900}, "cannot be chosen"),
        ({"metrics_file": "/tmp/x"}, "cannot be chosen"),
        ({"language": "fr"}, "English only"),
        ({"language": "klingon"}, "language"),
        ({"task": "translate"}, "English only"),
        ({"initial_prompt": "a" * (LONGEST_PROMPT + 1)}, "longer than"),
        ({"vad_threshold": "much"}, "vad_threshold"),
    ],
)
def test_what_a_guest_cannot_have_is_an_error_and_leaves_no_guest(
    place: Hosting, samples: Path, wishes: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        place.open("guest", samples / "meeting.flac", wishes)
    with pytest.raises(UsageError, match=said):
        place.live("guest", [], wishes)
    assert place.host.requests == place.host.live_sessions == 0


def test_a_file_that_is_none_leaves_no_guest(place: Hosting, tmp_path: Path) -> None:
    path = tmp_path / "nothing.wav"
    path.write_bytes(b"")
    with pytest.raises(InputError):
        list(place.open("guest", path, {}).events())
    place.close_guest("guest")
    assert place.host.requests == 0


class Told(Logging):
    """Keep what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def notice(self, message: str, code: str = "") -> None:
        self.said.append((message, code))


def test_a_model_that_cannot_be_loaded_is_told_once(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"load_error": "it is broken"}')
    environment, told = Environment(), Told()
    wishes = {"provider": "scripted", "model": str(script)}
    chosen = choose(wishes, environment, config=False, profile=None)
    with hosting(chosen, environment, told) as place:
        for _ in range(2):
            with pytest.raises(ModelError, match="it is broken"):
                place.host.wait_ready(30)
    assert [text for text, code in told.said if code == "model_failed"] == [
        text for text, _ in told.said if "it is broken" in text
    ]
    assert len([code for _, code in told.said if code == "model_failed"]) == 1


def test_each_guest_has_its_own_words_and_prompt(place: Hosting, samples: Path) -> None:
    plain = place.open("plain", samples / "meeting.flac", {})
    worded = place.open(
        "worded", samples / "meeting.flac", {"word_timestamps": True, "initial_prompt": "Minutes."}
    )
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda one: list(one.events()), (plain, worded))
    for one, name in ((plain, "plain"), (worded, "worded")):
        one.close()
        place.close_guest(name)
    assert all(event.segment.words is None for event in first if isinstance(event, Final))
    assert all(event.segment.words for event in second if isinstance(event, Final))
