from __future__ import annotations

import pytest

from echocli.cli.entry import wants_worker

pytestmark = pytest.mark.unit


def test_a_transcription_starts_its_worker_before_anything_else() -> None:
    assert wants_worker(["transcribe", "talk.wav"], {})
    assert wants_worker(["transcribe", "talk.wav", "--model", "base.en"], {})
    assert wants_worker(["talk.wav"], {})


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["transcribe"],
        ["detect"],
        ["bench", "talk.wav"],
        ["transcribe", "--help"],
        ["transcribe", "talk.wav", "-h"],
        ["transcribe", "talk.wav", "--provider", "scripted"],
        ["transcribe", "talk.wav", "--provider=scripted"],
        ["transcribe", "talk.wav", "-p", "scripted"],
        ["transcribe", "talk.wav", "--dry-run"],
    ],
    ids=" ".join,
)
def test_what_may_not_need_the_default_provider_starts_none(words: list[str]) -> None:
    assert not wants_worker(words, {})


def test_a_provider_of_the_environment_starts_none() -> None:
    assert not wants_worker(["transcribe", "talk.wav"], {"ECHOCLI_PROVIDER": "scripted"})
    assert not wants_worker(["transcribe", "a.wav"], {"ECHOPANEL_ASR_PROVIDER": "scripted"})
