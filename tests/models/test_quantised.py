"""CTranslate2 models in int8: the same text as before, in half the room."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from echocli.errors import ModelError
from echocli.models.ct2 import WhisperWeights
from echocli.models.identity import known_digest
from echocli.models.parts import unfinished
from echocli.models.quantised import quantise, target_of
from echocli.models.records import read_record
from tests.conftest import clean_environment
from tests.models.made_up_whisper import STATE, made_up, save

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="limits as on Unix")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a made-up model in float32."""
    directory = tmp_path_factory.mktemp("made-up") / "model"
    save(made_up(), directory)
    (directory / "preprocessor_config.json").write_text('{"feature_size": 80}')
    (directory / "README.md").write_text("not part of the model")
    return directory


def states(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}


class TestMadeUpModels:
    pytestmark = pytest.mark.unit

    def test_matrices_are_rounded_to_a_scale_a_row(self, weights: Path, tmp_path: Path) -> None:
        quantise(weights, tmp_path / "q", store=tmp_path)
        found, whole = WhisperWeights(tmp_path / "q" / "model.bin"), made_up()
        matrix = whole.encoder.layer[0].ffn.linear_0.weight
        name = "encoder/layer_0/ffn/linear_0/weight"
        scale = 127 / np.abs(matrix).max(axis=1)
        assert np.allclose(found.stored(f"{name}_scale"), scale)
        levels = found.stored(name)
        assert levels.dtype == np.int8
        assert np.array_equal(levels, np.rint(matrix * scale[:, None]))

    def test_everything_else_stays(self, weights: Path, tmp_path: Path) -> None:
        quantise(weights, tmp_path / "q", store=tmp_path)
        before = WhisperWeights(weights / "model.bin")
        after = WhisperWeights(tmp_path / "q" / "model.bin")
        scales = {name for name in after.names if name.endswith("_scale")}
        assert after.names - scales == before.names
        alias = "decoder/projection/weight"  # of the embeddings
        kept = [name for name in before.names - {alias} if f"{name}_scale" not in scales]
        assert {"encoder/conv1/weight", "encoder/conv2/weight", "decoder/num_heads"} <= {*kept}
        assert all(np.array_equal(before.stored(name), after.stored(name)) for name in kept)

    def test_what_belongs_to_the_weights_is_copied(self, weights: Path, tmp_path: Path) -> None:
        quantise(weights, tmp_path / "q", store=tmp_path)
        names = {"config.json", "tokenizer.json", "vocabulary.json", "preprocessor_config.json"}
        assert set(states(tmp_path / "q")) == names | {"model.bin", "echocli.json"}
        for name in names:
            assert (tmp_path / "q" / name).read_bytes() == (weights / name).read_bytes()

    def test_the_record_says_what_it_was_made_from(self, weights: Path, tmp_path: Path) -> None:
        quantise(weights, tmp_path / "tiny.en-int8", store=tmp_path)
        record = read_record(tmp_path / "tiny.en-int8")
        assert record is not None
        assert (record.name, record.format, record.quantisation) == ("tiny.en", "ct2", "int8")
        assert record.source == f"converted:{weights.resolve()}"
        size = (tmp_path / "tiny.en-int8" / "model.bin").stat().st_size
        assert record.files["model.bin"].bytes == size

    def test_its_digest_is_known_at_once(self, weights: Path, tmp_path: Path) -> None:
        quantise(weights, tmp_path / "q", store=tmp_path)
        record = read_record(tmp_path / "q")
        assert record is not None
        made = record.files["model.bin"].sha256
        assert known_digest(tmp_path / "q" / "model.bin", tmp_path) == made

    def test_the_second_time_nothing_is_written(self, weights: Path, tmp_path: Path) -> None:
        quantise(weights, tmp_path / "q", store=tmp_path)
        before = states(tmp_path / "q")
        quantise(weights, tmp_path / "q", store=tmp_path)
        assert states(tmp_path / "q") == before

    @pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
    def test_a_damaged_one_is_made_again(self, weights: Path, tmp_path: Path, damage: str) -> None:
        quantise(weights, tmp_path / "q", store=tmp_path)
        model = tmp_path / "q" / "model.bin"
        whole = model.read_bytes()
        if damage == "gone":
            model.unlink()
        else:
            model.write_bytes(whole[:-9] if damage == "cut" else whole[:-1] + b"x")
        quantise(weights, tmp_path / "q", store=tmp_path)
        assert model.read_bytes() == whole

    def test_one_of_other_weights_is_replaced(self, weights: Path, tmp_path: Path) -> None:
        save(made_up(1), tmp_path / "other")
        quantise(tmp_path / "other", tmp_path / "q", store=tmp_path)
        before = (tmp_path / "q" / "model.bin").read_bytes()
        quantise(weights, tmp_path / "q", store=tmp_path)
        assert (tmp_path / "q" / "model.bin").read_bytes() != before

    def test_what_a_killed_conversion_left_is_swept_away(
        self, weights: Path, tmp_path: Path
    ) -> None:
        left = unfinished(tmp_path / "q")
        left.mkdir()
        (left / "model.bin").write_bytes(b"half")
        quantise(weights, tmp_path / "q", store=tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {"q", "digests.json"}

    def test_somebodys_directory_of_a_similar_name_is_left_alone(
        self, weights: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "q.part").mkdir()
        (tmp_path / "q.part" / "photo.jpg").write_bytes(b"mine")
        quantise(weights, tmp_path / "q", store=tmp_path)
        assert (tmp_path / "q.part" / "photo.jpg").read_bytes() == b"mine"

    def test_the_revision_is_that_of_the_weights(self, weights: Path, tmp_path: Path) -> None:
        quantise(weights, tmp_path / "q", store=tmp_path, revision="abc")
        record = read_record(tmp_path / "q")
        assert record is not None
        assert record.revision == "abc"

    def test_in_the_store_it_is_named_after_its_model_and_never_after_a_path(
        self, weights: Path, tmp_path: Path
    ) -> None:
        assert target_of(weights, "mine", tmp_path) == tmp_path / "mine-int8"
        own = target_of(weights, None, tmp_path)
        assert own.parent == tmp_path
        assert re.fullmatch(r"model-[0-9a-f]{8}-int8", own.name)

    def test_float16_stays_float16_where_it_is_not_int8(self, tmp_path: Path) -> None:
        save(made_up(), tmp_path / "half", "float16")
        quantise(tmp_path / "half", tmp_path / "q", store=tmp_path)
        found = WhisperWeights(tmp_path / "q" / "model.bin")
        assert found.stored("decoder/layer_norm/beta").dtype == np.float16
        assert found.stored("encoder/conv1/weight").shape == (STATE, 80, 3)


class TestErrors:
    pytestmark = pytest.mark.unit

    def test_somebodys_own_directory_is_not_replaced(self, weights: Path, tmp_path: Path) -> None:
        own = tmp_path / "own"
        save(made_up(), own)
        before = states(own)
        for target in (own, weights):
            with pytest.raises(ModelError, match="is there already") as caught:
                quantise(weights, target, store=tmp_path)
            assert caught.value.hint
        assert states(own) == before
        assert weights.is_dir()

    def test_a_file_in_the_way(self, weights: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(ModelError, match="is there already"):
            quantise(weights, tmp_path / "file", store=tmp_path)
        with pytest.raises(ModelError, match="cannot be written"):
            quantise(weights, tmp_path / "file" / "q", store=tmp_path)

    def test_a_source_that_is_incomplete(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"has no model\.bin, config\.json"):
            quantise(tmp_path / "gone", tmp_path / "q", store=tmp_path)

    def test_a_source_that_is_int8_already(self, tmp_path: Path) -> None:
        save(made_up(), tmp_path / "int8", "int8")
        with pytest.raises(ModelError, match="quantised already"):
            quantise(tmp_path / "int8", tmp_path / "q", store=tmp_path)
        assert not (tmp_path / "q").exists()

    def test_variables_that_ctranslate2_does_not_know(self, tmp_path: Path) -> None:
        source = save(made_up(), tmp_path / "newer")
        data = (source / "model.bin").read_bytes()
        (source / "model.bin").write_bytes(data.replace(b"decoder/num_heads", b"decoder/num_hoods"))
        with pytest.raises(ModelError, match="num_h"):
            quantise(source, tmp_path / "q", store=tmp_path)

    def test_weights_cut_short_leave_nothing(self, weights: Path, tmp_path: Path) -> None:
        source = tmp_path / "cut"
        source.mkdir()
        for path in weights.iterdir():
            (source / path.name).write_bytes(path.read_bytes())
        (source / "model.bin").write_bytes((weights / "model.bin").read_bytes()[:-100])
        with pytest.raises(ModelError, match="cut short"):
            quantise(source, tmp_path / "q", store=tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["cut"]

    @UNIX
    def test_a_disk_that_fills_leaves_nothing(self, weights: Path, tmp_path: Path) -> None:
        code = """
import resource, sys
from pathlib import Path
from echocli.errors import ModelError
from echocli.models.quantised import quantise
import ctranslate2.specs
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    quantise(Path(sys.argv[1]), Path(sys.argv[2]), store=Path(sys.argv[2]).parent)
except ModelError as error:
    print(error)
"""
        done = subprocess.run(
            [sys.executable, "-c", code, weights, tmp_path / "q"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env=clean_environment(tmp_path),
        )
        assert "cannot be written" in done.stdout
        assert not list(tmp_path.iterdir())


COMPARE = """
import json, sys
import numpy as np
import soundfile
from faster_whisper import WhisperModel

sound, rate = soundfile.read(sys.argv[3], dtype="float32")
answers = []
for path in sys.argv[1:3]:
    model = WhisperModel(path, device="cpu", compute_type="int8", cpu_threads=1)
    seen = np.array(model.encode(model.feature_extractor(sound)[:, :3000]))
    segments, _ = model.transcribe(sound, language="en", beam_size=1, temperature=0)
    text = " ".join(segment.text for segment in segments)
    answers.append([model.model.compute_type, seen.tobytes().hex()[:100_000], text])
print(json.dumps([answers[0] == answers[1], answers[0][0], answers[0][2]]))
"""


@pytest.mark.model
def test_the_bundled_model_writes_the_same_text_from_half_the_room(
    tiny_model: Path, samples: Path, tmp_path: Path
) -> None:
    made = tmp_path / "tiny.en-int8"
    quantise(tiny_model, made, store=tmp_path)
    whole = (tiny_model / "model.bin").stat().st_size
    assert (made / "model.bin").stat().st_size < 0.55 * whole
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, tiny_model, made, samples / "meeting.flac"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=clean_environment(tmp_path),
    )
    same, compute_type, text = json.loads(done.stdout)
    assert same
    assert compute_type == "int8_float32"
    assert len(text.split()) > 20
    (made / "model.bin").unlink()  # pytest keeps the directories of several runs
