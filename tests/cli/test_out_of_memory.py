"""The program on devices without room, from the command line to the text and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from echocli.types import SAMPLE_RATE
from tests.conftest import RunEchocli
from tests.sounds import read

pytestmark = pytest.mark.unit

TEXTS = [f"This is window number {n}." for n in range(50)]

PLUGIN = """
from dataclasses import replace
from echocli.providers.scripted import Scripted

class OnGpu(Scripted):
    info = replace(Scripted.info, name="on-gpu", devices=("cpu", "cuda"))
"""

DRIVER = """#!/bin/sh
echo "0, GPU-1234, 8192, A GPU that is not here"
"""

LIBRARY = """
def get_cuda_device_count():
    return 1

def get_supported_compute_types(device, index=0):
    return {"float16", "float32", "int8", "int8_float16"}
"""


@pytest.fixture
def run_echocli(run_program: RunEchocli) -> RunEchocli:
    """Run the program as a process: its start and its end are what is shown here."""
    return run_program


@pytest.fixture
def recording(samples: Path, tmp_path: Path) -> Path:
    """Return a recording of twenty windows: words with long silences between."""
    speech = read(samples / "meeting.flac", 2, 3.2)
    once = np.concatenate([speech, np.zeros(SAMPLE_RATE * 26 // 10, np.float32)])
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(once, 20), SAMPLE_RATE, subtype="PCM_16")
    return path


@pytest.fixture
def gpu(tmp_path: Path) -> dict[str, str]:
    """Return variables that show a GPU to the program, and a scripted provider that can use it."""
    folder = tmp_path / "gpu"
    facts = folder / "on_gpu-1.dist-info"
    facts.mkdir(parents=True)
    (folder / "on_gpu_plugin.py").write_text(PLUGIN)
    (folder / "ctranslate2.py").write_text(LIBRARY)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: on-gpu\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[echocli.providers]\non-gpu = on_gpu_plugin:OnGpu\n")
    driver = folder / "nvidia-smi"
    driver.write_text(DRIVER)
    driver.chmod(0o755)
    return {"PYTHONPATH": str(folder), "PATH": f"{folder}:/usr/bin:/bin"}


def script(folder: Path, **keys: Any) -> Path:
    path = folder / "script.json"
    path.write_text(json.dumps({"texts": TEXTS, **keys}), encoding="utf-8")
    return path


def test_batches_above_what_fits_are_halved_and_the_text_is_whole(
    run_echocli: RunEchocli, recording: Path, tmp_path: Path
) -> None:
    arguments = ("transcribe", recording, "--provider", "scripted", "--threads", "1", "--model")
    plain = run_echocli(*arguments, script(tmp_path))
    # While the model loads, sound for more than the first seven windows is read.
    tight = run_echocli(*arguments, script(tmp_path, room={"cpu": 2}, load_ms=3000))
    assert (tight.code, tight.stderr) == (0, "")
    assert tight.stdout == plain.stdout
    assert tight.stdout.count("This is window") == 20
    state = json.loads((tmp_path / "script.json.state").read_text())
    assert state["too_large"][0] == 4


def test_a_processor_without_room_for_one_window_leaves_nobody_to_decode(
    run_echocli: RunEchocli, recording: Path, tmp_path: Path
) -> None:
    path = script(tmp_path, room={"cpu": 0})
    done = run_echocli("transcribe", recording, "--provider", "scripted", "--model", path)
    assert done.code == 4
    assert done.stdout == ""
    assert "no room" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "keys", [{"room": {"cuda": 0}}, {"no_room_to_load": ["cuda"]}], ids=["decoding", "loading"]
)
def test_a_gpu_without_room_is_left_for_the_cpu_with_a_notice_and_nothing_lost(
    run_echocli: RunEchocli,
    recording: Path,
    tmp_path: Path,
    gpu: dict[str, str],
    keys: dict[str, Any],
) -> None:
    arguments = ("transcribe", recording, "--threads", "1", "-p", "scripted", "-m")
    plain = run_echocli(*arguments, script(tmp_path))
    path = script(tmp_path, **keys)
    wanted = ("-p", "on-gpu", "--device", "cuda", "-f", "json")
    done = run_echocli(*arguments, path, *wanted, env=gpu)
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [s["text"].strip() for s in found["segments"]] == plain.stdout.splitlines()
    assert len(found["segments"]) == 20
    assert (found["stats"]["device"], found["stats"]["compute_type"]) == ("cpu", "int8")
    expected = f"cuda has no room left for {path} (float16): continuing on the CPU"
    assert expected in done.stderr


def test_a_gpu_with_room_is_used(
    run_echocli: RunEchocli, recording: Path, tmp_path: Path, gpu: dict[str, str]
) -> None:
    path = script(tmp_path)
    done = run_echocli("transcribe", recording, "-p", "on-gpu", "-m", path, "-f", "json", env=gpu)
    stats = json.loads(done.stdout)["stats"]
    assert (done.code, stats["device"], stats["compute_type"]) == (0, "cuda", "float16")
