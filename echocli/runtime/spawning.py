"""Start the worker's process, also before it is known what it will serve.

Starting Python and importing an inference library takes longer than reading the command line and
looking at the machine. A spare process does the one while this one does the other.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

from echocli.environment import NO_TELEMETRY

KEPT_BYTES = str(2**30)
"""Blocks up to this size, and a heap up to this size, stay with the worker when they are freed."""

_spare: list[subprocess.Popen[bytes]] = []


def prestart(library: str) -> None:
    """Start a process that imports ``library`` and waits; :func:`spawn` will take it."""
    _spare.append(_start(library))


def spawn() -> subprocess.Popen[bytes]:
    """Return a worker process that waits for its first request: the spare one, or a new one."""
    while _spare:
        process = _spare.pop()
        if process.poll() is None:
            return process
        _end(process)
    return _start()


def _start(*anticipated: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: a file of the user's called json.py in the current directory is none of ours.
        [sys.executable, "-P", "-m", "echocli.runtime.worker_process", *anticipated],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    )


def child_environment() -> dict[str, str]:
    """Let the child find this very package, ask nothing of a hub, and keep little memory."""
    import echocli

    root = str(Path(echocli.__file__).resolve().parent.parent)
    paths = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {
        **wide_kernels(cpuinfo()),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        **NO_TELEMETRY,
        # Features are small products of matrices: threads for them wait for each other by spinning,
        # on cores that the slots need.
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
        # ggml otherwise starts a debugger when it aborts, whose output hides why it did.
        "GGML_NO_BACKTRACE": os.environ.get("GGML_NO_BACKTRACE", "1"),
        # glibc keeps what each decoding thread freed in an arena of its own; with one for all, a
        # worker of two slots peaks at 365 MB instead of 480 in ten minutes of speech, at equal
        # speed.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "1"),
        # glibc takes each block above 32 MB from the system and gives it back, so that an encoder
        # that works on 22 s of sound or more spends a third of its time in page faults (tiny.en,
        # one thread: 24 s of sound 160 -> 110 ms, 30 s 240 -> 158 ms).
        "MALLOC_MMAP_THRESHOLD_": os.environ.get("MALLOC_MMAP_THRESHOLD_", KEPT_BYTES),
        "MALLOC_TRIM_THRESHOLD_": os.environ.get("MALLOC_TRIM_THRESHOLD_", KEPT_BYTES),
    }


WIDE = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
"""Instructions CTranslate2's widest kernels need (``cpu/cpu_info.cc``)."""


def wide_kernels(cpuinfo: str) -> dict[str, str]:
    """Return the variable that makes CTranslate2 use AVX-512 where that is a gain.

    It never chooses them itself. AMD's processors do not slow down for them: an encoder of tiny.en
    needs 12 to 17 % less time. Others are left alone: they may, and it was not measured.
    """
    facts = dict(line.partition(":")[::2] for line in cpuinfo.splitlines()[::-1])
    known = {key.strip(): value.split() for key, value in facts.items()}
    amd = known.get("vendor_id") == ["AuthenticAMD"]
    return {"CT2_FORCE_CPU_ISA": "AVX512"} if amd and set(known.get("flags", ())) >= WIDE else {}


def cpuinfo() -> str:
    """Return what Linux says of the first processor."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            return "".join(takewhile(str.strip, file))
    except OSError:
        return ""


@atexit.register
def _end_spare() -> None:
    """Leave no process behind that was never needed."""
    for process in _spare:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
