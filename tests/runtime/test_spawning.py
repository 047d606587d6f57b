from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from echocli.providers.base import LoadSpec
from echocli.runtime.spawning import WIDE, child_environment, prestart, spawn, wide_kernels
from echocli.runtime.worker import Worker

pytestmark = pytest.mark.unit


def cpuinfo(vendor: str, flags: set[str]) -> str:
    return f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu sse2 {' '.join(flags)}\n"


def test_wide_kernels_are_used_where_they_were_measured_to_be_a_gain() -> None:
    assert wide_kernels(cpuinfo("AuthenticAMD", WIDE)) == {"CT2_FORCE_CPU_ISA": "AVX512"}
    assert wide_kernels(cpuinfo("AuthenticAMD", WIDE - {"avx512vl"})) == {}
    assert wide_kernels(cpuinfo("GenuineIntel", WIDE)) == {}
    assert wide_kernels("") == {}


def test_the_users_own_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CT2_FORCE_CPU_ISA", "GENERIC"), ("OPENBLAS_NUM_THREADS", "3")):
        monkeypatch.setenv(name, value)
        assert child_environment()[name] == value


def test_a_process_started_in_advance_is_the_one_that_serves() -> None:
    prestart("json")
    (spare,) = psutil.Process().children()
    worker = Worker(LoadSpec("scripted", "none", "missing-script"))
    assert worker.pid == spare.pid
    with pytest.raises(Exception, match="missing-script"):
        worker.loaded.result(timeout=60)
    worker.stop()


def test_one_that_died_is_replaced() -> None:
    prestart("json")
    (spare,) = psutil.Process().children()
    spare.kill()
    psutil.wait_procs([spare], timeout=10)
    process = spawn()
    assert process.pid != spare.pid
    process.kill()
    process.communicate()


def test_one_that_is_not_needed_ends_with_the_program() -> None:
    code = (
        "from echocli.runtime.spawning import prestart, _spare\n"
        "prestart('json'); print(_spare[0].pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not psutil.pid_exists(int(done.stdout))


def test_a_library_that_cannot_be_imported_is_left_to_the_provider() -> None:
    prestart("no_such_library")
    worker = Worker(LoadSpec("scripted", "none", "missing-script"))
    with pytest.raises(Exception, match="missing-script"):
        worker.loaded.result(timeout=60)
    worker.stop()
