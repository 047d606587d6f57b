"""Around PortAudio: calls that do not come back, and systems it is missing on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future

import pytest

from echocli.audio.portaudio import install_hint, within

pytestmark = pytest.mark.unit


def test_a_call_that_does_not_come_back_is_left_behind_and_undone() -> None:
    gate, undone = threading.Event(), Future[str]()

    def work() -> str:
        gate.wait()
        return "a stream"

    with pytest.raises(TimeoutError):
        within(0.01, work, undone.set_result)
    gate.set()
    assert undone.result(10) == "a stream"


def test_a_result_and_an_error_come_through() -> None:
    def fails() -> None:
        raise ValueError("no such device")

    assert within(10, lambda: 7) == 7
    with pytest.raises(ValueError, match="no such device"):
        within(10, fails)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_where_the_library_comes_in_the_package_the_package_is_installed_again(system: str) -> None:
    assert "--force-reinstall sounddevice" in install_hint(system)


def test_on_linux_the_hint_names_the_library() -> None:
    assert "portaudio" in install_hint("linux")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C stream is glibc's")
def test_c_libraries_are_silenced_and_python_is_not() -> None:
    program = (
        "import ctypes, sys\n"
        "from echocli.audio.portaudio import _silence\n"
        "_silence(); _silence()\n"
        "c = ctypes.CDLL(None)\n"
        "stream = ctypes.c_void_p.in_dll(c, 'stderr')\n"
        "c.fputs(b'from C', stream); c.fflush(stream); print('from Python', file=sys.stderr)\n"
    )
    if "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""):
        pytest.skip("not the GNU C library")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == "from Python\n"
